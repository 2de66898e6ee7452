import { bearerIn } from "../../lib/authentication/bearer.ts";
import { isTokenForm } from "../../lib/authentication/token-issuer.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type DialogRoute, ownRouteIn } from "../../lib/proxy/route-token.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { homeName } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import { isOf } from "../../platform/tokens/token-user.ts";
import type { FlowId } from "../../lib/transport/identifiers.ts";
import { closing } from "../../platform/connection/close-reasons.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import type { Account } from "./account.ts";
import type { Room } from "./room.ts";

/** Tokens of one connection that are verified: at once, and in a second. */
const maxTokens = [10, 1] as const;

/** Milliseconds that a connection may stay after its token, to share an alarm; and until one with a call is looked at again. */
const [slack, lookAgain] = [60_000, 600_000] as const;

/** Tokens in the requests of phones (RFC 8898): they authenticate a flow, and prolong one that a token has authenticated. */
export class Tokens {
  readonly #room: Room;
  readonly #account: Account;
  readonly #rates = new Map<FlowId, TokenBucket>();

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

  /** A connection is opened by what the edge proxy has verified: it takes the place of another one with the same token for one connection. */
  opened(flow: Flow): void {
    this.watch(flow);
    const { id, isSingleUse } = flow.tokenLimits ?? {};
    if (isSingleUse !== true) return;
    for (const other of this.#room.sockets.all())
      if (other.id !== flow.id && other.tokenLimits?.id === id) this.#room.sockets.close(other.id, closing.tokenUsedAgain);
  }

  /** A flow was authenticated, by a token perhaps: it is looked at when that expires. */
  watch(flow: Flow): void {
    const until = endOf(flow);
    if (until !== undefined) this.#room.alarm.noLaterThan(until + slack, slack);
  }

  /** Connections whose token has expired are closed, and with them their subscriptions end; those with a call are looked at later. */
  onAlarm(now: number): void {
    for (const flow of this.#room.sockets.all()) {
      const { id, activeCalls = [], pendingInvites } = flow;
      const until = endOf(flow);
      if (until === undefined) continue;
      if (now < until) this.watch(flow);
      else if (activeCalls.length + pendingInvites.length > 0) this.#room.alarm.noLaterThan(now + lookAgain, lookAgain);
      else this.#room.sockets.close(id, closing.tokenExpired);
    }
  }

  /** A connection is closed. */
  closed(flow: FlowId): void {
    this.#rates.delete(flow);
  }

  /** Verifies a token; a good one authenticates the flow. While the directory is away none is good. */
  async take(flow: Flow, token: string, now: number): Promise<Flow> {
    const rate = this.#rates.get(flow.id) ?? new TokenBucket(...maxTokens);
    this.#rates.set(flow.id, rate);
    if (rate.take(now)) await this.#verify(flow, token, now);
    return this.#room.sockets.byId(flow.id) ?? flow;
  }

  async #verify(flow: Flow, token: string, now: number): Promise<void> {
    const { verifyToken, home, sockets, alarm, log } = this.#room;
    const verified = await verifyToken(token, now).catch((error: unknown) => {
      if (!(error instanceof DirectoryUnavailable)) throw error;
      return undefined;
    });
    const present = sockets.byId(flow.id);
    if (verified === undefined || verified.user !== home.user || present === undefined) return;
    // Only the connection that it opens remembers its limits.
    if (verified.limits !== undefined)
      return log.note(now, flow.id, "a token with limits is not accepted in a request, only in the upgrade");
    const subscriber = await this.#subscriber();
    if (subscriber === undefined || homeName(subscriber) !== home.name) return;
    await alarm.ready();
    this.#account.take(subscriber);
    // The home may know of a revocation or deletion that its cache of the directory does not know.
    if (this.#account.accepts((newest) => isOf(verified, newest)))
      this.#account.authenticateByToken(
        present,
        { until: verified.until, hash: this.#hash(token), issued: verified.issued },
        subscriber,
        now,
      );
    this.watch(sockets.byId(flow.id) ?? present);
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

/** Milliseconds: the end of the token by which a flow was opened or prolonged; undefined without one. */
export function endOf({ authenticated, nonSubscriber }: Flow): number | undefined {
  return authenticated?.byToken?.until ?? nonSubscriber?.invitation?.until;
}

/**
 * Whether a request belongs to a call, so that it is not challenged when the token of its connection has expired: the Route of the call
 * proves it, which a tag or a Call-ID does not.
 * @param allows whether it may be sent by this Route, which outlives its call
 */
export function isWithinCall(
  keyring: Keyring,
  request: Request,
  dialog: MandatoryHeaders,
  allows: (route: DialogRoute) => boolean,
): boolean {
  const { method } = request;
  if (method === "CANCEL" || method === "ACK") return true;
  if (dialog.toTag === undefined || outsideCalls.includes(method)) return false;
  const route = ownRouteIn(keyring, request, dialog.callId);
  return route !== undefined && allows(route);
}

const outsideCalls: readonly string[] = ["SUBSCRIBE", "PUBLISH", "REGISTER"];

/** Guests stay strangers: those of shared connections have their limits at the edge. */
export function isStranger({ authenticated, nonSubscriber }: Flow): boolean {
  return authenticated === undefined || nonSubscriber?.invitation !== undefined;
}
