import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp, ring, sdpType } from "../support/call.ts";
import { addresses, header, headers, parameter, uriIn } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways, type ConnectionKind } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

const pairs = ways.flatMap((caller) => ways.map((callee) => [caller, callee] as const));

async function meet(callerWay: ConnectionKind, calleeWay: ConnectionKind): Promise<[Phone, Phone]> {
  return [
    await serverUnderTest.register(await serverUnderTest.newcomer("alice"), callerWay),
    await serverUnderTest.register(await serverUnderTest.newcomer("bob"), calleeWay),
  ];
}

describe.each(pairs)("a call from the %s to the %s way", (callerWay, calleeWay) => {
  it("rings, is answered, and ends by the caller", async () => {
    const [alice, bob] = await meet(callerWay, calleeWay);
    const call = await establish(alice, bob);
    expect(header(call.ringing, "to")).toContain(bob.tag);
    expect((await hangUp(alice, call.callerSide, bob)).status).toBe(200);
  });

  it("ends by the callee", async () => {
    const [alice, bob] = await meet(callerWay, calleeWay);
    const call = await establish(alice, bob);
    expect((await hangUp(bob, call.calleeSide, alice)).status).toBe(200);
  });

  it("is held and resumed by either side: a re-INVITE with its 200 and ACK", async () => {
    const [alice, bob] = await meet(callerWay, calleeWay);
    const call = await establish(alice, bob);
    for (const [one, side, other] of [
      [alice, call.callerSide, bob],
      [bob, call.calleeSide, alice],
    ] as const) {
      const invite = one.inDialog("INVITE", side, { headers: [sdpType], body: "v=0\r\na=sendonly\r\n" });
      const heard = await other.next("INVITE");
      expect(heard.body).toContain("sendonly");
      other.reply(heard, 200);
      await one.finalResponse(invite);
      one.inDialog("ACK", side, { cseq: invite.cseq });
      expect(header(await other.next("ACK"), "cseq")).toBe(`${invite.cseq} ACK`);
    }
  });

  it.each(["UPDATE", "INFO", "MESSAGE", "REFER", "SOMETHING"])("carries %s both ways", async (method) => {
    const [alice, bob] = await meet(callerWay, calleeWay);
    const call = await establish(alice, bob);
    for (const [one, side, other] of [
      [alice, call.callerSide, bob],
      [bob, call.calleeSide, alice],
    ] as const) {
      const sent = one.inDialog(method, side, { body: "in the dialog" });
      const heard = await other.next(method);
      expect(heard.body).toBe("in the dialog");
      expect(heard.requestUri).toBe(uriIn(other.contact));
      other.reply(heard, 200);
      expect((await one.finalResponse(sent)).status).toBe(200);
    }
  });

  it("is rejected by the callee", async () => {
    const [alice, bob] = await meet(callerWay, calleeWay);
    const { invite, heard } = await ring(alice, bob);
    bob.reply(heard, 486, { headers: [["Retry-After", "30"]] });
    const refusal = await alice.finalResponse(invite);
    expect([refusal.status, header(refusal, "retry-after")]).toEqual([486, "30"]);
    expect(header(await bob.next("ACK"), "via")).toBe(header(heard, "via"));
  });
});

describe("to the outside we are one SIP element", () => {
  it("one Via and one Record-Route is put in front, and only our Via is taken off", async () => {
    const [alice, bob] = await serverUnderTest.phones("general", "alice", "bob");
    const call = await establish(alice, bob);
    expect(headers(call.heard, "via")).toHaveLength(2);
    expect(headers(call.heard, "via")[1]).toContain(call.invite.branch);
    expect(addresses(call.heard, "record-route")).toHaveLength(1);
    expect(headers(call.answer, "via")).toEqual([headers(call.heard, "via")[1]]);
    expect(headers(call.answer, "record-route")).toEqual(headers(call.heard, "record-route"));
    expect(parameter(headers(call.heard, "record-route")[0], "transport")).toBeDefined();
  });

  it("the caller hears 100 at once, and the callee's own 100 goes no further (§16.7 step 5)", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const invite = alice.request("INVITE", bob.aor);
    expect((await alice.next(100)).status).toBe(100);
    const heard = await bob.next("INVITE");
    bob.reply(heard, 100);
    bob.reply(heard, 183);
    bob.reply(heard, 603);
    expect((await alice.finalResponse(invite)).status).toBe(603);
    expect(alice.socket.rest().map((message) => message.status)).toEqual([183]);
  });

  it("what we have no business with arrives as it was sent: order, spelling, folding, unknown headers, body", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const odd = [
      "X-Unknown:  two  spaces ",
      "sUBJECT :spelled oddly",
      "X-Folded: one\r\n\ttwo",
      "k: 100rel,  timer",
      "m: <sip:alice@odd.invalid;transport=ws>",
    ];
    const body = "v=0\r\n\u00fc\r\n\r\n";
    const frame = [
      `INVITE ${bob.aor} SIP/2.0`,
      `v: SIP/2.0/WSS ${alice.host};branch=z9hG4bKodd`,
      "Max-Forwards: 70",
      `f: "A, \\"B\\"" <${alice.aor}>;tag=odd`,
      `t: <${bob.aor}>`,
      "i: odd",
      "CSeq: 1 INVITE",
      ...odd,
      `l: ${Buffer.byteLength(body)}`,
      "",
      body,
    ];
    alice.socket.send(frame.join("\r\n"));
    const heard = await bob.next("INVITE");
    expect(heard.raw).toContain(`\r\n${frame.slice(3).join("\r\n")}`);
    expect(heard.raw).toContain(`\r\nv: SIP/2.0/WSS ${alice.host};branch=z9hG4bKodd\r\n`);
  });

  it("provisional responses of every kind go up: 180, 181, 183, with their bodies", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    alice.request("INVITE", bob.aor);
    const heard = await bob.next("INVITE");
    for (const status of [180, 181, 183]) {
      bob.reply(heard, status, { body: `early ${status}` });
      expect((await alice.next(status)).body).toBe(`early ${status}`);
    }
  });
});
