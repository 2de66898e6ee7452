import { Problem } from "./problem.ts";

/** A line of a body, counted from 1, without its end; or what is wrong with it. */
export type Line = { readonly line: number; readonly text: string } | { readonly line: number; readonly problem: string };

const lineFeed = 0x0a;

/** The lines of a body as they arrive. @param most octets of a line, and of the whole body */
export async function* linesOf(
  body: ReadableStream<Uint8Array>,
  most: { readonly line: number; readonly all: number },
): AsyncGenerator<Line> {
  const reader = new LineReader(most.line);
  let octets = 0;
  for await (const chunk of body) {
    octets += chunk.length;
    if (octets > most.all) throw new Problem(413, `the body is larger than ${most.all} octets`);
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      reader.add(chunk.subarray(start, end));
      yield reader.take();
      start = end + 1;
    }
    reader.add(chunk.subarray(start));
  }
  if (!reader.isEmpty) yield reader.take();
}

/** The octets of the present line: no more than a line may have. */
class LineReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  readonly #maxLength: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  #line = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#maxLength) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  take(): Line {
    this.#line += 1;
    const [line, length, parts] = [this.#line, this.#length, this.#parts];
    this.#parts = [];
    this.#length = 0;
    if (length > this.#maxLength) return { line, problem: `is longer than ${this.#maxLength} octets` };
    const text = this.#decoded(parts);
    return text === undefined ? { line, problem: "is not UTF-8" } : { line, text: text.endsWith("\r") ? text.slice(0, -1) : text };
  }

  #decoded(parts: readonly Uint8Array[]): string | undefined {
    const [first = new Uint8Array()] = parts;
    try {
      return this.#decoder.decode(parts.length > 1 ? Buffer.concat(parts) : first);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return undefined;
    }
  }
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
