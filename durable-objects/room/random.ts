const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Eight random characters: a tag (RFC 3261 §19.3 asks for 32 bits), or the name of a flow. */
export function randomText(): string {
  const octets = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(octets, (octet) => alphabet[octet % alphabet.length]).join("");
}
