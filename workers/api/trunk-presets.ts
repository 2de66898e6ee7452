import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import twilio from "../../presets/twilio.json" with { type: "json" };
import telnyx from "../../presets/telnyx.json" with { type: "json" };
import vonage from "../../presets/vonage.json" with { type: "json" };
import bandwidth from "../../presets/bandwidth.json" with { type: "json" };
import didww from "../../presets/didww.json" with { type: "json" };
import plivo from "../../presets/plivo.json" with { type: "json" };
import signalwire from "../../presets/signalwire.json" with { type: "json" };
import asterisk from "../../presets/asterisk.json" with { type: "json" };
import freeswitch from "../../presets/freeswitch.json" with { type: "json" };
import kamailio from "../../presets/kamailio.json" with { type: "json" };
import freepbx from "../../presets/freepbx.json" with { type: "json" };
import openaiRealtime from "../../presets/openai-realtime.json" with { type: "json" };
import livekit from "../../presets/livekit.json" with { type: "json" };
import vapi from "../../presets/vapi.json" with { type: "json" };
import elevenlabs from "../../presets/elevenlabs.json" with { type: "json" };
import type { ApiEnvironment } from "./actor.ts";
import { json, operation, problems } from "./responses.ts";
import { trunkPresetSchema } from "./trunk-preset-schema.ts";

const presets = [
  twilio,
  telnyx,
  vonage,
  bandwidth,
  didww,
  plivo,
  signalwire,
  asterisk,
  freeswitch,
  kamailio,
  freepbx,
  openaiRealtime,
  livekit,
  vapi,
  elevenlabs,
].map((preset) => trunkPresetSchema.parse(preset));

const list = createRoute({
  ...operation("listTrunkPresets", "List settings for trunks to known providers and programs", "Other servers"),
  ...{ method: "get", path: "/trunk-presets", security: [{ bearer: [] }] },
  responses: {
    200: json(z.object({ presets: z.array(trunkPresetSchema) }).openapi("TrunkPresets"), "The presets, by name"),
    ...problems(400, 401, 503),
  },
});

/** /trunk-presets: the files in presets/. */
export const trunkPresetRoutes = new OpenAPIHono<ApiEnvironment>();

trunkPresetRoutes.openapi(list, (context) => context.json({ presets }, 200));
