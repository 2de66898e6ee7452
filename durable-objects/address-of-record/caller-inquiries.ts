import { callName } from "../../lib/proxy/call-name.ts";
import { dropsInvitesOnDisconnect } from "../../lib/proxy/client-quirks.ts";
import type { InquiryEnvelope } from "../../lib/transport/envelope.ts";
import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { type OpenContext, askAfter } from "./contexts.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";

/** Asks the homes of callers whether these still wait: their CANCEL may have been lost in an eviction. */
export class CallerInquiries {
  readonly #room: Room;
  readonly #passOn: PassOn;
  /** Milliseconds; when the caller of each call was last asked, since the object woke up. */
  #asked = new Map<TransactionId, number>();

  constructor(room: Room, passOn: PassOn) {
    this.#room = room;
    this.#passOn = passOn;
  }

  /** Not too often. @param failed the home of the caller cannot be reached */
  ask({ context, request }: OpenContext, failed: (error: unknown) => void, now: number): void {
    const { transaction, answerTo: caller } = context;
    if (now - (this.#asked.get(transaction) ?? 0) < askAfter) return;
    this.#asked.set(transaction, now);
    const inquiry: InquiryEnvelope = {
      kind: "inquiry",
      transaction,
      home: this.#room.home.name,
      caller,
      dropsOnDisconnect: dropsInvitesOnDisconnect(request),
      name: callName(mandatoryHeadersOf(request).callId),
    };
    this.#passOn(caller.home, inquiry).catch(failed);
  }

  forgetOld(now: number): void {
    this.#asked = new Map([...this.#asked].filter(([, at]) => now - at < askAfter));
  }
}
