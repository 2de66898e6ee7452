import { afterEach, describe, expect, it } from "vitest";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../../support/dialog.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice's phone has a token with these limits, and the Route of a call with bob that is over. */
async function hasTalked(limits: object, callerIs: "alice" | "bob" = "bob") {
  scenario = await startScenario({ absent: ["alice"] });
  const { world, alice, bob } = scenario;
  world.signsInByToken("alice", limits);
  await alice.comesOnline();
  const [caller, callee] = callerIs === "alice" ? [alice, bob] : [bob, alice];
  caller.invites(callee.aor);
  await world.settle();
  callee.answers();
  await world.settle();
  const { dialog } = alice.call;
  if (dialog === undefined) throw new Error("there was no call");
  caller.hangsUp();
  await world.settle();
  return { ...scenario, dialog };
}

const linesOf = (method: string, contact: string) => (method === "MESSAGE" ? ["Content-Type: text/plain"] : [`Contact: ${contact}`]);

describe("by the Route of a call that is over, a token allows no more than outside of a call", () => {
  it.each([
    ["MESSAGE", "own"],
    ["INVITE", "own"],
    ["MESSAGE", "another"],
    ["INVITE", "another"],
  ] as const)("a %s with its %s tag: not of the scope", async (method, tag) => {
    const { world, alice, bob, dialog } = await hasTalked({ scope: ["register"] });
    await world.pass(86_400);
    const before = bob.all(method).length;
    const remote = tag === "own" ? dialog.remote : dialog.remote.replace(/tag=.*/, "tag=other");
    const sent = alice.within(method, { ...dialog, remote }, linesOf(method, alice.contact), 77);
    await world.settle();
    expect([sent.final, bob.all(method).length]).toEqual([403, before]);
  });

  const others = ["INFO", "UPDATE", "OPTIONS", "NOTIFY", "FOO"];

  it.each(others)("a %s: not of the scope, and in the call it passes", async (method) => {
    const { world, alice, bob, dialog } = await hasTalked({ scope: ["register"] });
    bob.invites(alice.aor);
    await world.settle();
    alice.answers();
    await world.settle();
    const lines = ["Event: refer", "Subscription-State: active", `Contact: ${alice.contact}`];
    const within = alice.within(method, alice.call.dialog as Dialog, lines);
    await world.settle();
    expect([within.final, bob.all(method).length]).toEqual([200, 1]);
    const sent = alice.within(method, dialog, lines, 77);
    await world.settle();
    expect([sent.final, bob.all(method).length]).toEqual([403, 1]);
  });

  it.each(others)("a %s: not to others than its targets", async (method) => {
    const { world, alice, bob, dialog } = await hasTalked({ targets: ["carol@example.com"] });
    const sent = alice.within(method, dialog, ["Event: refer", `Contact: ${alice.contact}`], 77);
    await world.settle();
    expect([sent.final, bob.all(method).length]).toEqual([403, 0]);
  });

  it.each(["MESSAGE", "INVITE"])("a %s: not to others than its targets", async (method) => {
    const { world, alice, bob, dialog } = await hasTalked({ targets: ["carol@example.com"] });
    const before = bob.all(method).length;
    const sent = alice.within(method, dialog, linesOf(method, alice.contact), 77);
    await world.settle();
    expect([sent.final, bob.all(method).length]).toEqual([403, before]);
  });

  it("a MESSAGE to a target passes", async () => {
    const { world, alice, bob, dialog } = await hasTalked({ targets: ["bob@example.com"] });
    const sent = alice.within("MESSAGE", dialog, ["Content-Type: text/plain"], 77);
    await world.settle();
    expect([sent.final, bob.all("MESSAGE").length]).toEqual([200, 1]);
  });

  it("an INVITE: not uncounted", async () => {
    const { world, alice, bob, dialog } = await hasTalked({ maximumCalls: 1, id: "once" }, "alice");
    const second = alice.asks("INVITE", bob.aor, [`Contact: ${alice.contact}`]);
    const remote = dialog.remote.replace(/tag=.*/, "tag=n");
    const again = alice.within("INVITE", { ...dialog, remote }, [`Contact: ${alice.contact}`], 50);
    await world.settle();
    expect([second.final, again.final, bob.all("INVITE").length]).toEqual([403, 403, 1]);
  });

  it.each(["SUBSCRIBE", "PUBLISH"])("%s: not without its own scope, neither in the call nor after it", async (method) => {
    const { world, alice, bob, dialog } = await hasTalked({ scope: ["call"] }, "alice");
    const call = alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    const lines = ["Event: dialog", `Contact: ${alice.contact}`];
    const sent = [dialog, call.dialog].map((one) => one && alice.within(method, one, lines, 77));
    await world.settle();
    expect([sent.map((one) => one?.final), bob.all(method).length]).toEqual([[403, 403], 0]);
  });

  it.each([{}, { scope: ["call", "register"] }, { scope: ["call"], targets: ["bob@example.com", "carol@example.com"] }])(
    "after its end nothing at all, though another call goes on: %j",
    async (limits) => {
      const { world, alice, bob, dialog } = await hasTalked(limits, "alice");
      const carol = await scenario.joins("carol");
      const call = alice.invites(carol.aor);
      await world.settle();
      carol.answers();
      await world.settle();
      await world.pass(7200);
      const before = [bob.all("MESSAGE").length, bob.all("INVITE").length];
      const other = { ...dialog, remote: dialog.remote.replace(/tag=.*/, "tag=n") };
      const sent = [
        alice.within("MESSAGE", dialog, ["Content-Type: text/plain"], 77),
        alice.within("INVITE", dialog, [`Contact: ${alice.contact}`], 78),
        alice.within("INVITE", other, [`Contact: ${alice.contact}`], 79),
        alice.within("INFO", dialog, [], 80),
        alice.within("UPDATE", other, [`Contact: ${alice.contact}`], 81),
        alice.within("NOTIFY", dialog, ["Event: refer", "Subscription-State: active"], 82),
      ];
      await world.settle();
      expect([sent.map(({ final }) => final), bob.all("MESSAGE").length, bob.all("INVITE").length]).toEqual([
        [407, 407, 407, 407, 407, 407],
        ...before,
      ]);
      expect(["INFO", "UPDATE", "NOTIFY"].map((method) => bob.all(method).length)).toEqual([0, 0, 0]);
      // Its call goes on, and can be put on hold.
      const hold = call.dialog && alice.within("INVITE", call.dialog, [`Contact: ${alice.contact}`]);
      await world.settle();
      expect([hold?.final, carol.state]).toEqual([200, "talking"]);
    },
  );
});

describe("in a call that is not answered yet a phone whose token has limits may send", () => {
  it.each(["UPDATE", "INFO", "PRACK"])("%s, as its caller, whose call was forwarded", async (method) => {
    scenario = await startScenario({
      absent: ["alice"],
      rules: { carol: { doNotDisturb: false, forward: { always: "sip:bob@example.com" } } },
    });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { scope: ["register", "call"], targets: ["carol@example.com"] });
    await alice.comesOnline();
    alice.invites("sip:carol@example.com");
    await world.settle();
    const sent = alice.within(method, { ...dialogOfCaller(alice.last(180)), target: `sip:bob@${bob.host}` }, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([sent.final, bob.all(method).length]).toEqual([200, 1]);
  });

  it.each(["UPDATE", "INFO"])("%s, as the one who is called, until the caller hangs up", async (method) => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { scope: ["register"] });
    await alice.comesOnline();
    bob.invites(alice.aor);
    await world.settle();
    const dialog = dialogOfCallee(alice.last("INVITE"), alice.instance.slice(-6));
    const sent = alice.within(method, dialog, [`Contact: ${alice.contact}`]);
    await world.settle();
    bob.cancels();
    await world.settle();
    const late = alice.within(method, dialog, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([sent.final, late.final, bob.all(method).length]).toEqual([200, 403, 1]);
  });
});

it("a call goes on long after the end of its token, and may be put on hold", async () => {
  scenario = await startScenario({ absent: ["alice"] });
  const { world, alice, bob } = scenario;
  world.signsInByToken("alice", {});
  await alice.comesOnline();
  const call = alice.invites(bob.aor);
  await world.settle();
  bob.answers();
  await world.settle();
  for (let hours = 0; hours < 6; hours += 1) {
    await world.pass(3600);
    const refresh = call.dialog && alice.within("INVITE", call.dialog, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([refresh?.final, bob.state]).toEqual([200, "talking"]);
  }
});

it.each([
  ["sip:carol@partner.example", false],
  ["sip:carol@partner.example;maddr=127.0.0.1", true],
  ["sip:carol@partner.example;MADDR=127.0.0.1", true],
  ["sip:carol@partner.example:5070", true],
  ["sip:bob@example.com;maddr=127.0.0.1", true],
])("a target of a token is at the server of its domain, and at no other: %s", async (uri, isRefused) => {
  scenario = await startScenario({ absent: ["alice"] });
  const { world, alice } = scenario;
  world.signsInByToken("alice", { targets: ["carol@partner.example", "bob@example.com"] });
  await alice.comesOnline();
  alice.asks("INVITE", uri, [`Contact: ${alice.contact}`]);
  await world.settle();
  const answer = alice.all(403).at(-1);
  expect(answer?.raw.includes("the token of this connection is not for this address")).toBe(isRefused);
});
