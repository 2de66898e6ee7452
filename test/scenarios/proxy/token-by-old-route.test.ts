import { afterEach, describe, expect, it } from "vitest";
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
      ];
      await world.settle();
      expect([sent.map(({ final }) => final), bob.all("MESSAGE").length, bob.all("INVITE").length]).toEqual([[407, 407, 407], ...before]);
      // Its call goes on, and can be put on hold.
      const hold = call.dialog && alice.within("INVITE", call.dialog, [`Contact: ${alice.contact}`]);
      await world.settle();
      expect([hold?.final, carol.state]).toEqual([200, "talking"]);
    },
  );
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
