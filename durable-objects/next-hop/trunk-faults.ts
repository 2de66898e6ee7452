import type { Trunk } from "../../lib/routing/trunk.ts";

/** The server does not register us, or does not answer OPTIONS as one that can be used. */
export type TrunkFault = "registration" | "options";

/** What is needed of the object. */
export interface FaultyTrunk {
  readonly storage: DurableObjectStorage;
  /** Tells the web hooks of the domain. @param fault what has failed; undefined if the server can be used again */
  announce(trunk: Trunk, fault: TrunkFault | undefined): void;
  /** Faults of other settings of the trunk count no more. */
  forgetFaults(): void;
}

/** What has failed at a trunk's server; kept while the object sleeps. */
export class TrunkFaults {
  readonly #faulty: FaultyTrunk;
  /** Undefined until they are read. */
  #faults: readonly TrunkFault[] | undefined;

  constructor(faulty: FaultyTrunk) {
    this.#faulty = faulty;
  }

  /** The first fault, and the end of the last one, are told to web hooks, once each. */
  async note(trunk: Trunk, fault: TrunkFault, isFaulty: boolean): Promise<void> {
    const before = await this.#read();
    if (before.includes(fault) === isFaulty) return;
    this.#faults = isFaulty ? [...before, fault] : before.filter((one) => one !== fault);
    if (this.#faults.length === 0) await this.#faulty.storage.delete("faults");
    else await this.#faulty.storage.put("faults", this.#faults);
    if (before.length === 0) this.#faulty.announce(trunk, fault);
    else if (this.#faults.length === 0) this.#faulty.announce(trunk, undefined);
  }

  async forget(): Promise<void> {
    const before = await this.#read();
    this.#faults = [];
    if (before.length === 0) return;
    await this.#faulty.storage.delete("faults");
    this.#faulty.forgetFaults();
  }

  async #read(): Promise<readonly TrunkFault[]> {
    return (this.#faults ??= (await this.#faulty.storage.get<readonly TrunkFault[]>("faults")) ?? []);
  }
}
