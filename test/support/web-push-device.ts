import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { type JWTPayload, importJWK, jwtVerify } from "jose";

/** The state that a note shows, as a page's service worker reads it. */
export interface ReceivedNote {
  readonly ringing: readonly { readonly from: string; readonly name?: string }[];
  readonly missed: { readonly count: number; readonly last: { readonly from: string } } | null;
  readonly messages: { readonly count: number; readonly last: { readonly from: string } } | null;
  readonly refresh: boolean;
}

/** A browser's end of Web Push, written from RFC 8291 and RFC 8188 alone. */
export class WebPushDevice {
  readonly url: string;
  readonly #keys = createECDH("prime256v1");
  readonly #auth = randomBytes(16);

  constructor(url: string) {
    this.url = url;
    this.#keys.generateKeys();
  }

  get p256dh(): string {
    return this.#keys.getPublicKey("base64url");
  }

  get auth(): string {
    return this.#auth.toString("base64url");
  }

  /** The parameters of a Contact, after its URI. */
  get parameters(): string {
    return `;pn-provider=webpush;pn-prid="${this.url}";x-pn-p256dh=${this.p256dh};x-pn-auth=${this.auth}`;
  }

  /** RFC 8291 §3.4, RFC 8188 §2. */
  read(body: Uint8Array): ReceivedNote {
    const salt = body.subarray(0, 16);
    const keyLength = body[20] ?? 0;
    const sender = body.subarray(21, 21 + keyLength);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#keys.getPublicKey(), sender]);
    const secret = hkdfSync("sha256", this.#keys.computeSecret(sender), this.#auth, info, 32);
    const key = hkdfSync("sha256", Buffer.from(secret), salt, "Content-Encoding: aes128gcm\0", 16);
    const nonce = hkdfSync("sha256", Buffer.from(secret), salt, "Content-Encoding: nonce\0", 12);
    const sealed = body.subarray(21 + keyLength);
    const decipher = createDecipheriv("aes-128-gcm", Buffer.from(key), Buffer.from(nonce));
    decipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    return JSON.parse(padded.subarray(0, padded.lastIndexOf(2)).toString()) as ReceivedNote;
  }
}

/** The claims of a VAPID signature (RFC 8292 §2, §3); throws if it is not by the key in it, or not valid now. */
export async function readVapid(authorization: string): Promise<{ readonly key: string; readonly claims: JWTPayload }> {
  const [, token = "", key = ""] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33).toString("base64url"), point.subarray(33).toString("base64url")];
  const { payload } = await jwtVerify(token, await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256"), {
    requiredClaims: ["aud", "exp", "sub"],
  });
  return { key, claims: payload };
}
