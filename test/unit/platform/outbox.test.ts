import { describe, expect, it } from "vitest";
import { type Receiver, Outbox, Undeliverable } from "../../../platform/outbox.ts";
import type { CancelEnvelope, Envelope, RequestEnvelope } from "../../../lib/transport/envelope.ts";

const letter = (transaction: string): CancelEnvelope => ({ kind: "cancel", transaction, reason: undefined });
const names = (envelopes: readonly Envelope[]) => envelopes.map((envelope) => ("transaction" in envelope ? envelope.transaction : ""));

/** A neighbour that does with the calls to it what it is told. */
function neighbour(deliver: (names: (string | undefined)[], call: number) => ReturnType<Receiver["deliver"]>) {
  const calls: (string | undefined)[][] = [];
  let stubs = 0;
  const outbox = new Outbox(() => {
    stubs += 1;
    return { deliver: (envelopes) => deliver(calls[calls.push(names(envelopes)) - 1] ?? [], calls.length) };
  });
  return { outbox, calls, stubs: () => stubs };
}

const fails = async (): Promise<undefined> => Promise.reject(new Error("it was reset"));
const takes = async (): Promise<undefined> => undefined;

describe("letters to another home", () => {
  it("that are written while one is under way travel together, in order", async () => {
    const { outbox, calls } = neighbour(takes);
    const first = outbox.post("home", letter("one"));
    await Promise.resolve();
    await Promise.all([first, outbox.post("home", letter("two")), outbox.post("home", letter("three"))]);
    expect(calls).toEqual([["one"], ["two", "three"]]);
  });

  it("are repeated on a fresh stub", async () => {
    const { outbox, calls, stubs } = neighbour((_names, call) => (call < 3 ? fails() : takes()));
    expect(await outbox.post("home", letter("one"))).toEqual({ kind: "taken" });
    expect([calls.length, stubs()]).toEqual([3, 3]);
  });

  it("cannot be delivered after three attempts", async () => {
    const { outbox, calls } = neighbour(fails);
    await expect(outbox.post("home", letter("one"))).rejects.toThrow(Undeliverable);
    expect(calls).toHaveLength(3);
  });

  it("do not suffer for one among them that the other home cannot bear", async () => {
    const { outbox } = neighbour((some) => (some.includes("bad") ? fails() : takes()));
    const posted = ["one", "bad", "two"].map((name) => outbox.post("home", letter(name)));
    const results = await Promise.allSettled(posted);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("are not repeated to a home that is overloaded", async () => {
    const overloaded = async (): Promise<undefined> => Promise.reject(Object.assign(new Error("too much"), { overloaded: true }));
    const { outbox, calls } = neighbour(overloaded);
    const posted = ["one", "two"].map((name) => outbox.post("home", letter(name)));
    const results = await Promise.allSettled(posted);
    expect([results.map(({ status }) => status), calls.length]).toEqual([["rejected", "rejected"], 1]);
  });

  it("wait up to a number of octets, together with those that are under way", async () => {
    const sent = { answerTo: { home: "home", flow: "", phone: "" }, transaction: "", identity: "", recordRoute: undefined } as const;
    const long: Envelope = { kind: "request", text: "x".repeat(250_000), ...sent, to: { kind: "phone", phone: "" } };
    let goesOn = () => {};
    const waits = new Promise<void>((resume) => (goesOn = resume));
    const { outbox } = neighbour(() => waits.then(takes));
    const posts = (count: number) => Array.from({ length: count }, () => outbox.post("home", long));
    const posted = [...posts(10), ...posts(40)];
    await Promise.resolve();
    posted.push(...posts(10));
    goesOn();
    const results = await Promise.allSettled(posted);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(16);
    expect(await outbox.post("home", long)).toEqual({ kind: "taken" });
  });

  it("wait up to a number of octets, also of the INVITEs of CANCELs", async () => {
    const { outbox } = neighbour(() => new Promise(() => undefined));
    const of = { kind: "request", text: "x".repeat(100_000) } as RequestEnvelope;
    const failed = Array.from({ length: 600 }, () =>
      outbox
        .post("home", { ...letter("one"), of })
        .then(() => 0)
        .catch(() => 1),
    );
    const refused = await Promise.all(failed.slice(100));
    expect(refused.every((one) => one === 1)).toBe(true);
  });

  it("wait in a queue that has an end", async () => {
    const { outbox } = neighbour(takes);
    const posted = Array.from({ length: 600 }, (_, index) => outbox.post("home", letter(String(index))));
    const results = await Promise.allSettled(posted);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(100);
  });

  it("get a receipt each", async () => {
    const { outbox } = neighbour(async () => [{ kind: "taken" }, { kind: "answered", status: 481, text: "" }]);
    const posted = ["one", "two"].map((name) => outbox.post("home", letter(name)));
    expect((await Promise.all(posted)).map(({ kind }) => kind)).toEqual(["taken", "answered"]);
  });
});
