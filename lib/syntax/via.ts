import { endOfPlainHost, isToken, isTokenBetween } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { type Parameters, parameter, parseParameters } from "./parameters.ts";
import { parseHostPort } from "./uri.ts";

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
  return usualVia(text, 0, text.length) ?? parseAny(text);
}

/** The Via between two places of a text, if it is `SIP/2.0/WSS name;branch=token`, as browser phones write it. */
export function usualVia(text: string, from: number, to: number): Via | undefined {
  if (!text.startsWith("SIP/2.0/WS", from)) return undefined;
  const space = text.charCodeAt(from + 10) === 83 ? from + 11 : from + 10;
  if (text.charCodeAt(space) !== 32) return undefined;
  const end = endOfPlainHost(text, space + 1);
  const branchAt = end + plainBranch.length;
  if (end < 0 || !text.startsWith(plainBranch, end) || !isTokenBetween(text, branchAt, to)) return undefined;
  const host = text.slice(space + 1, end);
  const branch = text.slice(branchAt, to);
  const transport = space === from + 11 ? "WSS" : "WS";
  return { transport, host, port: undefined, branch, parameters: [["branch", branch]], sentBy: host };
}

function parseAny(text: string): Via | Fault {
  const semicolon = text.indexOf(";");
  const written = semicolon < 0 ? text : text.slice(0, semicolon);
  const rest = written.startsWith("SIP/2.0/") ? written.slice(8) : behindProtocol(written);
  if (rest === undefined) return fault(400, "Via does not begin with SIP/2.0/");
  const space = rest.search(/[ \t]/);
  const transport = space < 0 ? "" : rest.slice(0, space);
  const sentBy = space < 0 ? "" : rest.slice(space).replace(/[ \t]/g, "");
  const place = parseHostPort(sentBy);
  if (!isToken(transport) || place === undefined) return fault(400, "Via has no transport or no host");
  const parameters = semicolon < 0 ? [] : (onlyBranch(text, semicolon) ?? parseParameters(text.slice(semicolon)));
  if (isFault(parameters)) return parameters;
  const branch = parameter(parameters, "branch");
  return {
    transport: transport.toUpperCase(),
    ...place,
    branch: branch === "" ? undefined : branch,
    parameters,
    sentBy: sentBy.toLowerCase(),
  };
}

/** The parameters, if a branch is all there is, as in our own. */
function onlyBranch(text: string, at: number): Parameters | undefined {
  const branchAt = at + plainBranch.length;
  return text.startsWith(plainBranch, at) && isTokenBetween(text, branchAt, text.length) ? [["branch", text.slice(branchAt)]] : undefined;
}

/** What stands behind `SIP / 2.0 /`, written with white space or in another case. */
function behindProtocol(head: string): string | undefined {
  const parts = head.split("/").map((part) => part.trim());
  return parts.length === 3 && parts[0]?.toUpperCase() === "SIP" && parts[1] === "2.0" ? parts[2] : undefined;
}
