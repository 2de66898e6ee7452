import { describe, expect, it } from "vitest";
import { cancelContext, openContext, flowRegistered, flowFailed, receiveResponse } from "../../../../../lib/proxy/response-context/fork.ts";
import type { Decision, Effect, ResponseContext } from "../../../../../lib/proxy/response-context/context.ts";
import { isFinished } from "../../../../../lib/proxy/response-context/state.ts";
import { answerTo, envelope, now, target, timers, transaction } from "../support.ts";

const until = now + 30_000;
const elsewhere = 'SIP;cause=200;text="Call completed elsewhere"';

/** Plays a request to phones, step by step, and writes down each effect as one word and a number. */
class Scenario {
  context: ResponseContext;
  #told: string[] = [];
  readonly #rung = new Set<number>();

  constructor(phones: readonly string[], method = "INVITE") {
    const targets = phones.map((phone) => target(phone, phone.startsWith("away") ? { host: undefined } : {}));
    const decision = openContext(envelope, method, targets, { now, until, timers });
    this.context = decision.context;
    this.#tell(decision);
  }

  responds(index: number, status: number): this {
    const response = { status, text: `${status} from ${index}`, wasProceeding: this.#rung.has(index) };
    if (status < 200) this.#rung.add(index);
    return this.#tell(receiveResponse(this.context, index, response, now, timers));
  }

  cancel(reason?: string): this {
    return this.#tell(cancelContext(this.context, { reason }, now, timers));
  }

  appears(phone: string, more: Parameters<typeof target>[1] = {}): this {
    return this.#tell(flowRegistered(this.context, target(phone, more), now + 5));
  }

  loses(phone: string): this {
    this.context = flowFailed(this.context, phone, { until });
    return this;
  }

  /** What has been done since this was last asked. */
  told(): string[] {
    return this.#told.splice(0);
  }

  #tell({ context, effects }: Decision): this {
    this.context = context;
    this.#told.push(...effects.map(word));
    return this;
  }
}

function word(effect: Effect): string {
  if (effect.kind === "answer") return `answer ${effect.status}${effect.text === undefined ? " ourselves" : ""}`;
  return `${effect.kind} ${effect.branch}${effect.kind === "cancel" && effect.reason !== undefined ? ` ${effect.reason}` : ""}`;
}

const to = (...phones: readonly string[]): Scenario => new Scenario(phones);

describe("a context that is opened (RFC 3261 §16.6)", () => {
  it("forwards to all targets in parallel, and knows where to answer", () => {
    const scenario = to("one", "two");
    expect(scenario.told()).toEqual(["forward 0", "forward 1"]);
    expect(scenario.context).toMatchObject({ transaction, answerTo, method: "INVITE", final: 0 });
    expect(scenario.context.branches.map(({ phone, sent }) => [phone, sent])).toEqual([
      ["one", now],
      ["two", now],
    ]);
  });

  it("waits for phones that are away", () => {
    const scenario = to("one", "away");
    expect(scenario.told()).toEqual(["forward 0"]);
    expect(scenario.context.branches[1]).toMatchObject({ sent: 0, until, host: "" });
  });

  it("is plain data: it comes back from its row as it was", () => {
    const { context } = to("one", "away");
    expect({ ...(JSON.parse(JSON.stringify(context)) as ResponseContext), cancelled: undefined, unconfirmed: undefined }).toEqual(context);
  });
});

type Step = (scenario: Scenario) => Scenario;

/** What is done, and what is told because of it. */
const scenarios: Readonly<Record<string, readonly (readonly [Step, readonly string[]])[]>> = {
  "provisional responses go up, but for 100 (§16.7 step 5)": [
    [(two) => two.responds(0, 100), []],
    [(two) => two.responds(0, 180), ["answer 180"]],
    [(two) => two.responds(1, 183), ["answer 183"]],
    [(two) => two.responds(1, 180), ["answer 180"]],
  ],
  "the first 2xx goes up at once, and the others are cancelled (§16.7 steps 5 and 10)": [
    [(two) => two.responds(0, 180).responds(1, 180), ["answer 180", "answer 180"]],
    [(two) => two.responds(1, 200), ["answer 200", `cancel 0 ${elsewhere}`]],
    [(two) => two.responds(0, 487), []],
  ],
  "a second 2xx goes up as well (§16.7 step 5)": [
    [(two) => two.responds(0, 200), ["answer 200", `cancel 1 ${elsewhere}`]],
    [(two) => two.responds(1, 200), ["answer 200"]],
  ],
  "a 2xx sent again goes up again (RFC 6026 §7.2)": [
    [(two) => two.responds(0, 200), ["answer 200", `cancel 1 ${elsewhere}`]],
    [(two) => two.responds(0, 200), ["answer 200"]],
  ],
  "a final that is no 2xx waits for the others (§16.7 step 5)": [
    [(two) => two.responds(0, 486), []],
    [(two) => two.responds(1, 404), ["answer 486"]],
  ],
  "a final that is sent again changes nothing": [
    [(two) => two.responds(0, 486).responds(0, 486).responds(0, 404), []],
    [(two) => two.responds(1, 480), ["answer 486"]],
  ],
  "a 6xx ends the search, and goes up when the others are done (§16.7 step 5)": [
    [(two) => two.responds(1, 180), ["answer 180"]],
    [(two) => two.responds(0, 603), ["cancel 1"]],
    [(two) => two.responds(1, 487), ["answer 603"]],
  ],
  "a 2xx that crosses a 6xx still goes up (§16.7 step 5)": [
    [(two) => two.responds(0, 603), ["cancel 1"]],
    [(two) => two.responds(1, 200), ["answer 200"]],
  ],
  "a provisional response after the final does not go up": [
    [(two) => two.responds(0, 200), ["answer 200", `cancel 1 ${elsewhere}`]],
    [(two) => two.responds(1, 180), [`cancel 1 ${elsewhere}`]],
    [(two) => two.responds(1, 180), []],
  ],
  "the caller's CANCEL goes to all branches, and their 487 makes his (§16.10)": [
    [(two) => two.responds(0, 180).responds(1, 180), ["answer 180", "answer 180"]],
    [(two) => two.cancel("SIP;cause=600"), ["cancel 0 SIP;cause=600", "cancel 1 SIP;cause=600"]],
    [(two) => two.responds(0, 487), []],
    [(two) => two.responds(1, 487), ["answer 487"]],
  ],
  "a CANCEL without a Reason has none": [
    [(two) => two.responds(0, 180).cancel(), ["answer 180", "cancel 0", "cancel 1"]],
    [(two) => two.responds(1, 180), ["answer 180", "cancel 1"]],
  ],
  "a second CANCEL changes nothing": [
    [(two) => two.cancel(), ["cancel 0", "cancel 1"]],
    [(two) => two.cancel("again"), []],
  ],
  "an answer that crosses the CANCEL goes up (§9.1)": [
    [(two) => two.cancel(), ["cancel 0", "cancel 1"]],
    [(two) => two.responds(0, 200), ["answer 200"]],
    [(two) => two.responds(1, 487), []],
  ],
  "a CANCEL after the final changes nothing": [
    [(two) => two.responds(0, 486).responds(1, 486), ["answer 486"]],
    [(two) => two.cancel(), []],
  ],
  "a response of a branch that there is not changes nothing": [[(two) => two.responds(7, 200), []]],
};

describe("two phones are called", () => {
  it.each(Object.entries(scenarios))("%s", (_rule, steps) => {
    let scenario = to("one", "two");
    scenario.told();
    for (const [step, told] of steps) {
      scenario = step(scenario);
      expect(scenario.told()).toEqual(told);
    }
  });

  it("a CANCEL follows the first provisional response of its branch, once (§9.1)", () => {
    const scenario = to("one").cancel("SIP;cause=600");
    expect(scenario.told()).toEqual(["forward 0", "cancel 0 SIP;cause=600"]);
    expect(scenario.responds(0, 100).told()).toEqual(["cancel 0 SIP;cause=600"]);
    expect(scenario.responds(0, 180).told()).toEqual(["answer 180"]);
  });

  it("the late answer of a branch that was given up ends the call for the others", () => {
    const scenario = to("one", "two");
    const [first] = scenario.context.branches;
    if (first === undefined) throw new Error("there is no branch");
    scenario.context = {
      ...scenario.context,
      branches: scenario.context.branches.map((one) => (one.index === 0 ? { ...one, final: 408 } : one)),
    };
    scenario.told();
    expect(scenario.responds(0, 200).told()).toEqual(["answer 200", `cancel 1 ${elsewhere}`]);
    expect(scenario.responds(1, 486).told()).toEqual([]);
    expect(scenario.context.final).toBe(200);
  });

  it("all is over when the final has gone up", () => {
    const scenario = to("one", "two").responds(0, 486);
    expect(isFinished(scenario.context)).toBe(false);
    expect(isFinished(scenario.responds(1, 486).context)).toBe(true);
    expect(scenario.context.collect).toBe(now + timers.transaction);
  });
});

describe("requests that are no INVITE", () => {
  const message = (...phones: readonly string[]): Scenario => new Scenario(phones, "MESSAGE");

  it("the first 2xx goes up, no other, and nothing is cancelled (§9.1)", () => {
    const scenario = message("one", "two");
    scenario.told();
    expect(scenario.responds(1, 200).told()).toEqual(["answer 200"]);
    expect(scenario.responds(0, 202).told()).toEqual([]);
  });

  it("a 6xx waits for the others", () => {
    const scenario = message("one", "two");
    scenario.told();
    expect(scenario.responds(0, 603).told()).toEqual([]);
    expect(scenario.responds(1, 200).told()).toEqual(["answer 200"]);
  });
});

describe("phones that come and go while it rings", () => {
  it("a new one gets a branch of its own (§16.5)", () => {
    const scenario = to("one").responds(0, 180);
    scenario.told();
    expect(scenario.appears("two").told()).toEqual(["forward 1"]);
    expect(scenario.context.branches[1]).toMatchObject({ index: 1, phone: "two", sent: now + 5, host: "sip.example.com" });
  });

  it("one that was away gets its branch, by the host it comes by", () => {
    const scenario = to("away");
    expect(scenario.appears("away", { host: "other.example.com" }).told()).toEqual(["forward 0"]);
    expect(scenario.context.branches).toMatchObject([{ sent: now + 5, host: "other.example.com" }]);
  });

  it("one that comes back gets the same request: its host stays what it was, its contact may be new", () => {
    const scenario = to("one").responds(0, 180).loses("one");
    expect(scenario.context.branches).toMatchObject([{ sent: 0, until, host: "sip.example.com" }]);
    scenario.told();
    scenario.appears("one", { host: "other.example.com", contact: "sip:bob@new.invalid" });
    expect(scenario.told()).toEqual(["forward 0"]);
    expect(scenario.context.branches).toMatchObject([{ host: "sip.example.com", contact: "sip:bob@new.invalid" }]);
  });

  it.each<[string, (scenario: Scenario) => Scenario]>([
    ["the call is answered", (scenario) => scenario.responds(0, 200)],
    ["the caller has given up", (scenario) => scenario.cancel()],
    ["a phone has said that nobody is to be asked (§16.7 step 5)", (scenario) => scenario.responds(0, 603)],
  ])("none gets it once %s", (_when, end) => {
    const scenario = end(to("one", "two"));
    scenario.told();
    expect(scenario.appears("three").told()).toEqual([]);
    expect(scenario.appears("two").told()).not.toContain("forward 1");
    expect(scenario.context.branches).toHaveLength(2);
  });

  it("one that is cancelled and comes back hears the CANCEL again, which may have gone down with its socket", () => {
    const scenario = to("one", "two").cancel();
    scenario.told();
    expect(scenario.appears("two").told()).toEqual(["cancel 1"]);
  });

  it("one that has refused does not get it again", () => {
    const scenario = to("one", "two").responds(0, 486);
    scenario.told();
    expect(scenario.appears("one").told()).toEqual([]);
  });

  it("one that is away itself gets nothing", () => {
    const scenario = to("one");
    scenario.told();
    expect(scenario.appears("two", { host: undefined }).told()).toEqual([]);
  });

  it("one that is lost after it was done, or cancelled, is not waited for", () => {
    const done = to("one", "two").responds(0, 486);
    const before = done.context;
    expect(done.loses("one").context).toBe(before);
    const cancelled = to("one").cancel();
    expect(cancelled.loses("one").context.branches).toMatchObject([{ sent: now }]);
    expect(to("one").loses("two").context.branches).toMatchObject([{ sent: now }]);
  });

  it("a CANCEL ends at once the branches of those that are away: 487", () => {
    const scenario = to("away");
    expect(scenario.cancel().told()).toEqual(["answer 487 ourselves"]);
  });

  it("those that were away from the start keep nobody waiting when another has answered", () => {
    expect(to("one", "away").responds(0, 486).told()).toEqual(["forward 0", "answer 486"]);
  });

  it("those that were lost while they rang are waited for", () => {
    const scenario = to("one", "two").loses("two").responds(0, 486);
    expect(scenario.told()).toEqual(["forward 0", "forward 1"]);
  });
});

describe("a refusal of more than 16,384 characters", () => {
  it("is not kept with its context: the caller gets one of our own with the same status", () => {
    const { context } = openContext(envelope, "INVITE", [target("one"), target("two")], { now, until, timers });
    const long = receiveResponse(context, 0, { status: 486, text: "x".repeat(16_385), wasProceeding: true }, now, timers);
    expect(long.context.branches[0]).toMatchObject({ final: 486, response: undefined });
    const { effects } = receiveResponse(long.context, 1, { status: 480, text: "short", wasProceeding: true }, now, timers);
    expect(effects).toEqual([{ kind: "answer", status: 486, text: undefined, also: [] }]);
  });
});
