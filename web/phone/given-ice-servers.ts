import { type Account, askApi } from "./account.ts";
import { isAccepted } from "./ice-servers.ts";

/** An answer of the server; times in milliseconds since 1970. */
interface Given {
  readonly servers: readonly RTCIceServer[];
  readonly freshUntil: number;
  readonly validUntil: number;
}

/** Milliseconds that a call waits for new servers. */
const patience = 2000;
/** Seconds until the next question: after a failure, and at least and at most. */
const [afterFailure, minPause, maxPause] = [60, 30, 86_400] as const;

/** The ICE servers of an account: those that the user has written, and those that the server gives, whose credentials are renewed. */
export class GivenIceServers {
  readonly #account: () => Account;
  readonly #renewed: (servers: RTCIceServer[]) => void;
  #given: Given | undefined;
  #asking: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: "new" | "open" | "closed" = "new";

  /** @param renewed gets all servers when the server has given new ones */
  constructor(account: () => Account, renewed: (servers: RTCIceServer[]) => void) {
    this.#account = account;
    this.#renewed = renewed;
  }

  /** The credentials are right: from now on the server is asked. */
  open(): void {
    if (this.#state !== "new") return;
    this.#state = "open";
    void this.#ask();
  }

  close(): void {
    this.#state = "closed";
    clearTimeout(this.#timer);
  }

  /** For a new call: not older than the server wants them to be, if it answers soon. */
  async forCall(): Promise<RTCConfiguration> {
    const isFresh = this.#given !== undefined && Date.now() < this.#given.freshUntil;
    if (this.#state === "open" && !isFresh) await Promise.race([this.#ask(), new Promise((resume) => setTimeout(resume, patience))]);
    return { iceServers: this.#servers() };
  }

  /** Without credentials that have expired. */
  #servers(): RTCIceServer[] {
    const given = this.#given !== undefined && Date.now() < this.#given.validUntil ? this.#given.servers : [];
    return [...this.#account().ice, ...given];
  }

  /** Once for all who wait. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    clearTimeout(this.#timer);
    const answer = await ask(this.#account());
    if (this.#state === "closed" || answer === "refused") return;
    if (answer !== "failed") {
      this.#given = answer;
      this.#renewed(this.#servers());
    }
    const seconds = answer === "failed" ? afterFailure : (answer.freshUntil - Date.now()) / 1000;
    this.#timer = setTimeout(() => void this.#ask(), Math.min(Math.max(seconds, minPause), maxPause) * 1000);
  }
}

/** A server that refuses is not asked again: its answer would be the same, and wrong credentials are counted. */
async function ask(account: Account): Promise<Given | "refused" | "failed"> {
  try {
    const answer = await askApi(account, "/ice-servers");
    if (answer.ok) return read(await answer.json(), Date.now());
    return answer.status >= 500 || answer.status === 429 ? "failed" : "refused";
  } catch {
    // Not reached, or not JSON: calls use what there is.
    return "failed";
  }
}

function read(answer: unknown, now: number): Given | "failed" {
  const { iceServers, ttl, refresh_after: refreshAfter } = answer as Readonly<Record<string, unknown>>;
  if (!Array.isArray(iceServers) || typeof ttl !== "number" || typeof refreshAfter !== "number") return "failed";
  const servers = (iceServers as RTCIceServer[]).filter(isAccepted);
  return { servers, freshUntil: now + refreshAfter * 1000, validUntil: now + ttl * 1000 };
}
