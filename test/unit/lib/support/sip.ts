import { createKeyring } from "../../../../platform/crypto/keyring.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../../../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Request, parseMessage } from "../../../../lib/syntax/message.ts";

/** A keyring of our own, and one that knows none of its keys. */
export const keyring = createKeyring([new Uint8Array(32).fill(1)]);
export const strangeKeyring = createKeyring([new Uint8Array(32).fill(2)]);

export interface Received {
  readonly request: Request;
  readonly mandatory: MandatoryHeaders;
}

/** A request as the parser reads it. The lines that every request has are put in where they are not given. */
export function receive(startLine: string, ...lines: readonly string[]): Received {
  const [method = ""] = startLine.split(" ");
  const given = new Set(lines.map((line) => line.slice(0, line.indexOf(":"))));
  const defaults = [
    "Via: SIP/2.0/WSS phone.invalid;branch=z9hG4bKphone",
    "Max-Forwards: 70",
    "From: <sip:alice@example.com>;tag=a",
    "To: <sip:bob@example.com>",
    "Call-ID: call",
    `CSeq: 1 ${method}`,
  ];
  const all = [...defaults.filter((line) => !given.has(line.slice(0, line.indexOf(":")))), ...lines];
  const request = parseMessage(`${startLine} SIP/2.0\r\n${all.join("\r\n")}\r\n\r\n`);
  if (isFault(request) || request.kind !== "request") throw new Error(`not a request: ${JSON.stringify(request)}`);
  const mandatory = readMandatoryHeaders(request);
  if (isFault(mandatory)) throw new Error(mandatory.fault);
  return { request, mandatory };
}
