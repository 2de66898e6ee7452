import { alter } from "../syntax/alter.ts";
import type { Message } from "../syntax/message.ts";
import type { NonSubscriber } from "../transport/non-subscriber.ts";
import { wantsPrivacy } from "../syntax/privacy.ts";

/**
 * How far the server trusts what a sender or receiver asserts. A subscriber is authenticated and asserts only their own identity; a guest
 * is anonymous; a server is trusted if the administrator says so (the trust domain of RFC 3325 §4).
 */
export type Standing = "subscriber" | "guest" | "server" | "trusted server";

/** The caller's identity between servers (RFC 3325 §9.1; before it Remote-Party-ID, which desk phones still show). */
const asserted = ["p-asserted-identity", "remote-party-id"];
/** Other headers that only servers which trust each other exchange (RFC 6050 §4.1, RFC 7315 §4). */
const internal = [
  ...["p-asserted-service", "p-called-party-id", "p-charging-vector", "p-charging-function-addresses", "p-served-user"],
  ...["p-associated-uri", "p-private-network-indication", "p-profile-key", "p-user-database"],
  // Who pays (RFC 8496, RFC 5503), by names of before and besides.
  ...["p-charge-info", "p-dcs-billing-info", "charge", "x-charge-info", "isup-oli"],
  // Of a verified caller, and of one who has several identities (3GPP TS 24.229).
  ...["attestation-info", "origination-id", "additional-identity"],
];
/** A request to the first server only (RFC 3325 §9.2, RFC 6050 §4.2): this server has used or ignored it. */
const preferred = ["p-preferred-identity", "p-preferred-service"];
/** Who forwarded the call before (RFC 5806 §5, RFC 7044 §4, RFC 3892 §2); phones show it beside the caller. */
const diverted = ["diversion"];
const history = ["history-info", "referred-by"];
/** Headers that make phones fetch content or ring differently (RFC 3261 §20.4, §20.9). */
const commands: readonly string[] = ["alert-info", "call-info"];

/**
 * Whether a header makes phones do something, or may open the microphone without consent (RFC 5373 §9). Vendors have many names for that,
 * and no phone needs another header with such a name: P-Answer-State (RFC 4964) is for push-to-talk in a closed network.
 */
function isCommand(name: string): boolean {
  return commands.includes(name) || name.includes("answer");
}

/** What an application has said of the caller (RFC 7433 §4.3): of a guest, what is in the token, and not what the guest says. */
const toldByApplication = ["user-to-user"];
/** Whom to call back (RFC 3261 §20.31): a guest could name a user. */
const callBack = ["reply-to"];

/** A signature about the caller (RFC 8224 §4). This server signs for its users; another server's signature says itself whose it is. */
const signed = ["identity", "identity-info"];

/** Headers to remove. */
interface Taken {
  readonly names: ReadonlySet<string>;
  readonly withCommands?: boolean;
}

const takenOff: Readonly<Record<Standing, Taken>> = {
  subscriber: { names: new Set([...preferred, ...asserted, ...internal, ...diverted, ...signed]) },
  guest: {
    names: new Set([...preferred, ...asserted, ...internal, ...diverted, ...history, ...toldByApplication, ...callBack, ...signed]),
    withCommands: true,
  },
  server: { names: new Set([...preferred, ...asserted, ...internal, ...diverted]), withCommands: true },
  "trusted server": { names: new Set(preferred) },
};
const hidden: Taken = { names: new Set([...asserted, ...internal]) };
const hiddenByCaller: Taken = { names: new Set([...preferred, ...asserted, ...signed]) };
/** A signature names the caller too (RFC 8224 §11). */
const ofAnonymous: Taken = { names: new Set([...takenOff.server.names, ...signed]), withCommands: true };

/**
 * The headers of a request or response to remove because of its sender. RFC 3325 §5: what a trusted server asserts is passed on, unless the
 * caller has asked for privacy.
 */
export function takenFrom(message: Message, sender: Standing): string[] {
  const isServer = sender === "trusted server" || sender === "server";
  if (!isServer || !wantsPrivacy(message, ["id"])) return thoseIn(message, takenOff[sender]);
  return thoseIn(message, sender === "server" ? ofAnonymous : hiddenByCaller);
}

/** What a user of another domain may not tell a phone, as an untrusted server may not. */
const fromElsewhere: Taken = { names: new Set(), withCommands: true };

/** The headers to remove from a request of a user of another domain of this server. */
export function takenFromElsewhere(request: Message): string[] {
  return thoseIn(request, fromElsewhere);
}

/** One pass over the lines, because this runs for every message. */
function thoseIn({ lines }: Message, { names, withCommands = false }: Taken): string[] {
  const found: string[] = [];
  for (const { name } of lines) if ((names.has(name) || (withCommands && isCommand(name))) && !found.includes(name)) found.push(name);
  return found;
}

/** The headers to remove because of the receiver: an untrusted receiver gets nothing that servers assert. */
function hiddenFrom(message: Message, receiver: Standing): string[] {
  const isTold = receiver === "subscriber" || receiver === "trusted server";
  return isTold ? [] : thoseIn(message, hidden);
}

/** The message as the receiver may see it. */
export function shownTo(message: Message, receiver: Standing): string {
  const remove = hiddenFrom(message, receiver);
  return remove.length === 0 ? message.text : alter(message, { remove });
}

/** The standing of the client or server at the other end of a flow. */
export function standingOf(nonSubscriber: Pick<NonSubscriber, "kind" | "isTrusted"> | undefined): Standing {
  if (nonSubscriber === undefined) return "subscriber";
  if (nonSubscriber.kind === "guest") return "guest";
  return standingOfServer(nonSubscriber.isTrusted);
}

export function standingOfServer(isTrusted: boolean): Standing {
  return isTrusted ? "trusted server" : "server";
}
