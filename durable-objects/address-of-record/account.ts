import { storedShape } from "../../platform/stored-shape.ts";
import { askForToken } from "../../lib/authentication/bearer.ts";
import { authenticate, nobody } from "../../lib/authentication/authenticate.ts";
import { type Rules, noRules } from "../../lib/location/rules.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { isPresentable } from "../../lib/transport/attachment.ts";
import type { Authentication, Flow, TokenMark } from "../../lib/transport/flow.ts";
import { homeName } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import type { Room } from "./room.ts";
import { closing } from "../../platform/connection/close-reasons.ts";

/** The owner's names, for checks of From. */
export interface Owner {
  readonly user: string;
  readonly domain: string;
  readonly aliases: readonly string[];
}

export const subscriberTable = {
  subscriber:
    "CREATE TABLE IF NOT EXISTS subscriber (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, value TEXT NOT NULL)",
} as const;

/** The home's own copy of the subscriber's row, and the authentication of flows against it (RFC 3261 §22, RFC 7616, RFC 8760). */
export class Account {
  readonly #room: Room;
  readonly #onRevoked: (which: "tokens" | "all") => void;
  #subscriber: Subscriber | undefined;

  /** @param onRevoked phones must authenticate again: those with a token, or all of them */
  constructor(room: Room, onRevoked: (which: "tokens" | "all") => void) {
    this.#room = room;
    this.#onRevoked = onRevoked;
  }

  /** The owner's rules for calls. */
  rules(): Rules {
    return this.#copy()?.rules ?? noRules;
  }

  owner(): Owner {
    const { user, domain } = this.#room.home;
    return { user, domain, aliases: this.#copy()?.aliases ?? [] };
  }

  /**
   * Whether the flow is authenticated for the owner; if not yet, by the credentials of this request, or else a challenge.
   * @param isWithin the request belongs to a call: that goes on when the token by which the flow was authenticated has expired
   */
  authenticate(flow: Flow, request: Request, now: number, isWithin: () => boolean): Flow | Fault {
    const { configuration, keyring, home, sockets } = this.#room;
    if (flow.nonSubscriber !== undefined || isStillAuthenticated(flow, configuration.flowLifetime * 1000, isWithin, now)) return flow;
    const subscriber = this.#newest(flow.unverifiedSubscriber);
    const { user, domain } = home;
    const at = { flow: flow.id, now, counts: flow.nonceCounts, nonceLifetime: configuration.nonceLifetime };
    const verdict = authenticate(keyring, request, { user, domain, secret: subscriber ?? nobody, at });
    if (isFault(verdict)) return withBearer(verdict, request, flow, domain);
    if (subscriber === undefined) throw new Error("a flow was authenticated without a subscriber");
    this.take(subscriber);
    // The row that came with the socket was older than the copy, which is in memory now.
    if (this.isOvertaken(subscriber)) return this.authenticate(flow, request, now, isWithin);
    const authenticated = { version: subscriber.version, since: now, checked: now };
    return sockets.update(flow.id, { authenticated, nonceCounts: verdict.counts, unverifiedSubscriber: undefined }) ?? flow;
  }

  /** Whether the newest row that is known, of a user who is not deleted, fulfils a condition. */
  accepts(condition: (newest: Subscriber) => boolean): boolean {
    const copy = this.#copy();
    return copy !== undefined && !this.isDeleted() && condition(copy);
  }

  /** A token for the owner was verified: the flow is authenticated until that expires, or longer than before. */
  authenticateByToken(flow: Flow, byToken: TokenMark, subscriber: Subscriber, now: number): void {
    const authenticated = authenticationBy(this.#newest(subscriber) ?? subscriber, byToken, now);
    this.#room.sockets.update(flow.id, { authenticated, unverifiedSubscriber: undefined });
  }

  /** Stores a row that the edge proxy or the API read from the directory, if it is newer than the copy. */
  take(subscriber: Subscriber): void {
    const copy = this.#copy();
    if (copy !== undefined && copy.version >= subscriber.version) return;
    this.#subscriber = subscriber;
    const { version } = subscriber;
    this.#room.memory.run(
      "INSERT OR REPLACE INTO subscriber (only, version, value) VALUES (1, ?, ?)",
      version,
      subscriberShape.write(subscriber),
    );
    if (copy !== undefined && haveOtherSecrets(copy, subscriber)) this.#closeFlows(version);
    if ((copy?.tokensSince ?? 0) < (subscriber.tokensSince ?? 0)) this.#closeTokenFlows();
    for (const { id, unverifiedSubscriber: unverified } of this.#room.sockets.all()) {
      if (unverified !== undefined && unverified.version < version)
        this.#room.sockets.update(id, { unverifiedSubscriber: this.presentable(subscriber) });
    }
  }

  /** The row that an unauthenticated socket may keep: all of it, or nothing if it is long; then the home's copy has it. */
  presentable(subscriber: Subscriber): Subscriber | undefined {
    if (isPresentable(subscriber)) return subscriber;
    this.take(subscriber);
    return undefined;
  }

  /** Whether the credentials have changed since a row was read, perhaps from the edge proxy's cache. */
  isOvertaken(subscriber: Subscriber): boolean {
    const copy = this.#copy();
    return copy !== undefined && copy.version > subscriber.version && (this.isDeleted() || haveOtherSecrets(copy, subscriber));
  }

  /** Whether tokens were revoked after this one was issued. */
  hasRevoked(token: TokenMark | undefined): boolean {
    return token?.issued !== undefined && token.issued < (this.#copy()?.tokensSince ?? 0);
  }

  /** The owner was deleted: a row that no password matches overrides older ones in the edge proxy's cache. */
  markDeleted(): void {
    const { user: username, domain } = this.#room.home;
    const nothing = { aliases: [], rules: noRules, generation: 0, version: Number.MAX_SAFE_INTEGER, opened: true };
    this.take({ username, domain, md5: "", sha256: "", ...nothing });
  }

  isDeleted(): boolean {
    return this.#copy()?.version === Number.MAX_SAFE_INTEGER;
  }

  /** The copy has a time limit: on an older flow the directory is asked again. */
  async recheck(flow: Flow, now: number): Promise<Fault | undefined> {
    const { copyLifetime, copyLastResort } = this.#room.configuration;
    const age = now - (flow.authenticated?.checked ?? now);
    if (flow.authenticated === undefined || age < copyLifetime * 1000) return undefined;
    const { user, domain } = this.#room.home;
    try {
      const answer = await this.#room.directory.fresh(user, domain);
      if (answer.kind !== "subscriber" || homeName(answer.subscriber) !== this.#room.home.name) {
        this.#room.sockets.close(flow.id, closing.subscriberDeleted);
        return fault(403, "this account no longer exists");
      }
      this.take(answer.subscriber);
      this.#room.sockets.update(flow.id, { authenticated: { ...flow.authenticated, checked: now } });
      return undefined;
    } catch (error) {
      if (!(error instanceof DirectoryUnavailable)) throw error;
      return age < copyLastResort * 1000 ? undefined : fault(503, "the directory cannot be reached", [["Retry-After", "60"]]);
    }
  }

  /** The newest row to verify with. A flow that came with a row must not cause SQL reads: only memory is used. */
  #newest(unverified: Subscriber | undefined): Subscriber | undefined {
    if (unverified === undefined) return this.#copy();
    return this.#subscriber !== undefined && this.#subscriber.version > unverified.version ? this.#subscriber : unverified;
  }

  #copy(): Subscriber | undefined {
    if (this.#subscriber === undefined) {
      const [row] = this.#room.memory.all<{ value: string }>("SELECT value FROM subscriber");
      if (row !== undefined) this.#subscriber = subscriberShape.read(row.value);
    }
    return this.#subscriber;
  }

  /** Tokens are revoked. */
  #closeTokenFlows(): void {
    for (const { id, authenticated } of this.#room.sockets.all())
      if (authenticated?.byToken !== undefined) this.#room.sockets.close(id, closing.credentialsChanged);
    this.#onRevoked("tokens");
  }

  /** The credentials have changed: flows that were authenticated with the old ones must authenticate again. */
  #closeFlows(version: number): void {
    for (const flow of this.#room.sockets.all()) {
      if (flow.authenticated !== undefined && flow.authenticated.version < version)
        this.#room.sockets.close(flow.id, closing.credentialsChanged);
    }
    this.#onRevoked("all");
  }
}

/** Rows of the first builds have no rules. */
const subscriberShape = storedShape<Subscriber>((older) => ({ rules: noRules, ...older }));

function haveOtherSecrets(one: Subscriber, other: Subscriber): boolean {
  return one.md5 !== other.md5 || one.sha256 !== other.sha256;
}

/** How a flow was authenticated. @param byToken absent: by a password */
export function authenticationBy({ version }: Subscriber, byToken: TokenMark | undefined, now: number): Authentication {
  return { version, since: now, checked: now, ...(byToken === undefined ? {} : { byToken }) };
}

/** A call in progress outlives the token. */
function isStillAuthenticated({ authenticated }: Flow, lifetime: number, isWithin: () => boolean, now: number): boolean {
  if (authenticated === undefined) return false;
  const { byToken, since } = authenticated;
  return byToken === undefined ? now - since < lifetime : now < byToken.until || isWithin();
}

function withBearer(challenge: Fault, request: Request, { authorizationServer }: Flow, domain: string): Fault {
  return authorizationServer === undefined ? challenge : askForToken(challenge, request, domain, authorizationServer);
}
