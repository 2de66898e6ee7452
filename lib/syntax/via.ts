import { isToken, isTokenBetween } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { type Parameters, parameter, parseParameters } from "./parameters.ts";
import { memoised } from "./memoise.ts";
import { parseHostPort } from "./uri.ts";
import { fits, fastViaValue } from "./fast-path.ts";

export interface Via {
  /** Upper case. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly branch: string | undefined;
  readonly parameters: Parameters;
  /** Host and port, lower case. */
  readonly sentBy: string;
}

const plainBranch = ";branch=";

/** Parses one element of Via (RFC 3261 §20.42); white space may stand around each slash and colon. */
export function parseVia(text: string): Via | Fault {
  return fastVia(text, 0, text.length) ?? parseAny(text);
}

/** The Via between two places of a text, if it is `SIP/2.0/WSS name;branch=token`, as browser phones write it; otherwise undefined. */
export function fastVia(text: string, from: number, to: number): Via | undefined {
  if (!fits(fastViaValue, text, from, to)) return undefined;
  const isSecure = text.charCodeAt(from + 10) === 83;
  const hostAt = from + (isSecure ? 12 : 11);
  const end = text.indexOf(";", hostAt);
  const host = text.slice(hostAt, end);
  const branch = text.slice(end + plainBranch.length, to);
  return { transport: isSecure ? "WSS" : "WS", host, port: undefined, branch, parameters: [["branch", branch]], sentBy: host };
}

function parseAny(text: string): Via | Fault {
  const semicolon = text.indexOf(";");
  const written = semicolon < 0 ? text : text.slice(0, semicolon);
  const head = memoisedHead(written);
  if (isFault(head)) return head;
  const parameters = semicolon < 0 ? [] : (onlyBranch(text, semicolon) ?? parseParameters(text.slice(semicolon)));
  if (isFault(parameters)) return parameters;
  const branch = parameter(parameters, "branch");
  const { transport, host, port, sentBy } = head;
  return { transport, host, port, branch: branch === "" ? undefined : branch, parameters, sentBy };
}

/** The part before the parameters: the same in all messages of one element. */
const memoisedHead = memoised(parseHead);

function parseHead(written: string): Pick<Via, "transport" | "host" | "port" | "sentBy"> | Fault {
  const rest = written.startsWith("SIP/2.0/") ? written.slice(8) : behindProtocol(written);
  if (rest === undefined) return fault(400, "Via does not begin with SIP/2.0/");
  const space = rest.search(/[ \t]/);
  const transport = space < 0 ? "" : rest.slice(0, space);
  const sentBy = space < 0 ? "" : rest.slice(space).replace(/[ \t]/g, "");
  const place = parseHostPort(sentBy);
  if (!isToken(transport) || place === undefined) return fault(400, "Via has no transport or no host");
  return { transport: transport.toUpperCase(), ...place, sentBy: sentBy.toLowerCase() };
}

/** The parameters, if there is only a branch, as in our own Via. */
function onlyBranch(text: string, at: number): Parameters | undefined {
  const branchAt = at + plainBranch.length;
  return text.startsWith(plainBranch, at) && isTokenBetween(text, branchAt, text.length) ? [["branch", text.slice(branchAt)]] : undefined;
}

/** The part after `SIP / 2.0 /`, written with white space or in another case. */
function behindProtocol(head: string): string | undefined {
  const parts = head.split("/").map((part) => part.trim());
  return parts.length === 3 && parts[0]?.toUpperCase() === "SIP" && parts[1] === "2.0" ? parts[2] : undefined;
}
