import type { Trunk } from "../../lib/routing/trunk.ts";

/** Where our registration is now, and when (milliseconds) the server that has sent it there is asked again. */
interface Redirection {
  /** The name of the object with the connection. */
  readonly to: string;
  readonly renewAt: number;
}

/** What is needed of the object. */
export interface RedirectedTrunk {
  readonly storage: DurableObjectStorage;
  /** Has the first of these servers that may be used register us. @returns the name of its object */
  redirect(trunk: Trunk, contacts: readonly string[]): Promise<string | undefined>;
  /** The server that was told to register us need not any more. @param former the trunk before it was deleted */
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
   * @returns until when, in milliseconds; undefined if none of these servers may be used
   */
  async follow(trunk: Trunk, contacts: readonly string[], seconds: number): Promise<number | undefined> {
    const before = await this.to();
    const to = await this.#redirected.redirect(trunk, contacts);
    if (before !== undefined && before !== to) await this.leave();
    if (to === undefined) return undefined;
    const redirection: Redirection = { to, renewAt: Date.now() + seconds * 1000 };
    await this.#redirected.storage.put("redirection", redirection);
    return redirection.renewAt;
  }

  /** This server is to be asked again at once: the trunk's settings have changed. */
  async askAgain(): Promise<void> {
    const kept = await this.#kept();
    if (kept !== undefined) await this.#redirected.storage.put<Redirection>("redirection", { ...kept, renewAt: 0 });
  }

  /** The other server is to register us no more. @param former the trunk before it was deleted */
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
