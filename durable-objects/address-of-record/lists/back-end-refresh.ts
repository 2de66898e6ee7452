import {
  type Answer,
  type BackEnd,
  answered,
  composeSubscribe,
  isNews,
  never,
  newBackEnd,
  notified,
  readNotified,
  renewed,
} from "../../../lib/presence/back-end.ts";
import { canonicalResource } from "../../../lib/presence/resource-list.ts";
import type { ListSubscription } from "../../../lib/presence/list-subscription.ts";
import { transactionName } from "../../../lib/proxy/branch.ts";
import { type Request, bodyOf } from "../../../lib/syntax/message.ts";
import { decodedText } from "../../../lib/syntax/octets.ts";
import type { RequestEnvelope } from "../../../lib/transport/envelope.ts";
import { TokenBucket } from "../../../platform/token-bucket.ts";
import { randomText } from "../../../platform/crypto/random.ts";
import type { Room } from "../room.ts";
import { type BackEndSubscription, readAnswer } from "./back-end-subscription.ts";
import type { BackEnds } from "./back-ends.ts";

/** Maximum requests in progress: each may query the directory, and other work needs its turn between them. */
const maxUnderWay = 8;
/** Requests at once, and per second after that: changing lists must not cause requests without limit. */
const maxAtOnce = 1000;
const allowedEachSecond = 5;
/** Milliseconds that a resource which was refused stays known after no list needs it: until then it takes its place among all resources. */
const refusedFor = 60_000;
/** Milliseconds after which a SUBSCRIBE without an answer may be sent again. */
const patience = 40_000;
/** Milliseconds after which a SUBSCRIBE is sent again if nothing is known yet, in case of an eviction. */
const lookAgainAfter = 5000;

/** Keeps one back-end subscription for each resource that a list of this user needs, and no others. */
export class BackEndRefresh {
  readonly #room: Room;
  readonly #backEnds: BackEnds;
  readonly #requester: BackEndSubscription;
  readonly #lists: () => readonly ListSubscription[];
  readonly #changed: () => void;
  /** Those to subscribe to, by Call-ID. */
  readonly #waiting = new Set<string>();
  /** When the SUBSCRIBEs without an answer were sent, by Call-ID. */
  readonly #asked = new Map<string, number>();
  #underWay = 0;
  readonly #allowance = new TokenBucket(maxAtOnce, allowedEachSecond);

  /** @param changed is called when the state of a resource changes */
  constructor(
    room: Room,
    backEnds: BackEnds,
    requester: BackEndSubscription,
    lists: () => readonly ListSubscription[],
    changed: () => void,
  ) {
    this.#room = room;
    this.#backEnds = backEnds;
    this.#requester = requester;
    this.#lists = lists;
    this.#changed = changed;
  }

  /** Lists have changed, or time has passed: subscribes to what is needed, and ends what is not. */
  look(now: number): void {
    const needed = new Set<string>();
    for (const { event, entries } of this.#lists()) {
      for (const { resource } of entries) {
        needed.add(`${event} ${resource}`);
        this.#need(event, resource, now);
      }
    }
    for (const backEnd of this.#backEnds.all()) {
      if (!needed.has(`${backEnd.event} ${backEnd.resource}`)) this.#endOrKeep(backEnd, now);
    }
    this.#work();
  }

  /** Subscribes again to refused resources: their owner may have allowed it since. */
  tryAgain({ event, entries }: ListSubscription, now: number): void {
    for (const { resource } of entries) {
      const known = this.#backEnds.get(event, resource);
      if (known?.state === "terminated") this.#backEnds.put({ ...known, due: now });
    }
  }

  /** How many resources there would be with those of another list. */
  countWith(event: BackEnd["event"], entries: readonly { readonly resource: string }[]): number {
    const others = new Set(
      entries.filter(({ resource }) => this.#backEnds.get(event, resource) === undefined).map(({ resource }) => resource),
    );
    return this.#backEnds.all().length + others.size;
  }

  /** A NOTIFY of a resource (RFC 6665 §4.1.3): returns the status to answer it with. */
  notified(
    envelope: RequestEnvelope,
    notify: Request,
    tags: { readonly from: string; readonly to: string },
    cseq: number,
    now: number,
  ): number {
    const known = this.#backEnds.byCallId(callIdOf(notify));
    // A dialog from before an eviction, or one that is no longer needed, ends here.
    if (known === undefined || known.localTag !== tags.to || (known.remote !== undefined && known.remote.tag !== tags.from)) return 481;
    if (cseq <= known.notified && known.remote !== undefined) return 200;
    const body = decodedText(bodyOf(notify));
    this.#save(known, notified(known, readNotified(notify, cseq, body, envelope.recordRoute), now), now);
    this.#work();
    return 200;
  }

  /** A late answer to a SUBSCRIBE. */
  response(callId: string, { status, text }: { readonly status: number; readonly text: string }, now: number) {
    if (status >= 200) this.#answered(callId, readAnswer(status, text), now);
  }

  #need(event: BackEnd["event"], resource: string, now: number): void {
    const known = this.#backEnds.get(event, resource);
    const backEnd = known ?? newBackEnd(event, resource, newNames(), now);
    if (known === undefined) this.#backEnds.put(backEnd);
    const isUnderWay = now - (this.#asked.get(backEnd.callId) ?? 0) < patience;
    if (backEnd.due <= now && !isUnderWay) this.#waiting.add(backEnd.callId);
    // After an eviction it is missing: the alarm sends the SUBSCRIBE again.
    else if (backEnd.state === undefined && now - backEnd.created < patience) this.#room.alarm.noLaterThan(now + lookAgainAfter);
    else if (backEnd.due < never) this.#room.alarm.noLaterThan(backEnd.due);
  }

  /** Each list of unknown names costs a lookup and a row for each of them: a user can only have so many in a minute. */
  #endOrKeep(backEnd: BackEnd, now: number): void {
    const isRefused = backEnd.state === "terminated" && backEnd.remote === undefined;
    if (!isRefused || now - backEnd.created >= refusedFor) return this.#end(backEnd, now);
    this.#room.alarm.noLaterThan(backEnd.created + refusedFor, refusedFor);
  }

  /** Its further notifications are answered with 481, which ends it too. */
  #end(backEnd: BackEnd, now: number): void {
    this.#backEnds.remove(backEnd);
    this.#waiting.delete(backEnd.callId);
    this.#asked.delete(backEnd.callId);
    if (backEnd.remote === undefined || backEnd.expires <= now) return;
    this.#send(backEnd, 0, now).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  #work(): void {
    for (const callId of this.#waiting) {
      const now = Date.now();
      if (this.#underWay >= maxUnderWay || !this.#mayAsk(now)) return;
      this.#waiting.delete(callId);
      const known = this.#backEnds.byCallId(callId);
      if (known === undefined) continue;
      const hasEnded = known.remote === undefined && known.body !== undefined;
      const backEnd = hasEnded ? renewed(known, newNames(), now) : known;
      if (hasEnded) this.#backEnds.put(backEnd);
      this.#underWay += 1;
      this.#asked.set(backEnd.callId, now);
      void this.#ask(backEnd, now);
    }
  }

  #mayAsk(now: number): boolean {
    const may = this.#allowance.take(now);
    if (!may) this.#room.alarm.noLaterThan(now + lookAgainAfter, lookAgainAfter);
    return may;
  }

  async #ask(backEnd: BackEnd, now: number): Promise<void> {
    const { callId } = backEnd;
    this.#room.alarm.noLaterThan(now + lookAgainAfter, lookAgainAfter);
    try {
      const answer = await this.#send(backEnd, this.#room.configuration.subscriptions.maximumExpires, now);
      if (answer === undefined) this.#room.alarm.noLaterThan(Date.now() + patience, patience);
      else this.#answered(callId, answer, Date.now());
    } catch (error) {
      this.#room.log.note(Date.now(), "-", String(error));
      this.#answered(callId, { status: 500, response: undefined }, Date.now());
    }
    this.#underWay -= 1;
    this.#work();
  }

  async #send(backEnd: BackEnd, expires: number, now: number): Promise<Answer | undefined> {
    if (canonicalResource(backEnd.resource) === undefined) return { status: 416, response: undefined };
    const { home, keyring } = this.#room;
    const branch = `z9hG4bK${transactionName(keyring, home.name, `${backEnd.callId} ${now}`, "list")}`;
    const watcher = `sip:${home.user}@${home.domain}`;
    const text = composeSubscribe(backEnd, { watcher, host: home.domain, branch, expires, now });
    return this.#requester.send(text, branch, backEnd.callId);
  }

  #answered(callId: string, answer: Answer, now: number): void {
    this.#asked.delete(callId);
    const known = this.#backEnds.byCallId(callId);
    if (known === undefined) return;
    this.#save(known, answered(known, answer, now), now);
  }

  #save(before: BackEnd, after: BackEnd, now: number): void {
    const isNew = isNews(before, after);
    this.#backEnds.put(isNew ? { ...after, stamp: this.#backEnds.nextStamp(now) } : after);
    if (after.due <= now) this.#waiting.add(after.callId);
    if (isNew) this.#changed();
  }
}

function newNames() {
  return { instance: randomText(), callId: randomText(), localTag: randomText() };
}

function callIdOf(request: Request): string {
  const line = request.lines.find(({ name }) => name === "call-id");
  return line === undefined ? "" : request.text.slice(line.valueAt, line.end).trim();
}
