import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const uriOf = ({ contact }: SimulatedPhone) => contact.slice(1, -1);
const inviteOf = (by: SimulatedPhone, to: string, callId: string) => [
  ...[`From: <${by.aor}>;tag=t1`, `To: <${to}>`, `Call-ID: ${callId}`, "CSeq: 1 INVITE", `Contact: ${by.contact}`],
];

async function start(limits: object): Promise<Scenario> {
  scenario = await startScenario({ absent: ["alice"] });
  scenario.world.signsInByToken("alice", limits);
  await scenario.alice.comesOnline();
  return scenario;
}

/** Bob answers: the caller's end of the dialog. */
async function answered(callId: string, by: SimulatedPhone) {
  const { world, bob } = scenario;
  bob.answers();
  await world.settle();
  const answer = by.last(200, "INVITE");
  const ends = { local: header(answer, "from") ?? "", remote: header(answer, "to") ?? "", callId, target: uriOf(bob) };
  const dialog = { ...ends, routes: headers(answer, "record-route").reverse(), cseq: 2, inviteCseq: 1 };
  by.within("ACK", dialog, [], 1);
  await world.settle();
  return dialog;
}

describe("a call that a token allows for a time ends at its time", () => {
  it("whatever is said of it, and however many calls follow", async () => {
    const { world, alice, bob } = await start({ maximumSeconds: 3600 });
    alice.sends("INVITE", bob.aor, inviteOf(alice, bob.aor, "long-call"));
    await world.settle();
    const dialog = await answered("long-call", alice);
    const carol = await scenario.joins("carol");
    alice.sends("INVITE", carol.aor, inviteOf(alice, carol.aor, "long-call"));
    await world.settle();
    carol.answers();
    await world.settle();
    const bye = alice.within("BYE", { ...dialog, routes: headers(carol.last("INVITE"), "record-route"), target: uriOf(carol) }, [], 7);
    await world.settle();
    expect([bye.final, bob.state]).toEqual([481, "talking"]);
    for (let count = 0; count < 602; count += 1) {
      alice.invites(carol.aor);
      await world.settle();
      // When there are too many rows, no further call begins.
      if (carol.state !== "ringing") continue;
      carol.answers();
      await world.settle();
      alice.hangsUp();
      await world.settle();
    }
    await world.pass(3700);
    expect(bob.state).toBe("ended by bye");
  });

  it("and calls that were refused leave room for others", async () => {
    const { world, alice, bob } = await start({ maximumSeconds: 3600 });
    for (let count = 0; count < 60; count += 1) {
      alice.invites(bob.aor);
      await world.settle();
      bob.rejects(486);
      await world.settle();
      expect(alice.state).toBe("ended 486");
    }
  });

  it("also if its answer is heard on a connection whose token has no such limit", async () => {
    const { world, alice, bob } = await start({ maximumSeconds: 60 });
    world.signsInByToken("alice", { scope: ["register"] });
    const other = await scenario.joins("alice", { instance: alice.instance });
    alice.sends("INVITE", bob.aor, inviteOf(other, bob.aor, "two-tokens"));
    await world.settle();
    alice.leaves();
    await world.settle();
    await answered("two-tokens", other);
    expect(bob.state).toBe("talking");
    await world.pass(70);
    expect(bob.state).toBe("ended by bye");
  });

  /** The first connection has the limit, and its call rings; its phone is registered on another one too. */
  async function ringsOnTwo() {
    const { world, alice, bob } = await start({ maximumSeconds: 60 });
    world.signsInByToken("alice", { scope: ["register"] });
    const other = await scenario.joins("alice", { instance: alice.instance });
    alice.sends("INVITE", bob.aor, inviteOf(other, bob.aor, "two-tokens"));
    await world.settle();
    const isAnsweredOnOther = async () => {
      alice.leaves();
      await world.settle();
      await answered("two-tokens", other);
      expect(bob.state).toBe("talking");
      await world.pass(70);
    };
    return { world, alice, bob, other, isAnsweredOnOther };
  }

  it("also if another INVITE with its Call-ID has been refused", async () => {
    const { world, alice, bob, other, isAnsweredOnOther } = await ringsOnTwo();
    const carol = await scenario.joins("carol");
    const another = inviteOf(other, carol.aor, "two-tokens").map((line) => line.replace("tag=t1", "tag=t2"));
    alice.sends("INVITE", carol.aor, another);
    await world.settle();
    carol.rejects(486);
    await world.settle();
    await isAnsweredOnOther();
    expect(bob.state).toBe("ended by bye");
  });

  it("also if it has rung for longer than Timer C", async () => {
    const { world, bob, isAnsweredOnOther } = await ringsOnTwo();
    for (let minute = 0; minute < 8; minute += 1) {
      await world.pass(60);
      bob.replies(bob.last("INVITE"), 180, [`Contact: ${bob.contact}`]);
      await world.settle();
    }
    await isAnsweredOnOther();
    expect(bob.state).toBe("ended by bye");
  });
});
