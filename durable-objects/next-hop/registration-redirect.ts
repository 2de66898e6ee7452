import type { Trunk } from "../../lib/routing/trunk.ts";
import type { Redirected } from "../shared/trunk-failover.ts";

/** Where our registration is now, when (milliseconds) the server that has sent it there is asked again, and where else it may go. */
interface Redirection extends Redirected {
  readonly renewAt: number;
}

/** Seconds for which a 3xx counts at most: the server that it names may not be the best one for long. */
const longest = 3600;

/** What is needed of the object. */
export interface RedirectedTrunk {
  readonly storage: DurableObjectStorage;
  /** Has the first of these servers that may be used register us. */
  redirect(trunk: Trunk, contacts: readonly string[]): Promise<Redirected | undefined>;
  /** The server that was told to register us need not any more. @param former the trunk before it was changed */
  endRedirect(name: string, former: Trunk | undefined): Promise<void>;
}

/** What a server has said by a 3xx to our REGISTER (RFC 3261 §8.1.3.4); kept while the object sleeps. */
export class RegistrationRedirect {
  readonly #redirected: RedirectedTrunk;

  constructor(redirected: RedirectedTrunk) {
    this.#redirected = redirected;
  }

  /** The object that registers us. */
  async to(): Promise<string | undefined> {
    return (await this.#kept())?.to;
  }

  /** Until when (milliseconds) this server need not be asked; undefined if it is to be asked now. */
  async lasts(now: number): Promise<number | undefined> {
    const renewAt = (await this.#kept())?.renewAt ?? 0;
    return renewAt > now ? renewAt : undefined;
  }

  /**
   * @param seconds for which it counts
   * @param former the trunk before it was changed
   * @returns until when, in milliseconds; undefined if none of these servers may be used
   */
  async follow(trunk: Trunk, contacts: readonly string[], seconds: number, former: Trunk | undefined): Promise<number | undefined> {
    const [before, found] = [await this.to(), await this.#redirected.redirect(trunk, contacts)];
    if (before !== found?.to) await this.leave(former);
    if (found === undefined) return undefined;
    const renewAt = Date.now() + Math.min(seconds, longest) * 1000;
    await this.#redirected.storage.put<Redirection>("redirection", { ...found, renewAt });
    return renewAt;
  }

  /** The server that was named cannot register us: the next one is to. @returns whether there is one */
  async failed(trunk: Trunk): Promise<boolean> {
    const { rest = [], renewAt = 0 } = (await this.#kept()) ?? {};
    await this.leave();
    const found = await this.#redirected.redirect(trunk, rest);
    if (found !== undefined) await this.#redirected.storage.put<Redirection>("redirection", { ...found, renewAt });
    return found !== undefined;
  }

  /** This server is to be asked again at once: the trunk's settings have changed. */
  async askAgain(): Promise<void> {
    const kept = await this.#kept();
    if (kept !== undefined) await this.#redirected.storage.put<Redirection>("redirection", { ...kept, renewAt: 0 });
  }

  /** The other server is to register us no more. @param former the trunk before it was changed */
  async leave(former?: Trunk): Promise<void> {
    const to = await this.to();
    if (to === undefined) return;
    await this.#redirected.storage.delete("redirection");
    await this.#redirected.endRedirect(to, former);
  }

  #kept(): Promise<Redirection | undefined> {
    return this.#redirected.storage.get<Redirection>("redirection");
  }
}
