import { bearerIn } from "../../lib/authentication/bearer.ts";
import { isTokenForm } from "../../lib/authentication/token-issuer.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { homeName } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import type { Account } from "./account.ts";
import type { Room } from "./room.ts";

/** Tokens in the requests of phones (RFC 8898): they authenticate a flow, and prolong one that a token has authenticated. */
export class Tokens {
  readonly #room: Room;
  readonly #account: Account;

  constructor(room: Room, account: Account) {
    this.#room = room;
    this.#account = account;
  }

  /** The token of a request, if it has to be verified: not on a flow of a password, and each only once. */
  in({ authenticated, nonSubscriber }: Flow, request: Request): string | undefined {
    if (nonSubscriber !== undefined || (authenticated !== undefined && authenticated.byToken === undefined)) return undefined;
    const token = bearerIn(request);
    if (token === undefined || !isTokenForm(token)) return undefined;
    return authenticated?.byToken?.hash === this.#hash(token) ? undefined : token;
  }

  /** Verifies a token; a good one authenticates the flow. While the directory is away none is good. */
  async take(flow: Flow, token: string, now: number): Promise<Flow> {
    await this.#verify(flow, token, now);
    return this.#room.sockets.byId(flow.id) ?? flow;
  }

  async #verify(flow: Flow, token: string, now: number): Promise<void> {
    const { verifyToken, home, sockets, alarm } = this.#room;
    const verified = await verifyToken(token, now).catch((error: unknown) => {
      if (!(error instanceof DirectoryUnavailable)) throw error;
      return undefined;
    });
    const present = sockets.byId(flow.id);
    if (verified === undefined || verified.user !== home.user || present === undefined) return;
    const subscriber = present.unverifiedSubscriber ?? (await this.#subscriber());
    if (subscriber === undefined || homeName(subscriber) !== home.name) return;
    await alarm.ready();
    this.#account.authenticateByToken(present, { until: verified.until, hash: this.#hash(token) }, subscriber, now);
  }

  async #subscriber() {
    const { directory, home } = this.#room;
    const answer = await directory.find(home.user, home.domain);
    return answer.kind === "subscriber" ? answer.subscriber : undefined;
  }

  #hash(token: string): string {
    return this.#room.keyring.hash("sha256", token).slice(0, 22);
  }
}
