import { SignJWT, importPKCS8 } from "jose";
import type { SentNote } from "../../lib/push/device-note.ts";
import type { PushDevice } from "../../lib/push/push-device.ts";
import type { ApnsService } from "../../lib/push/push-service.ts";
import { KnownTokens } from "./known-tokens.ts";
import { type PushHttpRequest, type PushResult, topic as collapseId } from "./push-result.ts";

/** Milliseconds that a token is used: Apple wants a new one after 20 to 60 minutes. */
const tokenUsedFor = 2_400_000;

/** Tokens of this isolate. */
const known = new KnownTokens();

/**
 * A notification of the Apple Push Notification service. iOS ends an app that gets a notification of the type `voip` without a call, so
 * only calls go to such a topic.
 */
export async function apnsRequest(
  service: ApnsService,
  { prid, param = "" }: PushDevice,
  { text, ttl, isUrgent }: SentNote,
  now: number,
): Promise<PushHttpRequest | PushResult> {
  // RFC 8599 §10: the team, and the topic after the first period.
  const topic = param.slice(param.indexOf(".") + 1);
  const isVoip = topic.endsWith(".voip");
  if (isVoip && !isUrgent) return { kind: "sent", status: 204 };
  return {
    url: `${service.endpoint}/3/device/${prid}`,
    headers: {
      Authorization: `bearer ${await providerToken(service, now)}`,
      "Content-Type": "application/json",
      "apns-topic": topic,
      "apns-push-type": isVoip ? "voip" : "alert",
      "apns-priority": isUrgent ? "10" : "5",
      "apns-expiration": String(Math.floor(now / 1000) + ttl),
      "apns-collapse-id": collapseId,
    },
    body: JSON.stringify({
      aps: isVoip ? {} : { "mutable-content": 1, alert: { title: isUrgent ? "Incoming call" : "Missed" } },
      offhook: text,
    }),
  };
}

/** The device token is of no use any more. */
export function isApnsGone(status: number, text: string): boolean {
  return status === 410 || (status === 400 && text.includes("BadDeviceToken"));
}

async function providerToken({ keyId, teamId, privateKey }: ApnsService, now: number): Promise<string> {
  const name = [teamId, keyId, privateKey].join(" ");
  const kept = known.find(name, now);
  if (kept !== undefined) return kept;
  const claims = new SignJWT().setProtectedHeader({ alg: "ES256", kid: keyId }).setIssuer(teamId);
  const token = await claims.setIssuedAt(Math.floor(now / 1000)).sign(await importPKCS8(privateKey, "ES256"));
  return known.keep(name, token, now + tokenUsedFor);
}
