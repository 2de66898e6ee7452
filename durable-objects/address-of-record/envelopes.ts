import { isHopName } from "../../lib/routing/hop-name.ts";
import {
  type Envelope,
  type Receipt,
  type RequestEnvelope,
  type ResponseEnvelope,
  accepted,
  readEnvelope,
} from "../../lib/transport/envelope.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { isGuestHome, isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { isFromPhone, takerOf } from "../../lib/transport/return-address.ts";
import { parsed } from "../shared/reparse.ts";
import { traced } from "../shared/traced.ts";
import type { KeptTrace } from "./kept-trace.ts";
import type { Parts } from "./parts.ts";
import type { Room } from "./room.ts";

/** What homes and connections to other servers send one another: each envelope goes to the part that it is for. */
export class Envelopes {
  readonly #room: Room;
  readonly #keptTrace: KeptTrace;
  readonly #parts: () => Parts;

  /** @param parts those at present */
  constructor(room: Room, keptTrace: KeptTrace, parts: () => Parts) {
    this.#room = room;
    this.#keptTrace = keptTrace;
    this.#parts = parts;
  }

  receive(written: Envelope, now: number): Receipt {
    const envelope = readEnvelope(written);
    switch (envelope.kind) {
      case "request": {
        if (envelope.isTraced === true && !isNonSubscriberHome(this.#room.home.name)) this.#keptTrace.follow(envelope.text, now);
        const { routing, terminating } = this.#parts();
        const receipt =
          envelope.routed === undefined ? terminating.request(envelope, now) : routing.request(envelope, envelope.routed, now);
        const { answerTo } = envelope;
        if (receipt.kind === "answered") this.#refused(envelope, receipt, now);
        if (receipt.kind === "answered" && isHopName(answerTo.home)) this.#recordRefused(envelope, receipt, now);
        // Homes log the responses for their own phones.
        if (receipt.kind === "answered" && isHopName(answerTo.home)) this.#room.log.concluded(now, "-", receipt.status, receipt.text);
        return receipt;
      }
      case "cancel":
        return this.#parts().forking.cancel(envelope, now);
      case "response":
        return this.#answered(envelope, now);
      case "inquiry":
        return this.#parts().pendingInvites.inquiry(envelope, now);
      case "ended":
        this.#parts().records.endedElsewhere(envelope, now);
        return accepted;
    }
  }

  /** A call of a trunk has its record here: the connection to its server keeps nothing. */
  #recordRefused(envelope: RequestEnvelope, { text, why }: Receipt & { kind: "answered" }, now: number): void {
    if (!isFromPhone(envelope.answerTo) || envelope.to.kind !== "address" || !envelope.text.startsWith("INVITE ")) return;
    this.#parts().records.refused(parsed(envelope.text), envelope, text, why, now);
  }

  /** Where a response goes: to a phone, or to what has sent a request of its own from here. */
  #answered(envelope: ResponseEnvelope, now: number): Receipt {
    const { kind } = takerOf(envelope.to);
    if (kind === "phone") return this.#parts().responses.response(envelope, now);
    if (kind === "context") return this.#parts().forking.sentOnAnswered(envelope, now);
    // The answer to a BYE of the server, or to a message of an application, changes nothing.
    return (
      this.#parts()
        .localUserAgents.find(({ senders }) => senders.includes(kind))
        ?.response(envelope, now) ?? accepted
    );
  }

  /** A call of another user that goes to no phone. Guests and clients of the redirect server have not authenticated and cost no row. */
  #refused(envelope: RequestEnvelope, { text: final, why, status }: Receipt & { kind: "answered" }, now: number): void {
    const { answerTo, caller = answerTo, text, redirects } = envelope;
    if (status < 400 || answerTo.home === this.#room.home.name || isGuestHome(caller.home) || redirects === true) return;
    this.#room.failed.keep(now, { side: "callee", final, flow: "-", invite: { text, flow: "-" }, since: now, why, caller: caller.home });
  }

  /** To another home by its outbox; to this home without a call. */
  passOn(home: HomeName, envelope: Envelope): Promise<Receipt> {
    const { directory, outbox } = this.#room;
    if (home !== this.#room.home.name) return outbox.post(home, traced(directory, home, envelope, Date.now()));
    return Promise.resolve().then(() => this.receive(envelope, Date.now()));
  }
}
