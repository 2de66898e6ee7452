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
  const start = Math.max(...[" ", "\t", "\n", "<", ">", '"'].map((delimiter) => before.lastIndexOf(delimiter))) + 1;
  const [scheme] = /sips?:/i.exec(before.slice(start)) ?? [];
  const user = scheme === undefined ? -1 : before.indexOf(scheme, start) + scheme.length;
  const colon = user < 0 ? -1 : before.indexOf(":", user);
  return colon < 0 ? before : `${before.slice(0, colon)}:***`;
}
