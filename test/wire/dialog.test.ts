import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp, type Call } from "../support/call.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { header, headers, uriIn } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

async function inCall(way: "direct" | "general"): Promise<{ alice: Phone; bob: Phone; call: Call }> {
  const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
  return { alice, bob, call: await establish(alice, bob) };
}

describe.each(ways)("the sealed route, on the %s way", (way) => {
  it("says nothing to a reader: no names, no addresses", async () => {
    const { alice, bob, call } = await inCall(way);
    const [route = ""] = call.callerSide.routes;
    expect(route).not.toContain(alice.account);
    expect(route).not.toContain(bob.account);
    expect(uriIn(route)).toMatch(/;lr\b/);
  });

  it("is popped: the other side sees no Route of ours", async () => {
    const { alice, bob, call } = await inCall(way);
    alice.inDialog("INFO", call.callerSide);
    expect(headers(await bob.next("INFO"), "route")).toEqual([]);
  });

  it("that was tampered with leads nowhere", async () => {
    const { alice, bob, call } = await inCall(way);
    const routes = call.callerSide.routes.map((route) => route.replace(/[A-Za-z0-9_-]{6}@/, "AAAAAA@"));
    const answer = await alice.finalResponse(alice.inDialog("INFO", { ...call.callerSide, routes }));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    await bob.hearsNothing("INFO", alice);
  });

  it("of another call (another Call-ID) leads nowhere", async () => {
    const { alice, bob, call } = await inCall(way);
    const answer = await alice.finalResponse(alice.inDialog("INFO", { ...call.callerSide, callId: "another" }));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    await bob.hearsNothing("INFO", alice);
  });

  it("in the hands of a third party, who has overheard it all, leads nowhere", async () => {
    const { alice, bob, call } = await inCall(way);
    const [mallory] = await serverUnderTest.phones(way, "mallory");
    mallory.bye({ ...call.callerSide, cseq: 99 });
    expect((await mallory.next((message) => message.status >= 400)).status).toBeGreaterThanOrEqual(400);
    await bob.hearsNothing("BYE", mallory);
    expect((await hangUp(alice, call.callerSide, bob)).status).toBe(200);
  });

  it("without a To tag is not honoured: the Request-URI routes", async () => {
    const { alice, call } = await inCall(way);
    const [carol] = await serverUnderTest.phones(way, "carol");
    alice.request("MESSAGE", carol.aor, { routes: call.callerSide.routes, body: "a new request" });
    expect((await carol.next("MESSAGE")).body).toBe("a new request");
  });

  it("leads to the phone that is in the call, not to the other phones of its user", async () => {
    const { alice, bob, call } = await inCall(way);
    const other = await serverUnderTest.register(bob.account, way);
    alice.inDialog("INFO", call.callerSide);
    expect((await bob.next("INFO")).method).toBe("INFO");
    await other.hearsNothing("INFO", alice);
  });

  it("leads to the newest socket of that phone", async () => {
    const { alice, bob, call } = await inCall(way);
    bob.socket.cut();
    const back = await serverUnderTest.register(bob.account, way, { instance: bob.instance });
    alice.inDialog("INFO", call.callerSide, { body: "found you" });
    expect((await back.next("INFO")).body).toBe("found you");
  });

  it("serves a phone that has come back on a new socket, too", async () => {
    const { alice, bob, call } = await inCall(way);
    bob.socket.cut();
    const back = await serverUnderTest.connect(bob.account, way, { instance: bob.instance });
    // One that keeps its calls keeps its Contact too: with another one it would be a page that was loaded anew.
    expect((await back.register({ contacts: [bob.outboundContact] })).status).toBe(200);
    back.bye(call.calleeSide);
    alice.reply(await alice.next("BYE"), 200);
    expect((await back.next(200, { method: "BYE" })).status).toBe(200);
  });

  it("of a phone that has gone for good draws an error, and no silence", async () => {
    const { alice, bob, call } = await inCall(way);
    await bob.register({ expires: 0 });
    bob.socket.close(1000);
    await bob.socket.closed;
    const answer = await alice.finalResponse(alice.bye(call.callerSide));
    expect([404, 408, 410, 430, 480, 481]).toContain(answer.status);
  });

  it("outlives the homes' memory", async () => {
    const { alice, bob, call } = await inCall(way);
    for (const { account } of [alice, bob]) await serverUnderTest.server.evict(`sip:${account}@localhost#1`, "hibernate");
    expect((await hangUp(bob, call.calleeSide, alice)).status).toBe(200);
  });
});

describe("routes of other elements (RFC 3261 §16.4, §16.6 step 6)", () => {
  it("a strict router before us is repaired: our route in the Request-URI, the target in the last Route", async () => {
    const { alice, bob, call } = await inCall("direct");
    const [route = ""] = call.callerSide.routes;
    alice.request("INFO", uriIn(route), {
      callId: call.callerSide.callId,
      from: call.callerSide.local,
      to: call.callerSide.remote,
      cseq: call.callerSide.cseq,
      routes: [`<${call.callerSide.target}>`],
    });
    const heard = await bob.next("INFO");
    expect(heard.requestUri).toBe(uriIn(bob.contact));
    expect(headers(heard, "route")).toEqual([]);
  });

  it("a Route to somewhere else is not followed: we relay to no other domain", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const answer = await alice.finalResponse(alice.request("MESSAGE", bob.aor, { routes: ["<sip:elsewhere.example;lr>"] }));
    expect(answer.status).toBe(403);
  });

  it("a Route that names us is dropped, as a preloaded one of a stock phone", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const { host } = new URL(serverUnderTest.server.url);
    alice.request("MESSAGE", bob.aor, { routes: [`<sip:${host};transport=ws;lr>`] });
    expect(header(await bob.next("MESSAGE"), "route")).toBeUndefined();
  });

  it("a target that is a GRUU becomes its phone's contact after our route is popped", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const bob = await serverUnderTest.connect(await serverUnderTest.newcomer("bob"), "direct");
    const registered = await bob.register();
    const gruu = /pub-gruu="([^"]*)"/.exec(header(registered, "contact") ?? "")?.[1] ?? "";
    const invite = alice.request("INVITE", bob.aor);
    bob.reply(await bob.next("INVITE"), 200, { contact: `<${gruu}>` });
    const dialog = dialogOfCaller(await alice.finalResponse(invite));
    expect(dialog.target).toBe(gruu);
    alice.ack(dialog);
    expect((await bob.next("ACK")).requestUri).toBe(uriIn(bob.contact));
  });
});
