import { isFault } from "./fault.ts";
import { canonicalName } from "./header-names.ts";
import { type Response, parseMessage } from "./message.ts";
import { reasonPhrase } from "./reason-phrase.ts";

/** The headers by which a response finds its request (RFC 3261 §8.1.3.3, §17.1.3). */
const needed = ["via", "from", "to", "call-id", "cseq"];

/**
 * A faulty response, so that its request has an answer (RFC 3261 §16.7): with the usual reason phrase, which no element reads; or, if it is a
 * refusal with another fault, as a 502 of its branch. Undefined if it cannot be read so far. A 2xx with another fault stays unread: a 502 in
 * its place would leave its sender in a call.
 */
export function mendResponse(octets: string): Response | undefined {
  const [, status = "", rest = ""] = /^SIP\/2\.0 ([1-6]\d\d)(?: [^\r\n]*)?\r\n([^]*)$/i.exec(octets) ?? [];
  if (status === "") return undefined;
  const phrased = parseMessage(`SIP/2.0 ${status} ${reasonPhrase(Number(status))}\r\n${rest}`);
  if (!isFault(phrased)) return phrased.kind === "response" ? phrased : undefined;
  if (Number(status) < 300) return undefined;
  const [header = ""] = rest.split("\r\n\r\n", 1);
  const lines = header.split(/\r\n(?![ \t])/).filter((line) => needed.includes(canonicalName(line.split(":", 1)[0]?.trim() ?? "") ?? ""));
  const replaced = parseMessage(["SIP/2.0 502 Bad Gateway", ...lines, "Content-Length: 0", "", ""].join("\r\n"));
  return isFault(replaced) || replaced.kind !== "response" ? undefined : replaced;
}
