import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { DomainSettings } from "../../lib/location/domain-settings.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { isAuthority } from "../../platform/tokens/client-certificate.ts";
import { Problem } from "./problem.ts";
import { json, operation, problems } from "./responses.ts";
import { domainParameters, userName } from "./schemas.ts";
import { ServerStore } from "../../platform/directory/server-store.ts";
import { Store } from "../../platform/directory/store.ts";

const settingsSchema = z
  .strictObject({
    redirect: z.boolean().default(false).openapi({ description: "Calls to its users are answered with their addresses (3xx)" }),
    calls_out: z.boolean().default(false).openapi({ description: "Its users may call other domains" }),
    presence_agent: z
      .string()
      .max(64)
      .optional()
      .openapi({ description: "A trunk of the domain: SUBSCRIBE and PUBLISH for its users go there, and not to their homes" }),
    guests: z
      .union([z.boolean(), z.array(userName).max(100)], { error: "is neither true, false nor a list of user names" })
      .default(false)
      .openapi({ description: "People without an account may call its users, and write to them: all, or those of a list of user names" }),
    unsolicited_notify: z
      .boolean()
      .default(false)
      .openapi({ description: "Trusted trunks may send NOTIFY outside a subscription to its phones, which makes some phones restart" }),
    client_authority: z.string().max(16_384).optional().openapi({
      description:
        "The certificate, in PEM, of the authority that issues client certificates to its users: a phone with one signs in without a password",
    }),
    call_record_days: z.number().int().min(0).max(3650).optional().openapi({
      description: "Days that the records of calls are kept; 0: none are written; absent: as the setting CALL_RECORD_DAYS says",
    }),
    end_lost_calls: z.number().int().min(10).max(86_400).optional().openapi({
      description:
        "Seconds after which a call is ended if its phone has lost its connection and is not back; absent: as the setting DEAD_CALL_TIME says",
    }),
    answer_strangers: z.boolean().default(false).openapi({ description: "The redirect server answers without authentication" }),
  })
  .openapi("DomainSettings");

const shared = { path: "/domains/{domain}/settings", security: [{ bearer: [] }] };
const read = createRoute({
  ...operation("readDomainSettings", "Read the settings of a domain", "Domains"),
  ...{ method: "get", ...shared, request: { params: domainParameters } },
  responses: { 200: json(settingsSchema, "The settings of the domain"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putDomainSettings", "Replace the settings of a domain", "Domains"),
  ...{ method: "put", ...shared },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: settingsSchema } } } },
  responses: { 200: json(settingsSchema, "The new settings, which replace all previous ones"), ...problems(400, 401, 404, 412, 413, 503) },
});

/** /domains/{domain}/settings. */
export const domainSettingRoutes = new OpenAPIHono<{ Bindings: Environment }>();

domainSettingRoutes.openapi(read, async (context) => {
  const { domain } = context.req.valid("param");
  return context.json(written(await new Store(context.env.DIRECTORY).domainSettings(domain)), 200);
});

domainSettingRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  const {
    redirect,
    answer_strangers: answersStrangers,
    calls_out: callsOut,
    guests,
    presence_agent: presenceAgent,
    unsolicited_notify: takesUnsolicited,
    client_authority: clientAuthority,
    call_record_days: callRecordDays,
    end_lost_calls: endLostCalls,
  } = context.req.valid("json");
  const settings: DomainSettings = {
    ...(guests === false ? {} : { guests }),
    redirects: redirect,
    answersStrangers,
    callsOut,
    ...(presenceAgent === undefined ? {} : { presenceAgent }),
    ...(takesUnsolicited ? { takesUnsolicited } : {}),
    ...(clientAuthority === undefined ? {} : { clientAuthority }),
    ...(callRecordDays === undefined ? {} : { callRecordDays }),
    ...(endLostCalls === undefined ? {} : { endLostCalls }),
  };
  const store = new Store(context.env.DIRECTORY);
  if (presenceAgent !== undefined && !(await new ServerStore(context.env.DIRECTORY).hasTrunk(domain, presenceAgent)))
    throw new Problem(400, `presence_agent: there is no trunk ${presenceAgent} in ${domain}`);
  for (const username of typeof guests === "boolean" ? [] : guests)
    if ((await store.subscriber(domain, username)) === undefined)
      throw new Problem(400, `guests: there is no user ${username} in ${domain}`);
  if (clientAuthority !== undefined && !isAuthority(clientAuthority))
    throw new Problem(400, "client_authority: this is not the certificate of one authority, in PEM");
  await store.putDomainSettings(domain, settings);
  directoryOf(context.env).forget(domain);
  return context.json(written(settings), 200);
});

function written(settings: DomainSettings): z.infer<typeof settingsSchema> {
  const { redirects, answersStrangers, callsOut, guests = false, presenceAgent, takesUnsolicited = false } = settings;
  return {
    redirect: redirects,
    answer_strangers: answersStrangers,
    calls_out: callsOut,
    guests: typeof guests === "boolean" ? guests : [...guests],
    presence_agent: presenceAgent,
    unsolicited_notify: takesUnsolicited,
    client_authority: settings.clientAuthority,
    call_record_days: settings.callRecordDays,
    end_lost_calls: settings.endLostCalls,
  };
}
