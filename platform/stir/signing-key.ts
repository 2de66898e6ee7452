import { type JsonWebKey, createPrivateKey } from "node:crypto";

/**
 * A private key on the curve P-256 as a JSON Web Key in JSON.
 * @param written in PEM, or as a JSON Web Key in JSON
 * @returns in `why`, in words for the administrator, why it cannot sign
 */
export function readSigningKey(written: string): { readonly key: string } | { readonly why: string } {
  let key: JsonWebKey;
  try {
    const isJson = written.trimStart().startsWith("{");
    const made = isJson ? createPrivateKey({ key: JSON.parse(written) as JsonWebKey, format: "jwk" }) : createPrivateKey(written);
    key = made.export({ format: "jwk" });
  } catch {
    // The platform has an error of its own for each kind of malformed key, and some repeat the key.
    return { why: "is neither a private key in PEM without a password nor a private JSON Web Key" };
  }
  const { kty, crv, d, x, y } = key;
  return kty === "EC" && crv === "P-256" && d !== undefined
    ? { key: JSON.stringify({ kty, crv, d, x, y }) }
    : { why: "is not a key on the curve P-256 (prime256v1), which ES256 needs" };
}
