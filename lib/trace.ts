/** One entry of a home's trace. */
export interface TraceEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: "in" | "out" | "note";
  readonly flow: string;
  /** The message, its credentials masked; for a note, its text. */
  readonly text: string;
}

/** Masks passwords in SIP URIs, and the values of their headers (RFC 3261 §19.1.1). */
export function maskUri(text: string): string {
  const pieces = text.split("@");
  const masked = pieces.map((piece, index) => (index < pieces.length - 1 ? withoutPassword(piece) : piece)).join("@");
  return masked.replace(/([?&][\w-]+=)[^\s&<>"]+/g, "$1***");
}

/** @param before what stands before an `@` */
function withoutPassword(before: string): string {
  const scheme = before.toLowerCase().lastIndexOf("sip");
  const start = scheme < 0 ? -1 : before.indexOf(":", scheme);
  const colon = start < 0 ? -1 : before.indexOf(":", start + 1);
  return colon < 0 || /[\s<>"]/.test(before.slice(scheme)) ? before : `${before.slice(0, colon)}:***`;
}
