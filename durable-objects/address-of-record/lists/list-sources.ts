import { readRecipientList } from "../../../lib/presence/recipient-list.ts";
import type { ListName, ResourceList } from "../../../lib/presence/resource-list.ts";
import { type Fault, fault, isFault, limitReached } from "../../../lib/syntax/fault.ts";
import { decodedText } from "../../../lib/syntax/octets.ts";
import { type Request, bodyOf } from "../../../lib/syntax/message.ts";
import { TokenBucket } from "../../../platform/token-bucket.ts";
import type { Room } from "../room.ts";
import { available } from "../../../platform/directory/available.ts";

/** Milliseconds that a home stays registered for changes of a list beyond the subscription. */
const watchedLonger = 86_400_000;
/** Queries to the directory that phones may cause at once, and per second after that. */
const maxQuestions = 30;
const questionsEachSecond = 2;

/** The source of lists: the directory. */
export class ListSources {
  readonly #room: Room;
  readonly #questions = new TokenBucket(maxQuestions, questionsEachSecond);

  constructor(room: Room) {
    this.#room = room;
  }

  /** Whether a phone's request may cause a query: the directory is shared by all. */
  mayAsk(now: number): boolean {
    return this.#questions.take(now);
  }

  /** A list that a phone subscribes to. */
  async asked(name: ListName, now: number): Promise<ResourceList | Fault> {
    return this.mayAsk(now) ? this.found(name, now) : limitReached(480, "lists are requested too often", [["Retry-After", "5"]]);
  }

  /** The list in the directory, which notifies this home of changes from now on. 404 if there is none. */
  async found(name: ListName, now: number): Promise<ResourceList | Fault> {
    const { home, directory, configuration } = this.#room;
    const until = now + configuration.subscriptions.maximumExpires * 1000 + watchedLonger;
    const list = await available(async () => {
      const found = await directory.list(home.domain, name.owner === undefined ? name : { ...name, owner: home.user });
      if (found === undefined || name.owner !== undefined) return found;
      await directory.watchList(home.domain, name.name, home.name, until);
      // It may have changed before this home was registered for changes.
      return directory.list(home.domain, name);
    });
    return list ?? fault(404, "there is no such list");
  }
}

/** The list in the body of a SUBSCRIBE (RFC 5367 §4). */
export function requestList(request: Request): ResourceList | Fault {
  const entries = readRecipientList(request, decodedText(bodyOf(request)));
  return isFault(entries) ? entries : { entries, version: 0 };
}
