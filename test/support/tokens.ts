import { type CryptoKey, type JWK, type JWTPayload, SignJWT, exportJWK, generateKeyPair } from "jose";

export const issuer = "https://login.example.com/";
export const audience = "offhook";

/** Who signs tokens: an identity provider, with one key. */
export interface Signer {
  readonly kid: string;
  /** As it stands in a key set. */
  readonly publicKey: JWK;
  readonly privateKey: CryptoKey;
  readonly alg: string;
  /** A token of these claims, and of those that each good token has. */
  sign(claims?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

let keys = 0;

export async function newSigner(alg = "ES256"): Promise<Signer> {
  keys += 1;
  const kid = `key-${keys}`;
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const now = () => Math.floor(Date.now() / 1000);
  return {
    ...{ kid, alg, privateKey },
    publicKey: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" },
    sign: (claims = {}, header = {}) =>
      new SignJWT({ iss: issuer, aud: audience, sub: "alice", iat: now(), exp: now() + 3600, ...claims })
        .setProtectedHeader({ alg, kid, typ: "JWT", ...header })
        .sign(privateKey),
  };
}

/** The base64url of JSON. */
export const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
