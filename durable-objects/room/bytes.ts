/** Octets as text with one character for each (ISO 8859-1), so that bodies stay exact. */
export function decodeBinary(octets: ArrayBuffer): string {
  return Buffer.from(octets).toString("latin1");
}

export function encodeBinary(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
