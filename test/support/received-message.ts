/** A message as a phone heard it, taken apart just enough for a test to look at. Not the server's own parser, on purpose. */
export interface ReceivedMessage {
  /** The frame; one character for each octet if it came binary. */
  readonly raw: string;
  readonly isBinary: boolean;
  readonly startLine: string;
  /** Of a request; "" in a response. */
  readonly method: string;
  readonly requestUri: string;
  /** Of a response; 0 in a request. */
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const compactForms: Readonly<Record<string, string>> = {
  v: "via",
  f: "from",
  t: "to",
  i: "call-id",
  m: "contact",
  l: "content-length",
  c: "content-type",
  k: "supported",
};

/** Throws if the frame is no SIP message: the server may never send such a thing. */
export function readReceivedMessage(raw: string, isBinary: boolean): ReceivedMessage {
  const end = raw.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`the server sent a frame that is no SIP message: ${JSON.stringify(raw)}`);
  const [startLine = "", ...lines] = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const [first = "", second = "", ...rest] = startLine.split(" ");
  const isResponse = first === "SIP/2.0";
  return {
    raw,
    isBinary,
    startLine,
    method: isResponse ? "" : first,
    requestUri: isResponse ? "" : second,
    status: isResponse ? Number(second) : 0,
    reason: isResponse ? rest.join(" ") : "",
    headers: lines.map(readLine),
    body: raw.slice(end + 4),
  };
}

/** The first value of a header, undefined if it is not there. */
export function header(message: ReceivedMessage, name: string): string | undefined {
  return headers(message, name)[0];
}

/** All lines of a header, top first. */
export function headers(message: ReceivedMessage, name: string): string[] {
  return message.headers.filter(([known]) => known === name.toLowerCase()).map(([, value]) => value);
}

/** All values of a header whose values stand in angle brackets, also where one line holds several of them. */
export function addresses(message: ReceivedMessage, name: string): string[] {
  return headers(message, name).flatMap((line) => line.split(/,\s*(?=[^,]*<)/));
}

/** The URI between the angle brackets, or the whole text without its header parameters. */
export function uriIn(address: string | undefined): string {
  return /<([^>]*)>/.exec(address ?? "")?.[1] ?? (address ?? "").split(";")[0]?.trim() ?? "";
}

/** The value of a header parameter (of one in the brackets too, which no test here confuses). */
export function parameter(value: string | undefined, name: string): string | undefined {
  return new RegExp(`;\\s*${name}\\s*=\\s*("[^"]*"|[^;,>\\s]*)`, "i").exec(value ?? "")?.[1];
}

export function cseqMethod(message: ReceivedMessage): string {
  return header(message, "cseq")?.split(/\s+/)[1] ?? "";
}

function readLine(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon).trim().toLowerCase();
  return [compactForms[name] ?? name, line.slice(colon + 1).trim()];
}
