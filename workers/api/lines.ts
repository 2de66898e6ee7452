import { Problem } from "./problem.ts";

/** The lines of a body as they arrive, without their ends. @param most octets of a line, and of the whole body */
export async function* linesOf(
  body: ReadableStream<Uint8Array>,
  most: { readonly line: number; readonly all: number },
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let rest = "";
  let octets = 0;
  for await (const chunk of body) {
    octets += chunk.length;
    if (octets > most.all) throw new Problem(413, `the body is larger than ${most.all} octets`);
    const lines = `${rest}${decoded(decoder, chunk)}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield withoutEnd(line);
    if (rest.length > most.line) throw new Problem(413, `a line is longer than ${most.line} characters`);
  }
  if (rest !== "") yield withoutEnd(rest);
}

function decoded(decoder: TextDecoder, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Problem(400, "the body is not UTF-8");
  }
}

function withoutEnd(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The cells of a line of CSV; undefined if a quotation mark is not closed. A cell has no line end here. */
export function cellsOf(line: string): string[] | undefined {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    const isQuoted = line[at] === '"';
    const end = isQuoted ? endOfQuoted(line, at) : endOfPlain(line, at);
    if (end === undefined) return undefined;
    cells.push(isQuoted ? line.slice(at + 1, end - 1).replaceAll('""', '"') : line.slice(at, end));
    at = end + 1;
  }
  return cells;
}

function endOfPlain(line: string, at: number): number {
  const comma = line.indexOf(",", at);
  return comma < 0 ? line.length : comma;
}

/** The place after the closing quotation mark, which a comma or the end follows. */
function endOfQuoted(line: string, at: number): number | undefined {
  let end = at + 1;
  for (;;) {
    const mark = line.indexOf('"', end);
    if (mark < 0) return undefined;
    if (line[mark + 1] !== '"') return mark + 1 === line.length || line[mark + 1] === "," ? mark + 1 : undefined;
    end = mark + 2;
  }
}
