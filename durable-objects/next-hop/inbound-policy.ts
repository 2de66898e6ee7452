import type { Address } from "../../lib/location/address.ts";
import { type Sender, senderOf } from "../../lib/proxy/non-subscriber-requests.ts";
import { noSubscription } from "../../lib/proxy/within.ts";
import { isNumber } from "../../lib/routing/number-format.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request as SipRequest } from "../../lib/syntax/message.ts";
import { available } from "../../platform/directory/available.ts";
import { takesUnsolicited } from "../shared/target-selection.ts";
import type { Directory } from "../../platform/directory/directory.ts";
import type { Connection } from "./connection.ts";

/** The connection that a request has arrived on. */
interface PolicyLine {
  /** Names of its two ends. */
  readonly hosts: readonly string[];
  readonly directory: Directory;
  open(): Promise<Connection | undefined>;
}

/** Methods that have a meaning within a dialog only (RFC 3261 §15, RFC 3262, RFC 3311, RFC 6086). */
const onlyWithin: readonly string[] = ["BYE", "PRACK", "UPDATE", "INFO"];

/** Refuses what a trunk may not send: requests are not relayed, and an identity is not accepted without proof. */
export async function refusalOf(
  line: PolicyLine,
  { method }: SipRequest,
  mandatory: MandatoryHeaders,
  address: Address,
  trunk: Trunk,
): Promise<Fault | undefined> {
  const isOfDialog = mandatory.toTag !== undefined ? method !== "ACK" : onlyWithin.includes(method);
  if (isOfDialog) return fault(481, "there is no such call");
  if (method === "REGISTER" || method === "PUBLISH") return fault(403, "only subscribers may do that");
  if (method === "NOTIFY") {
    const isTaken = trunk.trusted && (await available(() => takesUnsolicited(line, trunk.domain)));
    if (isTaken !== true) return isFault(isTaken) ? isTaken : noSubscription;
  }
  if (!(await isForUs(line, address.domain, trunk))) return fault(403, "requests are not relayed to other domains");
  return refusalOfSender(line, mandatory, trunk);
}

/** Refuses a caller or sender that the trunk may not name. */
async function refusalOfSender({ directory }: PolicyLine, mandatory: MandatoryHeaders, trunk: Trunk): Promise<Fault | undefined> {
  const sender = trunk.trusted ? undefined : (domainItself(mandatory) ?? senderOf(mandatory));
  if (sender === undefined || isFault(sender)) return undefined;
  const named = await available(() => directory.find(sender.user, sender.domain));
  if (isFault(named)) return named;
  // Some trunks write callers with our domain after their number; a name there would look like one of our users.
  const isOurs = named.kind === "subscriber" || (named.kind === "unknown" && !isNumber(sender.user));
  return isOurs ? fault(403, "From is in one of our domains, which this server does not serve") : undefined;
}

/** Refuses a sender within a call who is not the one that the call has: the signature of a verified call was about that one. */
export async function refusalOfOther(line: PolicyLine, mandatory: MandatoryHeaders, trunk: Trunk | undefined): Promise<Fault | undefined> {
  if (trunk === undefined) return undefined;
  return (trunk.verify ?? "off") === "off" ? refusalOfSender(line, mandatory, trunk) : otherCaller;
}

const otherCaller = fault(403, "From is not that of the caller whom the trunk has signed for");

/** The sender of a From without a user: it would look like the domain itself. */
function domainItself({ from }: MandatoryHeaders): Sender | undefined {
  const uri = parseUri(from.uri);
  if (isFault(uri) || uri.kind !== "sip" || uri.user !== undefined) return undefined;
  return { user: "", domain: uri.host.toLowerCase().replace(/\.$/, "") };
}

/** Trunks write the domain, or an address, ours or their own: another name would mean that we must relay. */
async function isForUs(line: PolicyLine, host: string, { domain }: Trunk): Promise<boolean> {
  if (host === domain || line.hosts.includes(host)) return true;
  const connection = await line.open();
  if (connection === undefined || host === connection.host.replace(/:\d+$/, "")) return true;
  // A server that does not return our address may still know it.
  return !connection.isSeen && /^[\d.]+$|^\[/.test(host);
}

/** Whether it begins a call, or another thing outside a dialog, that the trunk may not begin. */
export function isNotTaken({ toTag }: MandatoryHeaders, trunk: Trunk | undefined): boolean {
  return trunk?.inbound === false && toTag === undefined;
}
