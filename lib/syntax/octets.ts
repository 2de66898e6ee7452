// oxlint-disable-next-line no-control-regex -- the expression matches the ASCII range
const ascii = /^[\x00-\x7f]*$/;

/**
 * The octets of a text in UTF-8 (RFC 3629), one character each. Messages are octets throughout; our own text that goes into one (a
 * document, a reason from the database) is encoded here first. A lone surrogate becomes U+FFFD.
 */
export function toOctets(text: string): string {
  return ascii.test(text) ? text : unescape(encodeURIComponent(text.toWellFormed()));
}

/** The text that the octets encode in UTF-8; undefined if they are not UTF-8. */
export function toText(octets: string): string | undefined {
  if (ascii.test(octets)) return octets;
  try {
    return decodeURIComponent(escape(octets));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return undefined;
  }
}

/** The text that the octets encode in UTF-8, for administrators; if they are not UTF-8, one character for each octet. */
export function legible(octets: string): string {
  return toText(octets) ?? octets;
}
