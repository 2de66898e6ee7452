/** Masks passwords in SIP URIs, and the values of their headers (RFC 3261 §19.1.1). */
export function maskUri(text: string): string {
  const pieces = text.split("@");
  const masked = pieces.map((piece, index) => (index < pieces.length - 1 ? withoutPassword(piece) : piece)).join("@");
  return masked.replace(/([?&][\w-]+=)[^\s&<>"]+/g, "$1***");
}

/** The lines of a session description with keys of media. */
export const mediaKeys = /^(a=(?:crypto|ice-pwd|key-mgmt):|k=)([^\r\n]*)/gim;

/** Masks the keys of media in a session description; its length stays. */
export function withoutMediaKeys(text: string): string {
  return text.replace(mediaKeys, (_line, name: string, key: string) => name + "*".repeat(key.length));
}

/** Masks where push notifications for a phone go, and their keys (RFC 8599 §8.7): with them the phone can be woken. */
export function withoutPushSecrets(text: string): string {
  return text.replace(/((?:pn-prid|x-pn-auth|x-pn-p256dh)=)(?:"[^"\r\n]*"|[^;,>\s]*)/gi, "$1***");
}

/** @param before what stands before an `@` */
function withoutPassword(before: string): string {
  const start = Math.max(...[" ", "\t", "\n", "<", ">", '"'].map((delimiter) => before.lastIndexOf(delimiter))) + 1;
  const [scheme] = /sips?:/i.exec(before.slice(start)) ?? [];
  const user = scheme === undefined ? -1 : before.indexOf(scheme, start) + scheme.length;
  const colon = user < 0 ? -1 : before.indexOf(":", user);
  return colon < 0 ? before : `${before.slice(0, colon)}:***`;
}
