import { encryptNotification } from "@block65/webcrypto-web-push";
import { SignJWT, exportJWK, generateKeyPair, importJWK } from "jose";
import type { SentNote } from "../../lib/push/device-note.ts";
import type { PushDevice } from "../../lib/push/push-device.ts";
import type { WebPushService } from "../../lib/push/push-service.ts";
import { decodeBase64Url, encodeBase64Url } from "../crypto/base64url.ts";
import { type PushHttpRequest, type PushResult, topic } from "./push-result.ts";

/** The push services of browsers. Others are named in the settings: the URL comes from a phone, and could be of any server. */
const usualHosts = [
  /^fcm\.googleapis\.com$/,
  /^(?:[\w-]+\.)*push\.services\.mozilla\.com$/,
  /^(?:[\w-]+\.)*push\.apple\.com$/,
  /^(?:[\w-]+\.)*notify\.windows\.com$/,
];

/** Seconds that a push service may use the signature for (RFC 8292 §2: 24 hours at most). */
const signedFor = 43_200;

/** A request for a push message (RFC 8030 §5), encrypted for the device (RFC 8291) if that has given its keys. */
export async function webPushRequest(
  service: WebPushService,
  { prid, p256dh, auth }: PushDevice,
  { text, ttl, isUrgent }: SentNote,
  now: number,
): Promise<PushHttpRequest | PushResult> {
  const { hostname, port, origin } = new URL(prid);
  const isKnown = (port === "" && usualHosts.some((host) => host.test(hostname))) || service.hosts.includes(hostname);
  if (!isKnown)
    return {
      kind: "failed",
      why: `${port === "" ? hostname : `${hostname}:${port}`} is not a push service of a browser, and not in "hosts"`,
      isPassing: false,
    };
  const headers = {
    TTL: String(ttl),
    Urgency: isUrgent ? "high" : "normal",
    Topic: topic,
    Authorization: await vapid(service, origin, now),
  };
  if (p256dh === undefined || auth === undefined) return { url: prid, headers, body: "" };
  const keys = { endpoint: prid, expirationTime: null, keys: { p256dh, auth } };
  const body = await encryptNotification(keys, new TextEncoder().encode(text));
  return { url: prid, headers: { ...headers, "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream" }, body };
}

/** RFC 8030 §7.3: 404 or 410 says that the subscription has ended. */
export function isWebPushGone(status: number): boolean {
  return status === 404 || status === 410;
}

/** A new pair of keys for VAPID: base64url, an uncompressed point of P-256 and its secret. */
export async function createVapidKeys(): Promise<Pick<WebPushService, "publicKey" | "privateKey">> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { x = "", y = "", d = "" } = await exportJWK(privateKey);
  return { publicKey: encodeBase64Url(new Uint8Array([4, ...octets(x), ...octets(y)])), privateKey: d };
}

/** RFC 8292 §3. */
async function vapid({ publicKey, privateKey, subject }: WebPushService, audience: string, now: number): Promise<string> {
  const point = octets(publicKey);
  const [x, y] = [encodeBase64Url(point.slice(1, 33)), encodeBase64Url(point.slice(33, 65))];
  const key = await importJWK({ kty: "EC", crv: "P-256", x, y, d: privateKey }, "ES256");
  const claims = new SignJWT()
    .setAudience(audience)
    .setSubject(subject)
    .setExpirationTime(Math.floor(now / 1000) + signedFor);
  return `vapid t=${await claims.setProtectedHeader({ typ: "JWT", alg: "ES256" }).sign(key)}, k=${publicKey}`;
}

function octets(text: string): Uint8Array {
  return decodeBase64Url(text, text.length) ?? new Uint8Array();
}
