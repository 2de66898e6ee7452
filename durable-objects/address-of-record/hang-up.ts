import { returnInside } from "../../lib/transport/return-address.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { endsDialog } from "../../lib/proxy/bye.ts";
import { composeBye, farEnd, lastNumber } from "../../lib/proxy/hang-up.ts";
import type { CallDetails, CallInProgress, BoundContact } from "../../lib/transport/flow.ts";
import type { DialogEnd, EndedBy, Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { read } from "../shared/reparse.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { Room } from "./room.ts";

/** BYE from the server in the name of an end of a call that is gone (by RFC 3261 §15 only the ends send it: this one no longer can). */
export class HangUp {
  readonly #room: Room;
  readonly #passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>;
  readonly #endedBy: EndedBy;

  /** @param endedBy who ends these calls */
  constructor(room: Room, passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>, endedBy: EndedBy) {
    this.#room = room;
    this.#endedBy = endedBy;
    this.#passOn = passOn;
  }

  /** Sends a BYE to the other end of a dialog; rejects if its home or its server cannot be reached. Does nothing if too little is known. */
  async end({ details }: CallInProgress, why: string, now: number): Promise<void> {
    const far = details === undefined ? undefined : farEnd(this.#room.keyring, details);
    if (details !== undefined && far !== undefined) await this.#send(details, far, why, now);
  }

  /** Sends a BYE for one of its dialogs to a phone of our own user that is back, as the other end would have. */
  async endOwn(
    { details }: CallInProgress,
    { phone, contact }: Pick<BoundContact, "phone" | "contact">,
    why: string,
    now: number,
  ): Promise<void> {
    if (details === undefined) return;
    const { local = "", localTag, remote, remoteTag } = details;
    const { routes: _routes, ...known } = details;
    const swapped = { ...known, local: remote, localTag: remoteTag, remote: local, remoteTag: localTag, target: contact };
    await this.#send(swapped, { home: this.#room.home.name, phone }, why, now);
  }

  /** Sends a BYE once more that a phone of ours has refused: to its Contact, and with a number higher than it has heard (RFC 3261 §12.2.2). */
  async again(envelope: RequestEnvelope): Promise<void> {
    const { to } = envelope;
    const contact =
      to.kind === "phone"
        ? this.#room.sockets.newestTo(to.phone)?.boundContacts.find(({ phone }) => phone === to.phone)?.contact
        : undefined;
    const changes = contact === undefined ? {} : { requestUri: contact };
    const text = alter(read(envelope).request, { ...changes, remove: ["cseq"], append: [["CSeq", `${lastNumber} BYE`]] });
    const transaction = randomText() + randomText();
    const answerTo = returnInside(this.#room.home.name, { kind: "hang-up", id: transaction });
    await this.#passOn(this.#room.home.name, { ...envelope, text, answerTo, transaction, endedBy: this.#endedBy });
  }

  async #send(details: CallDetails, to: DialogEnd, why: string, now: number): Promise<void> {
    const { name, user, domain } = this.#room.home;
    const transaction = randomText() + randomText();
    const text = composeBye(details, { host: domain, branch: `z9hG4bK${transaction}`, why });
    this.#room.log.passed(now, "-", text);
    const receipt = await this.#passOn(to.home, {
      kind: "request",
      text,
      answerTo: returnInside(name, { kind: "hang-up", id: transaction }),
      transaction,
      identity: `${user}@${domain}`,
      to: { kind: "phone", phone: to.phone },
      recordRoute: undefined,
      endedBy: this.#endedBy,
    });
    if (receipt.kind === "answered" && !endsDialog(receipt.status)) throw new Error(`the BYE was answered with ${receipt.status}`);
  }
}
