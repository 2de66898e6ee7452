import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { header } from "../support/received-message.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

const anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=anon';

describe.each(ways)("who calls, on the %s way", (way) => {
  it("a caller whose flow is not authenticated is asked for credentials, and called through with them", async () => {
    const [bob] = await serverUnderTest.phones(way, "bob");
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    const answer = alice.transact("INVITE", bob.aor);
    bob.reply(await bob.next("INVITE"), 486);
    expect((await answer).status).toBe(486);
  });

  it("somebody else's From is refused with 403", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const other = await serverUnderTest.newcomer("carol");
    const answer = await alice.finalResponse(alice.request("MESSAGE", bob.aor, { from: `<sip:${other}@localhost>;tag=lie` }));
    expect(answer.status).toBe(way === "direct" ? 403 : 407);
    await bob.hearsNothing("MESSAGE", alice);
  });

  it("a From of another domain is refused with 403", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const answer = await alice.finalResponse(alice.request("MESSAGE", bob.aor, { from: "<sip:president@elsewhere.example>;tag=lie" }));
    expect(answer.status).toBe(403);
  });

  it("an alias of the caller's own passes as it is", async () => {
    const alias = `+4930${way === "direct" ? "1" : "2"}`;
    const [bob] = await serverUnderTest.phones(way, "bob");
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice", [alias]), way);
    alice.request("MESSAGE", bob.aor, { from: `<sip:${alias}@localhost>;tag=alias` });
    expect(header(await bob.next("MESSAGE"), "from")).toContain(`sip:${alias}@localhost`);
  });

  it("an anonymous caller passes, and what tells who he is does not", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const preferred = ["P-Preferred-Identity", `<${alice.aor}>`] as const;
    alice.request("MESSAGE", bob.aor, { from: anonymous, headers: [preferred, ["Privacy", "id"]] });
    const heard = await bob.next("MESSAGE");
    expect(header(heard, "from")).toBe(anonymous);
    expect(heard.raw).not.toContain(alice.aor);
  });

  it("an identity that a phone asserts of itself goes no further (RFC 3325 §5)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    alice.request("MESSAGE", bob.aor, { headers: [["P-Asserted-Identity", "<sip:president@localhost>"]] });
    expect((await bob.next("MESSAGE")).raw).not.toContain("president");
  });

  it("the callee is not told the caller's address: no received, no rport (RFC 7118)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    alice.request("MESSAGE", bob.aor);
    expect((await bob.next("MESSAGE")).raw).not.toMatch(/received=|rport/);
  });
});

describe.each(ways)("inside a dialog only the flow and the route decide, on the %s way", (way) => {
  it("a callee who was dialled by an alias holds and hangs up, though his From is then the alias", async () => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const alias = `+4940${way === "direct" ? "1" : "2"}`;
    const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob", [alias]), way);
    const call = await establish(alice, bob, `sip:${alias}@localhost`);
    expect(call.calleeSide.local).toContain(alias);
    const hold = bob.inDialog("INVITE", call.calleeSide);
    const heard = await alice.next("INVITE");
    alice.reply(heard, 200);
    expect((await bob.finalResponse(hold)).status).toBe(200);
    bob.inDialog("ACK", call.calleeSide, { cseq: hold.cseq });
    expect((await alice.next("ACK")).method).toBe("ACK");
    expect((await hangUp(bob, call.calleeSide, alice)).status).toBe(200);
  });

  it("both sides of an anonymous call hold and hang up", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const call = await establish(alice, bob, bob.aor, { from: anonymous, headers: [["P-Preferred-Identity", `<${alice.aor}>`]] });
    const update = alice.inDialog("UPDATE", call.callerSide);
    bob.reply(await bob.next("UPDATE"), 200);
    expect((await alice.finalResponse(update)).status).toBe(200);
    expect((await hangUp(bob, call.calleeSide, alice)).status).toBe(200);
  });

  it("a REFER from the callee who was dialled by an alias arrives (transfer)", async () => {
    const alias = `+4950${way === "direct" ? "1" : "2"}`;
    const [alice, carol] = await serverUnderTest.phones(way, "alice", "carol");
    const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob", [alias]), way);
    const call = await establish(alice, bob, `sip:${alias}@localhost`);
    const refer = bob.inDialog("REFER", call.calleeSide, { headers: [["Refer-To", `<${carol.aor}>`]] });
    alice.reply(await alice.next("REFER"), 202);
    expect((await bob.finalResponse(refer)).status).toBe(202);
    const notify = alice.inDialog("NOTIFY", call.callerSide, {
      headers: [
        ["Event", "refer"],
        ["Subscription-State", "terminated;reason=noresource"],
      ],
    });
    bob.reply(await bob.next("NOTIFY"), 200);
    expect((await alice.finalResponse(notify)).status).toBe(200);
  });
});
