import type { RTCSession } from "jssip/lib/RTCSession";
import type { Line } from "./line.ts";
import type { Call } from "./state.ts";

/** Why a call takes the place of another: we were transferred, or the other side was. */
type Succession = "transfer" | "replacement";

/** Milliseconds that the one who transfers us has to hang up, when the new call is answered. */
const hangUpLimit = 5000;

/** The calls of a phone. The user deals with one of them; the others are held. */
export class Lines {
  readonly #changed: () => void;
  readonly #successors = new Map<RTCSession, Succession>();
  /** Their other sides have gone on to another call. */
  readonly #replaced = new WeakSet<Line>();
  #lines: readonly Line[] = [];
  #selected: Line | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get calls(): readonly Call[] {
    return this.#lines.map(({ call }) => call);
  }

  get selected(): Line | undefined {
    return this.#selected;
  }

  find(id: string): Line | undefined {
    return this.#lines.find(({ call }) => call.id === id);
  }

  forEach(work: (line: Line) => void): void {
    for (const line of this.#lines) work(line);
  }

  /** A call that rings does not take the place of one in progress. */
  add(line: Line): void {
    this.#lines = [...this.#lines, line];
    const isOurs = line.call.direction === "outgoing" || this.#selected === undefined;
    if (isOurs) this.select(line);
    else this.#changed();
  }

  remove(line: Line): void {
    this.#lines = this.#lines.filter((other) => other !== line);
    if (this.#selected === line) this.#selected = this.#lines.at(-1);
    this.#changed();
  }

  /** The user deals with this call from now on: the others that are answered are held. */
  select(line: Line): void {
    this.#selected = line;
    for (const other of this.#lines) if (other !== line && !other.call.isHeld && !this.#replaced.has(other)) other.hold(true);
    this.#changed();
  }

  /** A call that was placed before another one was taken is held when it is answered. */
  answered(line: Line): void {
    if (this.#selected === line) return;
    if (this.#selected?.call.phase === "talking") line.hold(true);
    else this.select(line);
  }

  changed(): void {
    this.#changed();
  }

  /** A session that comes now takes the place of a call. */
  expect(session: RTCSession, why: Succession, line: Line): void {
    this.#successors.set(session, why);
    if (why === "transfer") return void session.on("accepted", () => setTimeout(() => line.hangUp(), hangUpLimit));
    this.#replaced.add(line);
    if (this.#selected === line) this.#selected = undefined;
  }

  /** Why a session takes the place of a call; undefined if it is a call of its own. */
  takeSuccessor(session: RTCSession): Succession | undefined {
    const why = this.#successors.get(session);
    this.#successors.delete(session);
    return why;
  }
}
