import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import type { Message } from "../syntax/message.ts";

/** A session description is an offer or the answer to one (RFC 3264). */
export interface Exchange {
  readonly kind: "offer" | "answer";
  readonly callId: string;
  /** The tags of who has made the offer, and of the other side; the second is "" before that has answered. */
  readonly offerer: string;
  readonly answerer: string;
}

const methods = ["INVITE", "ACK", "PRACK", "UPDATE"];

/** Whether requests with this method, and their responses, negotiate the media of a call: others describe media as information only. */
export function negotiates(method: string): boolean {
  return methods.includes(method);
}

/**
 * What the session description of a message is (RFC 3264, RFC 3261 §13.2.1, RFC 3311 §5.1): an offer in a request, and the answer in its
 * response; or an offer in the response to an INVITE without one, and the answer in its ACK.
 * @param hadOffer of a response: whether its request had a session description
 */
export function exchangeOf(message: Message, mandatory: MandatoryHeaders, hadOffer: boolean): Exchange {
  const { callId, fromTag = "", toTag = "" } = mandatory;
  const isDelayed = message.kind === "request" ? message.method === "ACK" : !hadOffer;
  const isAnswer = message.kind === "request" ? message.method === "ACK" : hadOffer;
  const [offerer, answerer] = isDelayed ? [toTag, fromTag] : [fromTag, toTag];
  return { kind: isAnswer ? "answer" : "offer", callId, offerer, answerer };
}
