import { type Exchange, exchangeOf, negotiates } from "../../lib/media/exchange.ts";
import { type MediaService, type ReadMediaService, type TrunkMedia, defaultTrunkMedia } from "../../lib/media/media-service.ts";
import type { PressedKey } from "../../lib/media/key-in-info.ts";
import { type Towards, convertingCommand, deletingCommand, pressingCommand, queryingCommand } from "../../lib/media/ng.ts";
import { profileOf } from "../../lib/media/profile.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { sessionDescriptionOf, withBody } from "../../lib/syntax/body.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Message } from "../../lib/syntax/message.ts";
import { textHash } from "../../lib/syntax/text-hash.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { AskRtpengine } from "../../platform/media/rtpengine.ts";
import { UnavailableServers } from "../../platform/unavailable-servers.ts";
import { SessionOrder } from "./session-order.ts";
import { incompatible } from "./media-refusals.ts";

/** Calls whose media are known. */
const maxCalls = 5000;

/** Seconds for which others are asked before a service that did not answer. */
const retryAfter = 30;

/** What the conversion of media needs of its connection. */
export interface MediaSurroundings {
  /** The name of the object. */
  readonly name: HomeName;
  readonly ask: AskRtpengine;
  trunk(): Promise<Trunk | undefined>;
  services(domain: string): Promise<readonly ReadMediaService[]>;
}

/** A call whose media are known: converted by a service, or not at all. */
interface KnownCall {
  readonly service: string | undefined;
}

/** A trunk with the services that may convert its media, the first one first. */
interface MediaOfTrunk {
  readonly trunk: Trunk;
  readonly media: TrunkMedia;
  readonly services: readonly MediaService[];
}

/**
 * Converts the session descriptions of a trunk's calls: every message of a call passes this object, so no other has to know of it. What is
 * known of a call may be lost with the connection; the service knows its sessions.
 */
export class MediaBridge {
  readonly #around: MediaSurroundings;
  readonly #calls = new Map<string, KnownCall>();
  /** The questions that end sessions, by Call-ID: a call that begins again with the same Call-ID waits for them. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #order = new SessionOrder();
  readonly #resume = new Set<() => void>();
  readonly #unavailable = new UnavailableServers();

  constructor(around: MediaSurroundings) {
    this.#around = around;
  }

  /** The messages of a call keep their order, though some wait for a service. @param octets of the message */
  inOrder<Result>(callId: string, octets: number, task: () => Promise<Result>): Promise<Result> {
    if (this.#order.isBusy(callId)) this.#waits();
    return this.#order.run(callId, octets, task);
  }

  /** Whether another message of a call may wait. */
  hasRoom(callId: string, octets: number): boolean {
    return this.#order.hasRoom(callId, octets);
  }

  /** Calls back once, when a message begins to wait for a service, or for another message of its call. Returns how to forget that. */
  onWait(resume: () => void): () => void {
    this.#resume.add(resume);
    return () => void this.#resume.delete(resume);
  }

  #waits(): void {
    for (const resume of this.#resume) resume();
    this.#resume.clear();
  }

  /**
   * The message with a session description that its receiver understands; a fault if there cannot be one.
   * @param hadOffer of a response: whether its request had a session description
   */
  async convert(message: Message, mandatory: MandatoryHeaders, to: Towards, hadOffer = true): Promise<string | Fault> {
    const { method } = mandatory.cseq;
    const description = negotiates(method) ? sessionDescriptionOf(message) : undefined;
    const of = description === undefined ? undefined : await this.#mediaOfTrunk();
    if (description === undefined || of === undefined) return message.text;
    const exchange = exchangeOf(message, mandatory, hadOffer);
    const isWithin = message.kind === "request" && mandatory.toTag !== undefined;
    const refusal = this.#refusalOf(of, description, to, isWithin || exchange.kind === "answer");
    if (refusal !== undefined) return refusal;
    this.#waits();
    await this.#ending.get(mandatory.callId);
    const known =
      this.#calls.get(mandatory.callId) ??
      (method === "INVITE" ? await this.#decide(of, exchange, description, to, isWithin) : await this.#found(of, exchange));
    if (isFault(known)) return known;
    if (method === "INVITE" || known.service !== undefined) this.#remember(mandatory.callId, known);
    if (known.service === undefined) return message.text;
    const converted = await this.#ask(of, exchange, description, to, known.service);
    return typeof converted === "string" ? withBody(message, converted) : converted;
  }

  /** Presses a key in the audio of a call, if the trunk wants that and a service converts the call; false if the INFO has to go on. */
  async presses(key: PressedKey, { callId, fromTag = "" }: MandatoryHeaders): Promise<boolean> {
    const of = await this.#mediaOfTrunk();
    if (of?.media.dtmf !== "rfc4733") return false;
    const known = this.#calls.get(callId)?.service;
    const service = of.services.find(({ name }) => name === known);
    // The other messages of the call wait for this.
    if (service === undefined || this.#unavailable.has(service.name, Date.now())) return false;
    const answer = await this.#around.ask(service, pressingCommand(this.#sessionOf(callId), fromTag, key)).catch((error: unknown) => {
      this.#log(`the media service ${service.name} cannot be reached`, error);
      this.#unavailable.remember(service.name, retryAfter, Date.now());
      return undefined;
    });
    return answer?.isOk === true;
  }

  /** The trunk's server has refused a call: whether for its media, which nothing converts. */
  async isIncompatible(callId: string): Promise<boolean> {
    const of = await this.#mediaOfTrunk();
    return of !== undefined && of.media.profile === "auto" && of.services.length === 0 && this.#calls.get(callId)?.service === undefined;
  }

  /** A call is over: its session ends. If the call is not known, perhaps because memory was lost, all services are told. */
  over(callId: string): void {
    const known = this.#calls.get(callId);
    this.#calls.delete(callId);
    if (known !== undefined && known.service === undefined) return;
    const ending: Promise<void> = this.#delete(callId, known?.service)
      .catch((error: unknown) => this.#log("a session could not be ended", error))
      .finally(() => (this.#ending.get(callId) === ending ? this.#ending.delete(callId) : undefined));
    this.#ending.set(callId, ending);
  }

  async #delete(callId: string, name: string | undefined): Promise<void> {
    const of = await this.#mediaOfTrunk();
    if (of === undefined || (name === undefined && of.media.profile === "webrtc")) return;
    const told = of.services.filter((service) => name === undefined || name === anyService || service.name === name);
    await Promise.all(told.map((service) => this.#around.ask(service, deletingCommand(this.#sessionOf(callId)))));
  }

  /** Whether the media of a call are converted. */
  async #decide(of: MediaOfTrunk, exchange: Exchange, description: string, to: Towards, isWithin: boolean): Promise<KnownCall | Fault> {
    const { media, services } = of;
    const profile = profileOf(description);
    if (services.length === 0 || media.profile === "webrtc" || profile === undefined) return plain;
    const isForeign = to === "phone" ? profile !== "webrtc" : media.profile === "auto" ? profile === "webrtc" : profile !== media.profile;
    const isFresh = exchange.kind === "offer" && !isWithin;
    const found = isFresh ? plain : await this.#found(of, exchange);
    if (isFault(found) || found.service !== undefined) return found;
    const isKnownSide = isFresh || (to === "trunk" && media.profile !== "auto");
    return isKnownSide && isForeign ? { service: anyService } : plain;
  }

  /** By the service that knows the call, if there is one; of an offer it has to know the end that makes it. */
  async #found({ media, services }: MediaOfTrunk, { callId, kind, offerer, answerer }: Exchange): Promise<KnownCall | Fault> {
    if (media.profile === "webrtc") return plain;
    for (const service of services) {
      const answer = await this.#around.ask(service, queryingCommand(this.#sessionOf(callId))).catch(() => undefined);
      if (answer?.isOk !== true) continue;
      const isOfIt = kind === "answer" || answer.tags.includes(offerer) || answerer === "";
      return isOfIt ? { service: service.name } : fault(481, "the media of this call are those of another dialog");
    }
    return plain;
  }

  /** RFC 3261 §20.43: the two sides have no media in common, and nothing converts them. */
  #refusalOf({ trunk, media, services }: MediaOfTrunk, description: string, to: Towards, isWithin: boolean): Fault | undefined {
    if (to === "phone" || isWithin || services.length > 0 || media.profile === "auto") return undefined;
    const profile = profileOf(description);
    return profile === undefined || profile === media.profile ? undefined : incompatible(profile, media.profile, trunk.name);
  }

  /** The service that has the session is asked first; another one makes a new session for an offer. */
  async #ask(of: MediaOfTrunk, exchange: Exchange, description: string, to: Towards, name: string): Promise<string | Fault> {
    const { media, services } = of;
    const available = this.#unavailable.last(services, Date.now());
    const ordered = [...available].sort((one, other) => Number(other.name === name) - Number(one.name === name));
    let why = "the domain has no media service";
    let isAway = true;
    for (const service of ordered) {
      const command = convertingCommand(exchange, description, to, { session: this.#sessionOf(exchange.callId), media, service });
      const answer = await this.#around.ask(service, command).catch((error: unknown) => {
        this.#log(`the media service ${service.name} cannot be reached`, error);
        this.#unavailable.remember(service.name, retryAfter, Date.now());
        return undefined;
      });
      if (answer?.isOk === true && answer.description !== "") {
        this.#remember(exchange.callId, { service: service.name });
        return answer.description;
      }
      isAway &&= answer === undefined;
      if (answer !== undefined) why = answer.why;
    }
    if (isAway) return fault(500, "the media service cannot be reached", [["Retry-After", "10"]]);
    return fault(488, `the media service could not convert the media: ${why}`);
  }

  async #mediaOfTrunk(): Promise<MediaOfTrunk | undefined> {
    const trunk = await this.#around.trunk();
    if (trunk === undefined) return undefined;
    const media = trunk.media ?? defaultTrunkMedia;
    const all = (await this.#around.services(trunk.domain)).filter(({ isLost }) => !isLost).map(({ service }) => service);
    const services = all.filter(({ name }) => media.service === "" || media.service === name);
    return { trunk, media, services: services.sort((one, other) => one.priority - other.priority) };
  }

  /** A call that goes by two trunks has two sessions. */
  #sessionOf(callId: string): string {
    return `${callId} ${textHash(this.#around.name)}`;
  }

  #remember(callId: string, known: KnownCall): void {
    this.#calls.delete(callId);
    this.#calls.set(callId, known);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > maxCalls && oldest !== undefined) this.#calls.delete(oldest);
  }

  #log(note: string, error: unknown): void {
    console.error(JSON.stringify({ note, hop: this.#around.name, error: String(error) }));
  }
}

const plain: KnownCall = { service: undefined };
/** The first service that takes the offer. No service has this name. */
const anyService = "";
