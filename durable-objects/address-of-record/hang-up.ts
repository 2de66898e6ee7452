import { endsOf, openRoute } from "../../lib/proxy/route-token.ts";
import { composeBye } from "../../lib/proxy/hang-up.ts";
import type { CallDetails, CallInProgress, BoundContact } from "../../lib/transport/flow.ts";
import type { DialogEnd, Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { Room } from "./room.ts";

/** Branches of ours whose responses nobody waits for. */
const unattended = "bye.";

/** BYE from the server, in the name of an end of a call that is gone (RFC 3261 §15 has only the ends send it: this one cannot any more). */
export class HangUp {
  readonly #room: Room;
  readonly #passOn: (home: string, envelope: RequestEnvelope) => Promise<Receipt>;

  constructor(room: Room, passOn: (home: string, envelope: RequestEnvelope) => Promise<Receipt>) {
    this.#room = room;
    this.#passOn = passOn;
  }

  /** Tells the other end of a dialog that it is over; rejects if its home cannot be reached. Nothing can be told where too little is known. */
  async end({ details }: CallInProgress, why: string, now: number): Promise<void> {
    const far = details === undefined ? undefined : this.#farEnd(details);
    if (details !== undefined && far !== undefined) await this.#send(details, far, why, now);
  }

  #farEnd({ far, route, callId, localTag }: CallDetails): DialogEnd | undefined {
    if (far !== undefined || route === undefined) return far;
    const opened = openRoute(this.#room.keyring, route, callId);
    return opened === undefined ? undefined : endsOf(opened, localTag).receiver;
  }

  /** Tells a phone of our own user that is back that one of its dialogs is over, as the other end would have. */
  async endOwn(
    { details }: CallInProgress,
    { phone, contact }: Pick<BoundContact, "phone" | "contact">,
    why: string,
    now: number,
  ): Promise<void> {
    if (details === undefined) return;
    const { local = "", localTag, remote, remoteTag } = details;
    const swapped = { ...details, local: remote, localTag: remoteTag, remote: local, remoteTag: localTag, target: contact };
    await this.#send(swapped, { home: this.#room.home.name, phone }, why, now);
  }

  async #send(details: CallDetails, to: DialogEnd, why: string, now: number): Promise<void> {
    const { name, user, domain } = this.#room.home;
    const transaction = randomText() + randomText();
    const text = composeBye(details, { host: domain, branch: `z9hG4bK${transaction}`, why });
    this.#room.log.passed(now, "-", text);
    await this.#passOn(to.home, {
      kind: "request",
      text,
      answerTo: { home: name, flow: "", phone: "", branch: `${unattended}${transaction}` },
      transaction,
      identity: `${user}@${domain}`,
      to: { kind: "phone", phone: to.phone },
      recordRoute: undefined,
    });
  }
}
