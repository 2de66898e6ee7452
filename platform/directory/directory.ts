import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { DomainSettings, DomainTrace } from "../../lib/location/domain-settings.ts";
import type { Router } from "../../lib/location/router.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import type { ListEntry, ListName, ResourceList } from "../../lib/presence/resource-list.ts";
import type { Route } from "../../lib/routing/route.ts";
import type { NonSubscriber } from "../../lib/transport/non-subscriber.ts";
import { nameOfUser } from "../../lib/syntax/uri.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type Trunk, readTrunk, writeTrunk } from "../../lib/routing/trunk.ts";
import { type EventReceivers, readEventReceivers } from "./event-receivers.ts";
import { type WebHook, writeWebHook } from "../../lib/web-hooks/web-hook.ts";
import { type SubscriberColumns, domainSettingsOf, subscriberOf } from "./rows.ts";
import { DomainLists, askAgainAfter } from "./domain-lists.ts";
import { IssuerStore, type KnownIssuer } from "./issuer-store.ts";
import type { ReadPushService } from "../../lib/push/push-service.ts";
import type { ReadMediaService } from "../../lib/media/media-service.ts";
import { MediaStore } from "./media-store.ts";
import { SigningStore } from "./signing-store.ts";
import type { ReadSigningSettings } from "../../lib/stir/signing-settings.ts";
import { PushStore } from "./push-store.ts";
import { SharedQuestions } from "../shared-questions.ts";
import { oneInIsolate } from "../isolate.ts";
import { keyringOf } from "../crypto/keyring.ts";
import { readConfiguration } from "../configuration.ts";
import { answerOf } from "./answer-of.ts";
import { resealRouter } from "./router-secret.ts";
import { DirectoryUnavailable } from "./errors.ts";
import type { Environment } from "../environment.ts";

/** The result for a user part: of another domain, not a user, or a subscriber (also by an alias). */
export type Answer =
  | { readonly kind: "foreign" }
  | { readonly kind: "unknown"; readonly settings: DomainSettings }
  | { readonly kind: "subscriber"; readonly subscriber: Subscriber; readonly settings: DomainSettings };

/** The name of a subscriber's home. A new generation gives a new home, so an old one need not be wiped. */
export function homeName(subscriber: Pick<Subscriber, "username" | "domain" | "generation">): HomeName {
  return `sip:${subscriber.username}@${subscriber.domain}#${subscriber.generation}`;
}

/** The username in the name of a home. */
export function userOfHome(home: HomeName): string {
  return home.slice("sip:".length, home.lastIndexOf("@"));
}

/** Times in milliseconds. */
interface Kept {
  readonly answer: Answer;
  /** When the answer came, and until when it is not asked for again. */
  readonly at: number;
  readonly until: number;
}

/** Instead of the name, if the user part has none: no row has this one. */
const noName = "%00";
const lostSecrets = "no key in SEAL_KEYS opens the secrets of this trunk: restore the key, or PUT the trunk with its password and token";

/** Milliseconds that an answer is cached: long only for answers that rarely change, and whose changes are announced. */
const keptOpened = 60_000;
const keptOther = 2_000;
const maximumKept = 10_000;
/** Characters of a domain (RFC 1035 §2.3.4). */
const maxDomain = 253;
/** Characters of a user part: our names are shorter, and longer ones are not cached. */
const maxName = 512;
const usualLastResort = 86_400_000;

/** The directory is asked before a home: no stub is made before it has answered. Cached in the isolate. */
export class Directory {
  readonly #database: D1Database;
  readonly #keyring: () => Keyring | undefined;
  readonly #lastResort: number;
  readonly #kept = new Map<string, Kept>();
  readonly #trunks = new DomainLists<Trunk>(10_000);
  readonly #routes = new DomainLists<Route>(30_000);
  readonly #peers = new DomainLists<NonSubscriber>(10_000);
  readonly #eventReceivers = new DomainLists<WebHook | "watchers">(10_000);
  readonly #issuers = new DomainLists<KnownIssuer>(10_000);
  readonly #pushServices = new DomainLists<ReadPushService>(10_000);
  readonly #mediaServices = new DomainLists<ReadMediaService>(10_000);
  readonly #signing = new DomainLists<ReadSigningSettings>(10_000);
  readonly #asked = new SharedQuestions<Answer>();
  /** Of those domains that have one, as they were last read. */
  readonly #traces = new Map<string, DomainTrace>();
  readonly #routers = new Map<string, Router>();
  /** Grows when cached answers are dropped: an answer that was requested before is not cached. */
  #forgotten = 0;

  /**
   * @param keyring opens the secrets of trunks; undefined if there is no key
   * @param lastResort milliseconds that an answer counts while D1 cannot be reached
   */
  constructor(database: D1Database, keyring: () => Keyring | undefined = () => undefined, lastResort = usualLastResort) {
    this.#database = database;
    this.#keyring = keyring;
    this.#lastResort = lastResort;
  }

  /** The result for a canonical user part of a lower-case domain; the last known one while D1 cannot be reached. */
  find(written: string, domain: string): Promise<Answer> {
    if (domain.length > maxDomain) return Promise.resolve({ kind: "foreign" });
    const user = written.length > maxName ? noName : written;
    const name = `${user}@${domain}`;
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.until > Date.now()) return Promise.resolve(kept.answer);
    return this.#asked.ask(name, Date.now(), () => this.fresh(user, domain).catch((error: unknown) => this.#lastKnown(name, error)));
  }

  /** Whether `find` needs no query to D1 for this. */
  knows(user: string, domain: string): boolean {
    const name = `${user}@${domain}`;
    return (this.#kept.get(name)?.until ?? 0) > Date.now() || this.#asked.isAsked(name, Date.now());
  }

  #lastKnown(name: string, error: unknown): Answer {
    const kept = this.#kept.get(name);
    const now = Date.now();
    if (!(error instanceof DirectoryUnavailable) || kept === undefined || now - kept.at >= this.#lastResort) throw error;
    this.#kept.set(name, { ...kept, until: now + askAgainAfter });
    return kept.answer;
  }

  /** The same, without the cache. */
  async fresh(user: string, domain: string): Promise<Answer> {
    const forgotten = this.#forgotten;
    const answer = await this.#ask(user, domain);
    if (forgotten === this.#forgotten) this.#keep(`${user}@${domain}`, answer);
    return answer;
  }

  /** The first authenticated flow of the owner has come: from now on the home may be called. */
  async markOpened(subscriber: Subscriber): Promise<void> {
    if (subscriber.opened) return;
    const { username, domain } = subscriber;
    await answerOf(
      this.#database
        .prepare("UPDATE subscribers SET opened_at = ? WHERE domain = ? AND username = ? AND opened_at IS NULL")
        .bind(Date.now(), domain, nameOfUser(username) ?? noName)
        .run(),
    );
    const kept = this.#kept.get(`${username}@${domain}`)?.answer;
    if (kept?.kind === "subscriber") this.#keep(`${username}@${domain}`, { ...kept, subscriber: { ...subscriber, opened: true } });
    for (const alias of subscriber.aliases) this.#kept.delete(`${alias}@${domain}`);
  }

  /** The trunks of a domain, by name. */
  trunks(domain: string): Promise<readonly Trunk[]> {
    return this.#trunks.of(domain, async () => {
      const keyring = this.#keyring();
      const stored = await this.#read("trunks", domain, (settings) => ({ settings, trunk: readTrunk(settings, keyring) }));
      for (const { settings, trunk } of stored) await this.#seal(settings, trunk, keyring);
      return stored.map(({ trunk }) => trunk);
    });
  }

  /** The web hooks of a domain, by name. */
  async webHooks(domain: string): Promise<readonly WebHook[]> {
    return (await this.eventReceivers(domain)).hooks;
  }

  async eventReceivers(domain: string): Promise<EventReceivers> {
    const receivers = await this.#eventReceivers.of(domain, () => this.#readEventReceivers(domain));
    return { hooks: receivers.filter((receiver) => receiver !== "watchers"), isWatched: receivers.includes("watchers") };
  }

  async #readEventReceivers(domain: string): Promise<readonly (WebHook | "watchers")[]> {
    const keyring = this.#keyring();
    const stored = await readEventReceivers(this.#database, domain, keyring);
    for (const one of stored) {
      if (one === "watchers" || keyring === undefined || one.hook.isLost === true) continue;
      await this.#replace("web_hooks", one.hook, one.settings, writeWebHook(one.hook, keyring));
    }
    return stored.map((one) => (one === "watchers" ? one : one.hook));
  }

  /** The issuers of tokens for the users of a domain, by name, without their keys. */
  issuers(domain: string): Promise<readonly KnownIssuer[]> {
    return this.#issuers.of(domain, async () => {
      const known = await new IssuerStore(this.#database).ofDomain(domain);
      return known.map(({ issuer: { keys: _keys, ...issuer }, fetchedAt }) => ({ issuer, fetchedAt }));
    });
  }

  /** The push notification services of a domain. */
  pushServices(domain: string): Promise<readonly ReadPushService[]> {
    return this.#pushServices.of(domain, () => new PushStore(this.#database).ofDomain(domain, this.#keyring()));
  }

  /** The services that convert the media of a domain's trunks. */
  mediaServices(domain: string): Promise<readonly ReadMediaService[]> {
    return this.#mediaServices.of(domain, () => new MediaStore(this.#database).ofDomain(domain, this.#keyring()));
  }

  /** How the calls of a domain are signed; undefined if they are not. */
  async signing(domain: string): Promise<ReadSigningSettings | undefined> {
    const [found] = await this.#signing.of(domain, async () => {
      const one = await new SigningStore(this.#database).find(domain, this.#keyring());
      return one === undefined ? [] : [one];
    });
    return found;
  }

  /** The routes of a domain, by name. Nearly every request reads them. */
  routes(domain: string): Promise<readonly Route[]> {
    return this.#routes.of(domain, async () => {
      const query = `SELECT r.settings AS route, d.settings AS domain
        FROM domains d LEFT JOIN routes r ON r.domain = d.name WHERE d.name = ? ORDER BY r.name`;
      const { results } = await answerOf(this.#database.prepare(query).bind(domain).all<{ route: string | null; domain: string }>());
      for (const { domain: stored } of results.slice(0, 1)) {
        const settings = domainSettingsOf(stored);
        this.#noteSettings(domain, settings);
        await resealRouter(this.#database, domain, settings.router, this.#keyring());
      }
      return results.flatMap(({ route }) => (route === null ? [] : [JSON.parse(route) as Route]));
    });
  }

  /** Which calls of a domain an administrator wants the messages of: as its routes or a user of it were last read. Nothing is asked. */
  traceOf(domain: string): DomainTrace | undefined {
    return this.#traces.get(domain);
  }

  /** Who decides where the calls of a domain go: as its routes or a user of it were last read. Nothing is asked. */
  routerOf(domain: string): Router | undefined {
    return this.#routers.get(domain);
  }

  #noteSettings(domain: string, { trace, router }: DomainSettings): void {
    if (trace === undefined) this.#traces.delete(domain);
    else this.#traces.set(domain, trace);
    if (router === undefined) this.#routers.delete(domain);
    else this.#routers.set(domain, router);
  }

  /** The peer of a domain of ours that serves a foreign domain, if there is one. */
  async peerFor(domain: string, foreign: string): Promise<NonSubscriber | undefined> {
    const peers = await this.#peers.of(domain, () => this.#read("peers", domain, (stored) => JSON.parse(stored) as NonSubscriber));
    return peers.find(({ domains }) => domains.includes(foreign));
  }

  /** The present list of resources, without any cache; undefined if there is none. */
  async list(domain: string, { name, owner = "" }: ListName): Promise<ResourceList | undefined> {
    const query = this.#database.prepare("SELECT version, entries FROM lists WHERE domain = ? AND owner = ? AND name = ?");
    const row = await answerOf(query.bind(domain, nameOfUser(owner) ?? noName, name).first<{ version: number; entries: string }>());
    return row === null ? undefined : { version: row.version, entries: JSON.parse(row.entries) as ListEntry[] };
  }

  /**
   * Registers a home for changes of a list of the domain.
   * @param until milliseconds
   */
  async watchList(domain: string, name: string, home: HomeName, until: number): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO list_watchers (domain, name, home, until) VALUES (?, ?, ?, ?)");
    await answerOf(query.bind(domain, name, home, until).run());
  }

  /** Seals secrets that are in plain text, or sealed with an older key, with the first one; if no key opens them the log says so. */
  async #seal(settings: string, trunk: Trunk, keyring: Keyring | undefined): Promise<void> {
    const { domain, name, lost } = trunk;
    if (lost !== undefined) return console.error(JSON.stringify({ note: lostSecrets, trunk: `${name}@${domain}`, lost }));
    if (keyring === undefined || (trunk.password === undefined && trunk.token === undefined)) return;
    await this.#replace("trunks", trunk, settings, writeTrunk(trunk, keyring));
  }

  /** Stores what is sealed anew, if that differs and the row has not been changed meanwhile. */
  async #replace(
    table: "trunks" | "web_hooks",
    { domain, name }: { readonly domain: string; readonly name: string },
    settings: string,
    sealed: string,
  ): Promise<void> {
    if (sealed === settings) return;
    const query = this.#database.prepare(`UPDATE ${table} SET settings = ? WHERE domain = ? AND name = ? AND settings = ?`);
    try {
      await answerOf(query.bind(sealed, domain, name, settings).run());
    } catch (error) {
      // The next read tries again.
      if (!(error instanceof DirectoryUnavailable)) throw error;
    }
  }

  async #read<T>(table: "trunks" | "peers", domain: string, parse: (stored: string) => T): Promise<readonly T[]> {
    const query = this.#database.prepare(`SELECT settings FROM ${table} WHERE domain = ? ORDER BY name`).bind(domain);
    const { results } = await answerOf(query.all<{ settings: string }>());
    return results.map(({ settings }) => parse(settings));
  }

  /** The data of a domain has changed. */
  forget(domain: string): void {
    this.#forgotten += 1;
    this.#trunks.forget(domain);
    this.#routes.forget(domain);
    this.#peers.forget(domain);
    this.#eventReceivers.forget(domain);
    this.#traces.delete(domain);
    this.#routers.delete(domain);
    this.#issuers.forget(domain);
    this.#pushServices.forget(domain);
    this.#mediaServices.forget(domain);
    this.#signing.forget(domain);
    const isOfDomain = (name: string) => name.endsWith(`@${domain}`);
    for (const name of this.#kept.keys()) if (isOfDomain(name)) this.#kept.delete(name);
    this.#asked.forget(isOfDomain);
  }

  async #ask(user: string, domain: string): Promise<Answer> {
    const query = `SELECT s.username, s.domain, s.md5, s.sha256, s.escaped_md5, s.escaped_sha256, s.aliases, s.rules, s.generation, s.version, s.opened_at, s.tokens_since, d.name, d.settings
      FROM domains d LEFT JOIN subscribers s ON s.domain = d.name
      AND s.username = COALESCE((SELECT username FROM aliases WHERE domain = d.name AND alias = ?1), ?1) WHERE d.name = ?2`;
    const row = await answerOf(
      this.#database
        .prepare(query)
        .bind(nameOfUser(user) ?? noName, domain)
        .first<SubscriberColumns & { settings: string }>(),
    );
    if (row === null) return { kind: "foreign" };
    const settings = domainSettingsOf(row.settings);
    this.#noteSettings(domain, settings);
    return row.username === null ? { kind: "unknown", settings } : { kind: "subscriber", subscriber: subscriberOf(row), settings };
  }

  #keep(name: string, answer: Answer): void {
    const lifetime = answer.kind === "subscriber" && answer.subscriber.opened ? keptOpened : keptOther;
    this.#kept.delete(name);
    const now = Date.now();
    this.#kept.set(name, { answer, at: now, until: now + lifetime });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > maximumKept && oldest.done !== true) this.#kept.delete(oldest.value);
  }
}

/** The keyring of an environment's keys; undefined if there is none. */
export function keyringFor(environment: Environment): Keyring | undefined {
  const { sealKeys } = readConfiguration(environment);
  return sealKeys.length === 0 ? undefined : keyringOf(sealKeys);
}

/** The directory of an isolate. */
export const directoryOf = oneInIsolate((environment: Environment) => {
  const { copyLastResort } = readConfiguration(environment);
  return new Directory(environment.DIRECTORY, () => keyringFor(environment), copyLastResort * 1000);
});
