import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type Rules, noRules } from "../../lib/location/rules.ts";
import type { WatcherRules } from "../../lib/location/watcher-rules.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { canonicalName, permissionSchema, shownName, shownWatchers, subscriberParameters, watcherName } from "./schemas.ts";
import { Store } from "../../platform/directory/store.ts";
import { refuseVainTarget } from "./targets.ts";

/** A SIP, SIPS or TEL URI, or a user part of the same domain. */
const target = z
  .string()
  .max(256)
  .refine(isTarget, "is neither a SIP, SIPS or TEL URI nor a user part")
  .openapi({ example: "sip:bob@example.com" });
const blocked = z
  .string()
  .max(320)
  .transform(canonicalName)
  .refine(
    (name) => ["anonymous", "unverified"].includes(name) || /^[^@\s]+@[a-z0-9.\-[\]:]+$/.test(name),
    "is not user@domain, *@domain, anonymous or unverified",
  );

/** Octets: a subscriber's row is sent with each new connection to their home. */
const maxRules = 8192;

const rulesSchema = z
  .strictObject({
    forward: z
      .strictObject({
        always: target.optional().openapi({ description: "Where all calls go" }),
        busy: target.optional().openapi({ description: "Where calls go while the user is busy" }),
        no_answer: z
          .strictObject({
            to: target.openapi({ description: "Where the call goes" }),
            after: z.int().min(1).max(180).openapi({ description: "Seconds that it rings before" }),
          })
          .optional()
          .openapi({ description: "Where calls go that are not answered" }),
        not_registered: target.optional().openapi({ description: "Where calls go while no phone is registered" }),
      })
      .default({})
      .openapi({ description: "Forwarding: a SIP, SIPS or TEL URI, or a user of the same domain; not the user's own address" }),
    do_not_disturb: z.boolean().default(false).openapi({ description: "Calls are refused as busy" }),
    blocked: z
      .array(blocked)
      .max(200)
      .default([])
      .openapi({
        description: "Callers that are refused; unverified: whose number a trunk was to verify, and could not",
        example: ["*@evil.example", "anonymous"],
      }),
    maximum_calls: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .openapi({ description: "Simultaneous calls, in both directions; no limit if absent" }),
    watching: z
      .strictObject({
        default: permissionSchema.optional(),
        watchers: z
          .record(watcherName, permissionSchema)
          .default({})
          .openapi({ description: "The permission of each watcher: user@domain, or *@domain" }),
      })
      .optional()
      .openapi({ description: "Who may watch the user, and see presence and calls; if absent, users of the same domain" }),
  })
  .refine((rules) => sizeOf(rules) <= maxRules, `are longer than ${maxRules} octets`)
  .openapi("Rules");

type Written = z.infer<typeof rulesSchema>;

const shared = { path: "/domains/{domain}/subscribers/{username}/rules", security: [{ bearer: [] }] };
const request = { params: subscriberParameters };
const read = createRoute({
  ...operation("readRules", "Read the rules for the calls of a user", "Calls"),
  ...{ method: "get", ...shared, request },
  responses: { 200: json(rulesSchema, "The rules of the user"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putRules", "Replace the rules for the calls of a user", "Calls"),
  ...{ method: "put", ...shared },
  request: { ...request, body: { required: true, content: { "application/json": { schema: rulesSchema } } } },
  responses: { 200: json(rulesSchema, "The new rules, which replace all previous ones"), ...problems(400, 401, 404, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteRules", "Remove all rules of a user", "Calls"),
  ...{ method: "delete", ...shared, request },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/subscribers/{username}/rules. */
export const ruleRoutes = new OpenAPIHono<{ Bindings: Environment }>();

ruleRoutes.openapi(read, async (context) => {
  const { domain, username } = context.req.valid("param");
  const { rules } = await new Store(context.env.DIRECTORY).existing(domain, username);
  return context.json(written(rules), 200);
});

ruleRoutes.openapi(put, async (context) => {
  const { domain, username } = context.req.valid("param");
  const rules = understood(context.req.valid("json"), domain);
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  for (const [member, uri] of targetsOf(rules)) await refuseVainTarget(context.env, subscriber, `forward.${member}`, uri);
  await change(context, domain, username, rules);
  return context.json(written(rules), 200);
});

ruleRoutes.openapi(remove, async (context) => {
  const { domain, username } = context.req.valid("param");
  await change(context, domain, username, noRules);
  return context.body(null, 204);
});

async function change(
  { env, executionCtx }: { readonly env: Environment; readonly executionCtx: { waitUntil(work: Promise<unknown>): void } },
  domain: string,
  username: string,
  rules: Rules,
): Promise<void> {
  const subscriber = await new Store(env.DIRECTORY).putRules(domain, username, rules, Date.now());
  directoryOf(env).forget(domain);
  await homesOf(env, (work) => executionCtx.waitUntil(work)).changed(subscriber);
}

function targetsOf({ forward: { always, busy, noAnswer, notRegistered } }: Rules): [member: string, uri: string][] {
  const targets = { always, busy, "no_answer.to": noAnswer?.to, not_registered: notRegistered };
  return Object.entries(targets).flatMap(([member, uri]) => (uri === undefined ? [] : [[member, uri] satisfies [string, string]]));
}

function understood(
  { forward, do_not_disturb: doNotDisturb, blocked: list, maximum_calls: maximumCalls, watching }: Written,
  domain: string,
): Rules {
  const { always, busy, no_answer: noAnswer, not_registered: notRegistered } = forward;
  const full = (uri: string) => (isFault(parseUri(uri)) ? `sip:${canonicalUser(uri)}@${domain}` : uri);
  return {
    forward: {
      ...(always === undefined ? {} : { always: full(always) }),
      ...(busy === undefined ? {} : { busy: full(busy) }),
      ...(noAnswer === undefined ? {} : { noAnswer: { to: full(noAnswer.to), after: noAnswer.after } }),
      ...(notRegistered === undefined ? {} : { notRegistered: full(notRegistered) }),
    },
    doNotDisturb,
    blocked: [...new Set(list)],
    ...(maximumCalls === undefined ? {} : { maximumCalls }),
    ...(watching === undefined ? {} : { watching: understoodWatching(watching) }),
  };
}

function understoodWatching({ default: other, watchers }: NonNullable<Written["watching"]>): WatcherRules {
  return { watchers, ...(other === undefined ? {} : { default: other }) };
}

function written({ forward, doNotDisturb, blocked: list, maximumCalls, watching }: Rules): Written {
  const { always, busy, noAnswer, notRegistered } = forward;
  return {
    forward: { always, busy, no_answer: noAnswer, not_registered: notRegistered },
    do_not_disturb: doNotDisturb,
    blocked: list.map(shownName),
    maximum_calls: maximumCalls,
    watching: watching === undefined ? undefined : { ...watching, watchers: shownWatchers(watching.watchers) },
  };
}

/** Strings with other than Latin-1 letters take two octets for each character in an attachment. */
function sizeOf(rules: object): number {
  const text = JSON.stringify(rules);
  return Buffer.byteLength(text, "latin1") * (Buffer.from(text, "latin1").toString("latin1") === text ? 1 : 2);
}

function isTarget(text: string): boolean {
  const uri = parseUri(text);
  if (isFault(uri)) return !/[@:;?]/.test(text) && !isFault(parseUri(`sip:${canonicalUser(text)}@localhost`));
  return uri.kind === "tel" || (uri.kind === "sip" && uri.user !== undefined);
}
