import { type Request, type Response, headerValue, headerValues } from "./message.ts";
import { isFault } from "./fault.ts";
import { parseNameAddress, tagOf } from "./name-address.ts";
import { parseCSeq } from "./cseq.ts";
import { toOctets } from "./octets.ts";
import { reasonPhrase } from "./reason-phrase.ts";

export interface ReplyOptions {
  readonly reason?: string;
  /** Added to To if it has no tag and the status is above 100. */
  readonly toTag?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Further header lines, as written. */
  readonly lines?: string;
  /** A document in Unicode, sent as UTF-8. */
  readonly body?: { readonly type: string; readonly text: string };
}

/** Our response to a request (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq as received. */
export function replyTo(request: Request, status: number, options: ReplyOptions = {}): string {
  let text = `SIP/2.0 ${status} ${options.reason ?? reasonPhrase(status)}\r\n${copiedLines(request, status, options.toTag)}`;
  for (const [name, value] of options.headers ?? []) text += `${name}: ${value}\r\n`;
  if (options.lines !== undefined) text += options.lines;
  const { body } = options;
  if (body === undefined) return `${text}Content-Length: 0\r\n\r\n`;
  const octets = toOctets(body.text);
  return `${text}Content-Type: ${body.type}\r\nContent-Length: ${octets.length}\r\n\r\n${octets}`;
}

/** Adjacent lines are copied in one piece. */
function copiedLines({ text, lines }: Request, status: number, tag: string | undefined): string {
  let copied = "";
  let from = 0;
  let end = 0;
  for (const line of lines) {
    if (!isCopied(line.name, status)) continue;
    if (line.at !== end) {
      copied += text.slice(from, end);
      from = line.at;
    }
    end = line.end + 2;
    if (line.name !== "to" || status <= 100 || tag === undefined || hasTag(text.slice(line.valueAt, line.end))) continue;
    copied += `${text.slice(from, line.end)};tag=${tag}\r\n`;
    from = end;
  }
  return copied + text.slice(from, end);
}

function isCopied(name: string, status: number): boolean {
  return (
    name === "via" || name === "from" || name === "to" || name === "call-id" || name === "cseq" || (name === "timestamp" && status === 100)
  );
}

function hasTag(value: string): boolean {
  if (!/tag/i.test(value)) return false;
  const to = parseNameAddress(value.replaceAll(/\r\n[ \t]/g, " ").trim());
  return !isFault(to) && tagOf(to) !== undefined;
}

/**
 * The CANCEL for a request as it was sent, our Via on top (RFC 3261 §9.1): same Request-URI, Call-ID, To, From, Route and CSeq number, and
 * only this Via.
 */
export function cancelFor(request: Request, headers: readonly (readonly [string, string])[] = []): string {
  return hopByHop("CANCEL", request, headerValue(request, "to") ?? "", headers);
}

/** The ACK for a final response that is not 2xx (RFC 3261 §17.1.1.3): like CANCEL, but To is the response's. */
export function ackFor(request: Request, response: Response): string {
  return hopByHop("ACK", request, headerValue(response, "to") ?? "", []);
}

function hopByHop(method: string, request: Request, to: string, headers: readonly (readonly [string, string])[]): string {
  const cseq = parseCSeq(headerValue(request, "cseq") ?? "");
  const lines: (readonly [string, string])[] = [
    ["Via", headerValues(request, "via")[0] ?? ""],
    ["Max-Forwards", "70"],
    ...headerValues(request, "route").map((route) => ["Route", route] as const),
    ["From", headerValue(request, "from") ?? ""],
    ["To", to],
    ["Call-ID", headerValue(request, "call-id") ?? ""],
    ["CSeq", `${isFault(cseq) ? 0 : cseq.number} ${method}`],
    ...headers,
    ["Content-Length", "0"],
  ];
  return `${method} ${request.requestUri} SIP/2.0\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}
