import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { keyringFor } from "../../platform/directory/directory.ts";
import { isDirectoryAway } from "../../platform/directory/guarded.ts";
import { type KeptAnswer, KeptAnswerStore } from "../../platform/directory/kept-answer-store.ts";
import type { Actor, ApiEnvironment } from "./actor.ts";
import { pathInApi } from "./path.ts";
import { Problem } from "./problem.ts";

/** Milliseconds after which a request that has no answer is taken to be broken off. */
const brokenOff = 60_000;
/** Visible characters of ASCII. */
const form = /^[\x21-\x7e]{1,255}$/;
const header = "Idempotency-Key";

const headers = z.object({
  [header]: z.string().regex(form).optional().openapi({
    description:
      "Any text of the client's choice, such as a UUID. If a request is sent again with the same one within 24 hours, it is not performed again, and has the same answer, with Idempotency-Replayed: true",
  }),
});

interface Definition {
  readonly type: string;
  readonly route?: { readonly method: string; readonly path: string; request?: object };
}

/** Describes the header at each POST that takes it. @param definitions those of the API's description */
export function describeIdempotency(definitions: readonly Definition[]): void {
  for (const { type, route } of definitions)
    if (type === "route" && route?.method === "post" && !isRepeatable(route.path)) route.request = { ...route.request, headers };
}

/**
 * A POST with an Idempotency-Key is performed once: if it is sent again, the answer to the first one is repeated (the IETF draft
 * draft-ietf-httpapi-idempotency-key-header). The keys of each administrator or API key are their own. A request that was refused may be
 * made anew. @throws 409 while it is performed, 422 if the body is another one
 */
export const idempotent: MiddlewareHandler<ApiEnvironment> = async (context, next) => {
  const key = context.req.header(header);
  const path = pathInApi(context.req.url);
  const sender = senderOf(context.get("actor"));
  if (key === undefined || context.req.method !== "POST" || isRepeatable(path) || sender === undefined) return next();
  if (!form.test(key)) throw new Problem(400, `${header}: has to have 1 to 255 visible characters of ASCII`);
  const keyring = keyringFor(context.env);
  if (keyring === undefined) throw new Problem(503, `the secret SEAL_KEYS is not set: ${header} cannot be used`);
  const [id, body] = [hashOf([sender, path, key].join("\n")), hashOf(new Uint8Array(await context.req.arrayBuffer()))];
  const [store, now] = [new KeptAnswerStore(context.env.DIRECTORY), Date.now()];
  const before = await store.begin(id, body, now);
  if (before !== undefined) {
    const kept = await answerBefore(before, { id, body, now, store, keyring });
    if (kept !== undefined) return kept;
  }
  await next();
  try {
    await (context.res.ok ? store.keep(id, await sealed(context, keyring, id)) : store.forget(id));
  } catch (error) {
    if (!isDirectoryAway(error)) throw error;
    // It was performed: its sender is told so all the same.
    console.error(
      JSON.stringify({ note: "the answer to a request with an Idempotency-Key could not be kept", path, error: String(error) }),
    );
  }
};

interface Repetition {
  readonly id: string;
  readonly body: string;
  readonly now: number;
  readonly store: KeptAnswerStore;
  readonly keyring: Keyring;
}

/** The answer to the first request; undefined if that was broken off, so that it is performed now. */
async function answerBefore(before: KeptAnswer, { id, body, now, store, keyring }: Repetition): Promise<Response | undefined> {
  if (before.body !== body) throw new Problem(422, `${header}: was used for a request with another body`);
  if (before.answer !== null) return repeated(keyring.open("answer", before.answer, id));
  if (now - before.at >= brokenOff && (await store.takeOver(id, before.at, now))) return undefined;
  throw new Problem(409, `${header}: the first request is still performed`, { "Retry-After": "5" });
}

/** @param text undefined if no key opens it */
function repeated(text: string | undefined): Response {
  if (text === undefined) throw new Problem(409, `${header}: no key in SEAL_KEYS opens the answer to the first request`);
  const { status, headers: given, body } = JSON.parse(text) as { status: number; headers: [string, string][]; body: string };
  const answer = new Response(body, { status, headers: given });
  answer.headers.set("Idempotency-Replayed", "true");
  return answer;
}

async function sealed({ res }: Context<ApiEnvironment>, keyring: Keyring, id: string): Promise<string> {
  const body = await res.clone().text();
  return keyring.seal("answer", JSON.stringify({ status: res.status, headers: [...res.headers], body }), id);
}

/** Only of those who administer: strangers write nothing into the database. */
function senderOf(actor: Actor): string | undefined {
  if (actor.kind !== "key" && actor.kind !== "administrator") return undefined;
  return actor.kind === "key" ? actor.key.id : "administrator";
}

/** Whether a POST may be repeated as it is. */
function isRepeatable(path: string): boolean {
  return path.endsWith("/subscribers/import") || path === "/routes/test";
}

function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64url");
}
