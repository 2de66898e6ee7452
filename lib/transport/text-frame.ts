import { toOctets } from "../syntax/octets.ts";

/**
 * The octets of a message that came in a text frame of a WebSocket (RFC 7118 §5) and has characters beyond ASCII. A Content-Length that
 * counts the characters of the body instead of its octets (RFC 3261 §20.14), as some phones write it, is corrected.
 */
export function octetsOfText(text: string): string {
  const start = /^(?:\r\n)*/.exec(text)?.[0].length ?? 0;
  const end = text.indexOf("\r\n\r\n", start);
  if (end < 0) return toOctets(text);
  const body = text.slice(end + 4);
  const octets = toOctets(body);
  const head = octets.length === body.length ? text.slice(0, end) : withLength(text.slice(0, end), body.length, octets.length);
  return `${toOctets(head)}\r\n\r\n${octets}`;
}

function withLength(head: string, characters: number, octets: number): string {
  return head.replaceAll(
    /(\r\n(?:content-length|l)[ \t]{0,8}:[ \t]{0,8})(\d{1,9})(?=[ \t]{0,8}(?:\r\n|$))/gi,
    (line, name: string, written: string) => (Number(written) === characters ? `${name}${octets}` : line),
  );
}
