import { isToken } from "./characters.ts";
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

/** What stands before the parameters, as far as it was seen before: a phone writes the same in all its messages. */
const heads = new Map<string, Omit<Via, "branch" | "parameters">>();
const headsKept = 2000;
const plainBranch = ";branch=";

/** Parses one element of Via (RFC 3261 §20.42); white space may stand around each slash and colon. */
export function parseVia(text: string): Via | Fault {
  const semicolon = text.indexOf(";");
  const written = semicolon < 0 ? text : text.slice(0, semicolon);
  const head = heads.get(written) ?? parseHead(written);
  if (isFault(head)) return head;
  const { transport, host, port, sentBy } = head;
  if (semicolon > 0 && text.startsWith(plainBranch, semicolon) && isToken(text.slice(semicolon + plainBranch.length))) {
    const branch = text.slice(semicolon + plainBranch.length);
    return { transport, host, port, branch, parameters: [["branch", branch]], sentBy };
  }
  const parameters = semicolon < 0 ? [] : parseParameters(text.slice(semicolon));
  if (isFault(parameters)) return parameters;
  const branch = parameter(parameters, "branch");
  return { transport, host, port, branch: branch === "" ? undefined : branch, parameters, sentBy };
}

function parseHead(written: string): Omit<Via, "branch" | "parameters"> | Fault {
  const rest = written.startsWith("SIP/2.0/") ? written.slice(8) : behindProtocol(written);
  if (rest === undefined) return fault(400, "Via does not begin with SIP/2.0/");
  const space = rest.search(/[ \t]/);
  const transport = space < 0 ? "" : rest.slice(0, space);
  const sentBy = space < 0 ? "" : rest.slice(space).replace(/[ \t]/g, "");
  const place = parseHostPort(sentBy);
  if (!isToken(transport) || place === undefined) return fault(400, "Via has no transport or no host");
  const head = { transport: transport.toUpperCase(), ...place, sentBy: sentBy.toLowerCase() };
  if (heads.size < headsKept) heads.set(written, head);
  return head;
}

/** What stands behind `SIP / 2.0 /`, written with white space or in another case. */
function behindProtocol(head: string): string | undefined {
  const parts = head.split("/").map((part) => part.trim());
  return parts.length === 3 && parts[0]?.toUpperCase() === "SIP" && parts[1] === "2.0" ? parts[2] : undefined;
}
