/** The body of an answer as text; undefined if it has more octets. */
export async function boundedText(answer: Response, maxSize: number): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body ?? []) {
    length += part.length;
    if (length > maxSize) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
