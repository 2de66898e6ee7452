import { SignJWT, importPKCS8 } from "jose";
import type { SentNote } from "../../lib/push/device-note.ts";
import type { PushDevice } from "../../lib/push/push-device.ts";
import type { FcmService } from "../../lib/push/push-service.ts";
import { boundedText } from "../bounded-text.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";
import { KnownTokens } from "./known-tokens.ts";
import { type PushHttpRequest, type PushResult, topic } from "./push-result.ts";

const scope = "https://www.googleapis.com/auth/firebase.messaging";
/** Milliseconds until a token has to come, octets of the answer, seconds of an assertion; and by how much earlier a token is renewed. */
const [patience, maxAnswer, assertedFor, renewBefore] = [5000, 8192, 3600, 300_000] as const;

/** Access tokens of this isolate: another domain that names the same account has to have its key too. */
const known = new KnownTokens();

/** A message of Firebase Cloud Messaging (HTTP v1), for the app to show: it has only data. */
export async function fcmRequest(
  environment: Environment,
  service: FcmService,
  { prid }: PushDevice,
  { text, ttl, isUrgent }: SentNote,
  now: number,
): Promise<PushHttpRequest | PushResult> {
  const token = await accessToken(environment, service, now);
  if (token === undefined) return { kind: "failed", why: "no access token for Firebase Cloud Messaging", isPassing: true };
  const android = { priority: isUrgent ? "high" : "normal", ttl: `${ttl}s`, collapse_key: topic };
  return {
    url: `${service.endpoint}/v1/projects/${encodeURIComponent(service.project)}/messages:send`,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ message: { token: prid, data: { offhook: text }, android } }),
  };
}

/** The registration token is of no use any more. */
export function isFcmGone(status: number, text: string): boolean {
  return status === 404 && text.includes("UNREGISTERED");
}

/** OAuth 2.0 with an assertion of the service account (RFC 7523 §2.1). */
async function accessToken(environment: Environment, service: FcmService, now: number): Promise<string | undefined> {
  const name = [service.clientEmail, service.tokenUri, service.privateKey].join(" ");
  const kept = known.find(name, now);
  if (kept !== undefined) return kept;
  const why = await whyUnreachable(environment, service.tokenUri);
  if (why !== undefined) throw new Error(`the token URI ${why}`);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    const body = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: await assertion(service, now),
    });
    const answer = await fetch(service.tokenUri, { method: "POST", body, redirect: "manual", signal: timeout.signal });
    const text = (await boundedText(answer, maxAnswer)) ?? "";
    if (answer.status !== 200) throw new Error(`the token URI answered with the status ${answer.status}`);
    const { access_token: token, expires_in: seconds } = JSON.parse(text) as { access_token?: unknown; expires_in?: unknown };
    if (typeof token !== "string" || typeof seconds !== "number") return undefined;
    return known.keep(name, token, now + seconds * 1000 - renewBefore);
  } finally {
    clearTimeout(timer);
  }
}

async function assertion({ clientEmail, privateKey, tokenUri }: FcmService, now: number): Promise<string> {
  const seconds = Math.floor(now / 1000);
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuer(clientEmail)
    .setAudience(tokenUri)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + assertedFor)
    .sign(await importPKCS8(privateKey, "RS256"));
}
