// oxlint-disable-next-line no-control-regex -- the ASCII range is what is asked for
const ascii = /^[\x00-\x7f]*$/;

/**
 * The octets of a text in UTF-8 (RFC 3629), one character for each. Messages are octets throughout; text of our own that is to go into
 * one (a document, a reason from the database) is encoded here first. A lone surrogate becomes U+FFFD.
 */
export function toOctets(text: string): string {
  return ascii.test(text) ? text : unescape(encodeURIComponent(text.toWellFormed()));
}

/** The text that octets are in UTF-8; undefined if they are none. */
export function toText(octets: string): string | undefined {
  if (ascii.test(octets)) return octets;
  try {
    return decodeURIComponent(escape(octets));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return undefined;
  }
}

/** The text that octets are in UTF-8; if they are none, one character for each: for the eyes of an administrator. */
export function legible(octets: string): string {
  return toText(octets) ?? octets;
}
