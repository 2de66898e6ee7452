import { alter } from "../syntax/alter.ts";
import type { Message } from "../syntax/message.ts";
import type { NonSubscriber } from "../transport/non-subscriber.ts";
import { wantsPrivacy } from "./privacy.ts";

/**
 * How far the word of somebody counts who sends or receives: a subscriber is authenticated and speaks for himself only; a guest is
 * nobody in particular; of servers those are trusted that the administrator says so of (the trust domain of RFC 3325 §4).
 */
export type Standing = "subscriber" | "guest" | "server" | "trusted server";

/** Who calls, as servers tell each other (RFC 3325 §9.1; Remote-Party-ID before it, which desk phones still show). */
const asserted = ["p-asserted-identity", "remote-party-id"];
/** What else only servers that trust each other tell each other (RFC 6050 §4.1, RFC 7315 §4). */
const internal = ["p-asserted-service", "p-called-party-id", "p-charging-vector", "p-charging-function-addresses", "p-served-user"];
/** A wish to the first server only (RFC 3325 §9.2, RFC 6050 §4.2): it has been heard, or does not count. */
const preferred = ["p-preferred-identity", "p-preferred-service"];
/** Who has sent the call on before (RFC 5806 §5, RFC 7044 §4, RFC 3892 §2), which phones show beside the caller. */
const diverted = ["diversion"];
const history = ["history-info", "referred-by"];
/** What makes phones fetch things, ring otherwise or open the microphone unasked (RFC 3261 §20.4, §20.9; RFC 5373 §9). */
const commands = ["alert-info", "call-info", "answer-mode", "priv-answer-mode", "p-auto-answer", "x-auto-answer"];

const takenOff: Readonly<Record<Standing, ReadonlySet<string>>> = {
  subscriber: new Set([...preferred, ...asserted, ...internal, ...diverted]),
  guest: new Set([...preferred, ...asserted, ...internal, ...diverted, ...history, ...commands]),
  server: new Set([...preferred, ...asserted, ...internal, ...diverted, ...commands]),
  "trusted server": new Set(preferred),
};
const hidden = new Set([...asserted, ...internal]);
const hiddenByCaller = new Set([...preferred, ...asserted]);

/**
 * The headers of a message, a request or a response, that do not pass because of who has sent it. RFC 3325 §5: what a trusted server
 * asserts is passed on, unless the caller has asked it not to be.
 */
export function takenFrom(message: Message, sender: Standing): string[] {
  const isHidden = sender === "trusted server" && wantsPrivacy(message, ["id"]);
  return thoseIn(message, isHidden ? hiddenByCaller : takenOff[sender]);
}

/** In one pass over the lines, since this is asked of every message. */
function thoseIn({ lines }: Message, names: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (const { name } of lines) if (names.has(name) && !found.includes(name)) found.push(name);
  return found;
}

/** The headers that do not pass because of who is to get the message: those we do not trust hear nothing that servers assert. */
function hiddenFrom(message: Message, receiver: Standing): string[] {
  const isTold = receiver === "subscriber" || receiver === "trusted server";
  return isTold ? [] : thoseIn(message, hidden);
}

/** The message as the receiver is to have it. */
export function shownTo(message: Message, receiver: Standing): string {
  const remove = hiddenFrom(message, receiver);
  return remove.length === 0 ? message.text : alter(message, { remove });
}

/** Of whoever is at the other end of a flow. */
export function standingOf(nonSubscriber: Pick<NonSubscriber, "kind" | "isTrusted"> | undefined): Standing {
  if (nonSubscriber === undefined) return "subscriber";
  if (nonSubscriber.kind === "guest") return "guest";
  return standingOfServer(nonSubscriber.isTrusted);
}

export function standingOfServer(isTrusted: boolean): Standing {
  return isTrusted ? "trusted server" : "server";
}
