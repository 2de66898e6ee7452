import type { RTCSession } from "jssip/lib/RTCSession";
import { internalsOf } from "./session-internals.ts";

/** `SessionStatus` of JsSIP. */
const waitingForAck = 6;

/**
 * The 2xx responses of this side within a call. JsSIP gives up the transaction of one that it cannot repeat, because the connection is lost:
 * nothing would ever answer that INVITE, each later one would be refused, and after 32 seconds the call would end (RFC 3261 §13.3.1.4).
 */
export class Answers {
  readonly #session: RTCSession;
  #repeat: () => void = () => undefined;

  constructor(session: RTCSession) {
    this.#session = session;
    const internals = internalsOf(session);
    const setTimer = internals._setInvite2xxTimer.bind(session);
    internals._setInvite2xxTimer = (request, body) => {
      request.server_transaction.onTransportError = () => undefined;
      this.#repeat = () => request.reply(200, null, [`Contact: ${internals._contact}`], body);
      setTimer(request, body);
    };
  }

  /** One that has no ACK yet is sent again, on the new connection. */
  connectionIsBack(): void {
    if (this.#session.status === waitingForAck) this.#repeat();
  }
}
