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

/** The text that the octets encode in UTF-8; if they are not UTF-8, one character for each octet. */
export function decodedText(octets: string): string {
  return toText(octets) ?? octets;
}

/**
 * The text that the octets encode in UTF-8, for administrators; if they are not UTF-8, one character for each octet. A control character,
 * which a terminal or a database would stumble over, becomes U+FFFD.
 * @param most octets that are read; a character that goes beyond them is left out
 */
export function legible(octets: string, most = octets.length): string {
  const cut = octets.slice(0, most);
  const whole = cut.length === octets.length ? cut : cut.replace(/[\xC0-\xFF][\x80-\xBF]{0,2}$/, unfinished);
  return decodedText(whole).replace(controls, "\uFFFD");
}

// oxlint-disable-next-line no-control-regex -- the expression matches control characters
const controls = /[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]/g;

function unfinished(last: string): string {
  return toText(last) === undefined ? "" : last;
}
