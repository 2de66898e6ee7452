import { createHmac } from "node:crypto";
import { type WebHook, signingSecrets } from "../lib/web-hooks/web-hook.ts";
import type { Environment } from "./environment.ts";
import { whyUnreachable } from "./web-hook-receiver.ts";

/** Milliseconds until a receiver has to answer. */
const patience = 10_000;
const prefix = "whsec_";

/** What became of an attempt: the status of the receiver's answer, or why there is none. */
export interface SendResult {
  readonly status: number | null;
  readonly error: string | null;
}

/** Sends an event to the receiver of a hook, once (Standard Webhooks). The body of its answer is not read. */
export async function sendToWebHook(
  environment: Environment,
  hook: WebHook,
  { id, payload }: { readonly id: string; readonly payload: string },
  now: number,
): Promise<SendResult> {
  if (hook.isLost === true) return failed("no key in SEAL_KEYS opens its secret: make a new one");
  const why = await whyUnreachable(environment, hook.url);
  if (why !== undefined) return failed(`the URL ${why}`);
  const headers = signedHeaders(signingSecrets(hook, now), { id, payload }, now);
  // Not a signal with a timer of its own, which would keep the object awake when the answer has come.
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    const answer = await fetch(hook.url, { method: "POST", headers, body: payload, redirect: "manual", signal: timeout.signal });
    await answer.body?.cancel();
    return { status: answer.status, error: null };
  } catch (error) {
    console.error(JSON.stringify({ note: "a web hook could not be called", hook: `${hook.name}@${hook.domain}`, error: String(error) }));
    return failed(timeout.signal.aborted ? `no answer in ${patience / 1000} seconds` : "the connection could not be made, or was lost");
  } finally {
    clearTimeout(timer);
  }
}

/** The headers of a signed POST (Standard Webhooks). */
export function signedHeaders(
  secrets: readonly string[],
  { id, payload }: { readonly id: string; readonly payload: string },
  now: number,
): Record<string, string> {
  const timestamp = Math.floor(now / 1000);
  return {
    "Content-Type": "application/json",
    "User-Agent": "Offhook",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": secrets.map((secret) => signature(secret, `${id}.${timestamp}.${payload}`)).join(" "),
  };
}

/** A new secret for signatures: 32 octets. */
export function createSecret(): string {
  return `${prefix}${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64")}`;
}

/** `v1,` and the HMAC-SHA256 in base64. */
function signature(secret: string, signed: string): string {
  const key = Buffer.from(secret.slice(prefix.length), "base64");
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

function failed(error: string): SendResult {
  return { status: null, error };
}
