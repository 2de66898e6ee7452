import { Buffer } from "node:buffer";
import { octetsOfText } from "../lib/transport/text-frame.ts";

/** Octets as text with one character for each (ISO 8859-1), so that bodies stay exact. */
export function decodeBinary(octets: ArrayBuffer): string {
  return Buffer.from(octets).toString("latin1");
}

/** @throws Error if a character is not an octet: dropping its upper bits could make a line break of it */
export function encodeBinary(octets: string): Uint8Array {
  const bytes = Buffer.from(octets, "latin1");
  if (!isAscii(octets) && bytes.toString("latin1") !== octets) throw new Error("a message has characters that are not octets");
  return bytes;
}

/** One call of the runtime, many times faster than a regular expression. */
export function isAscii(text: string): boolean {
  return Buffer.byteLength(text, "utf8") === text.length;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The message in a WebSocket frame, as octets. */
export function octetsIn(frame: string | ArrayBuffer): string {
  if (typeof frame !== "string") return decodeBinary(frame);
  return isAscii(frame) ? frame : octetsOfText(frame);
}

/** The frame for a message: text if the other side wants that and the octets are UTF-8, else binary (RFC 7118 §5). */
export function frameFor(octets: string, wantsBinary: boolean): string | Uint8Array {
  if (wantsBinary) return encodeBinary(octets);
  if (isAscii(octets)) return octets;
  const bytes = encodeBinary(octets);
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return bytes;
  }
}
