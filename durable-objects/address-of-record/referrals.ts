import { isHomeOfUser, isHopName, readHopName } from "../../lib/routing/hop-name.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault, answered } from "../shared/reply.ts";
import { decideTarget } from "../shared/target-selection.ts";
import { namesOtherHeaders, numberAtTheBeginning, onlyReplaces, referredTo } from "../shared/trunk-destinations.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";
import type { ThirdPartyRequests } from "./third-party-requests.ts";

/**
 * REFER to phones of the user (RFC 3515 §5.2): many call at once whom it names, in the user's name. Who may not use the trunks of the user's
 * domain may not have a phone use them either.
 */
export class Referrals {
  readonly #room: Room;
  readonly #requests: Pick<ThirdPartyRequests, "questionOf">;
  readonly #passOn: PassOn;

  constructor(room: Room, requests: Pick<ThirdPartyRequests, "questionOf">, passOn: PassOn) {
    this.#room = room;
    this.#requests = requests;
    this.#passOn = passOn;
  }

  /** Whether a request has to be looked at before it reaches a phone. */
  concerns({ caller, answerTo }: RequestEnvelope, { method }: Request): boolean {
    const { name, domain } = this.#room.home;
    // A binding of a user of another domain may have forwarded it: the caller counts.
    return method === "REFER" && !isNonSubscriberHome(name) && !isHomeOfUser((caller ?? answerTo).home, domain);
  }

  /** Passes a REFER on, or refuses it. @param send passes it on to its phone */
  receive(envelope: RequestEnvelope, refer: Request, send: () => Receipt): Receipt {
    const to = referredTo(refer);
    if (isFault(to)) return { kind: "answered", status: to.status, text: answerFault(refer, to) };
    this.#refusalOf(envelope, to).then(
      (refusal) => this.#answer(envelope, refusal === undefined ? send() : answered(refer, refusal.status, refusal.fault)),
      (error: unknown) => {
        this.#room.log.note(Date.now(), "-", String(error));
        this.#answer(envelope, answered(refer, 400, "the Refer-To cannot be used"));
      },
    );
    return accepted;
  }

  /** A server that is trusted may refer to the numbers of its own trunk. */
  async #refusalOf({ caller, answerTo }: RequestEnvelope, to: string): Promise<Fault | undefined> {
    if (namesOtherHeaders(to)) return onlyReplaces;
    const { user, domain } = this.#room.home;
    const other = { callId: randomText(), tag: randomText(), transaction: randomText() };
    const asked = this.#requests.questionOf({ target: to.split("?", 1)[0] ?? "", other }, "v=0");
    if (isFault(asked)) return numberAtTheBeginning(to) === undefined ? undefined : notByOthers;
    const target = await decideTarget(this.#room, { ...asked.question, callId: undefined, caller: `${user}@${domain}` });
    // A router is asked about calls only: what is no user here may be one for a trunk.
    if (isFault(target)) return this.#room.directory.routerOf(domain) === undefined ? undefined : notByOthers;
    if (target.kind !== "external") return undefined;
    const trunks = await this.#room.directory.trunks(domain);
    if (target.trunk === undefined) {
      const isAtTrunk = trunks.some(({ servers }) => servers.some(({ uri }) => hostIn(uri) === hostIn(target.uri)));
      return isAtTrunk || numberAtTheBeginning(to) !== undefined ? notByOthers : undefined;
    }
    const { home } = caller ?? answerTo;
    const isOwn = isHopName(home) && readHopName(home).trunk === `${target.trunk}@${domain}`;
    return isOwn && trunks.some(({ name, trusted }) => name === target.trunk && trusted) ? undefined : notByOthers;
  }

  #answer({ answerTo: to }: RequestEnvelope, receipt: Receipt): void {
    if (receipt.kind !== "answered") return;
    const { text, status } = receipt;
    this.#passOn(to.home, { kind: "response", text, status, to, transaction: undefined }).catch((error: unknown) =>
      this.#room.log.note(Date.now(), "-", String(error)),
    );
  }
}

const notByOthers: Fault = fault(403, "only users of this domain may have its trunks used");

function hostIn(written: string): string {
  const uri = parseUri(written);
  return isFault(uri) || uri.kind !== "sip" ? "" : uri.host.toLowerCase();
}
