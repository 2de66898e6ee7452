import { z } from "@hono/zod-openapi";
import { isRouterBinding, type Router } from "../../lib/location/router.ts";

const url = z.string().max(1024).openapi({
  description: "What is asked about each call: an https URL of a server on the Internet",
  example: "https://app.example.com/route",
});
const binding = z
  .string()
  .refine(isRouterBinding, "does not begin with ROUTER, or has other characters than capital letters, digits and _")
  .openapi({ description: "The name of a service binding of this deployment, which begins with ROUTER", example: "ROUTER" });
const limits = {
  timeout: z
    .int()
    .min(50)
    .max(5000)
    .default(500)
    .openapi({ description: "Milliseconds that the router has for its decision, a second attempt included" }),
  fallback: z.enum(["continue", "reject"]).default("continue").openapi({
    description:
      "What becomes of a call without its decision: it goes as without a router, or is refused with 480. If its decision is not valid, the call goes to users of this server only",
  }),
};
const http = z.literal("http").openapi({ description: "A URL that gets a signed request for each call" });
const service = z.literal("service").openapi({ description: "A Worker with a method route" });

/** The content of a PUT. */
export const routerBody = z
  .discriminatedUnion("kind", [z.strictObject({ kind: http, url, ...limits }), z.strictObject({ kind: service, binding, ...limits })])
  .openapi("RouterChange");

const shown = {
  kind: z.enum(["http", "service"]).openapi({ description: "A URL, or a Worker" }),
  url: url.optional(),
  binding: z.string().optional().openapi({ description: "The name of the service binding", example: "ROUTER" }),
  timeout: z.number().openapi({ description: "Milliseconds that the router has for its decision" }),
  fallback: z.enum(["continue", "reject"]).openapi({ description: "What becomes of a call without its decision" }),
};

/** A router without its secret. */
export const routerSchema = z.object(shown).openapi("Router");
const secret = z.string().openapi({ description: "The secret that signs the questions; it is shown only here", example: "whsec_MfKQ…" });
export const createdRouterSchema = z.object({ ...shown, secret: secret.optional() }).openapi("CreatedRouter");

export function routerView(router: Router): z.infer<typeof routerSchema> {
  const { kind, timeout, fallback } = router;
  return { kind, ...(router.kind === "http" ? { url: router.url } : { binding: router.binding }), timeout, fallback };
}
