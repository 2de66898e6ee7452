import { z } from "@hono/zod-openapi";
import { mediaProfiles } from "../../lib/media/profile.ts";

const text = z.string().min(1).max(500);

/** What a file in presets/ has. What is not known is left out, and `notes` say so. */
export const trunkPresetSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/)
      .openapi({ description: "The name of the preset", example: "kamailio" }),
    name: text.openapi({ description: "The provider or the program" }),
    server: text
      .optional()
      .openapi({ description: "The trunk's server; what is in capitals is yours", example: "sip:pbx.example.com;transport=tcp" }),
    transport: z.enum(["tls", "tcp", "wss", "ws"]).optional().openapi({ description: "The transport" }),
    authentication: z
      .array(z.enum(["credentials", "registration", "address"]))
      .min(1)
      .optional()
      .openapi({ description: "How it knows us: by username and password in calls, by register, by our addresses" }),
    format: z.enum(["e164", "plain"]).optional().openapi({ description: "Its format of numbers" }),
    media: z
      .strictObject({
        profile: z.enum(mediaProfiles).optional().openapi({ description: "What the other side speaks" }),
        codecs: z.array(text).min(1).optional().openapi({ description: "Codecs that it supports" }),
      })
      .optional()
      .openapi({ description: "Its media" }),
    other_side: text.openapi({ description: "What has to be set there" }),
    notes: z.array(text).openapi({ description: "What else to know, and what is not known" }),
    documentation: z.array(z.url()).min(1).optional().openapi({ description: "Where this is from" }),
    tried: text.optional().openapi({ description: "With what it was tried" }),
    from_documentation: z.literal(true).optional().openapi({ description: "It was not tried: it follows public documentation" }),
  })
  .refine(
    (preset) => (preset.tried === undefined) !== (preset.from_documentation === undefined),
    "needs either tried or from_documentation",
  )
  .refine((preset) => preset.from_documentation === undefined || preset.documentation !== undefined, "needs its documentation")
  .openapi("TrunkPreset");
