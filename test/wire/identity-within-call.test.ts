import { afterAll, describe, expect, it } from "vitest";
import { establish, ring } from "../support/call.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

const carol = (tag: string) => `"Carol" <sip:carol@localhost>;tag=${tag}`;

describe.each(ways)("a From of somebody else by the route of a call that only rang, on the %s way", (way) => {
  const tags = [
    ["without a value (JsSIP and SIP.js take the request for one outside a dialog)", ";tag"],
    ["there twice, the second without a value (SIP.js takes the last)", ";tag=x;tag"],
  ] as const;

  it.each(tags)("INVITE, To tag %s", async (_, tag) => {
    const [mallory, bob] = await serverUnderTest.phones(way, "mallory", "bob");
    const { ringing } = await ring(mallory, bob);
    const dialog = dialogOfCaller(ringing);
    const lie = mallory.inDialog("INVITE", dialog, { from: carol(mallory.tag), to: `<${bob.aor}>${tag}` });
    const status = await Promise.race([
      mallory.finalResponse(lie).then(({ status: refused }) => refused),
      bob.next((message) => message.method === "INVITE" && message.raw.includes("carol@")).then(() => "bob's phone rings: carol calls"),
    ]);
    expect(status).toBe(400);
  });

  it("MESSAGE, any To tag: JsSIP shows it without looking for a dialog", async () => {
    const [mallory, bob] = await serverUnderTest.phones(way, "mallory", "bob");
    const { ringing } = await ring(mallory, bob);
    const dialog = dialogOfCaller(ringing);
    const lie = mallory.inDialog("MESSAGE", dialog, { from: carol(mallory.tag), body: "the new password is …" });
    const status = await Promise.race([
      mallory.finalResponse(lie).then(({ status: refused }) => refused),
      bob.next((message) => message.method === "MESSAGE").then(() => "bob's phone shows a message of carol"),
    ]);
    expect(status).toBe(403);
  });
});

describe.each(ways)("a From of somebody else in a call that was answered, on the %s way", (way) => {
  it.each(["INVITE", "UPDATE", "INFO", "REFER", "NOTIFY", "OPTIONS"])("%s is refused, of the caller and of the callee", async (method) => {
    const [mallory, bob] = await serverUnderTest.phones(way, "mallory", "bob");
    const { callerSide, calleeSide } = await establish(mallory, bob);
    const ofCaller = mallory.inDialog(method, callerSide, { from: carol(mallory.tag) });
    expect((await mallory.finalResponse(ofCaller)).status).toBe(403);
    const ofCallee = bob.inDialog(method, calleeSide, { from: carol(bob.tag) });
    expect((await bob.finalResponse(ofCallee)).status).toBe(403);
    mallory.inDialog("MESSAGE", callerSide, { body: "after which nothing is under way" });
    await bob.next("MESSAGE");
    expect(bob.socket.rest().filter(({ raw }) => raw.includes("carol@"))).toEqual([]);
  });

  it("hanging up ends the call, whatever name has become of whom", async () => {
    const [mallory, bob] = await serverUnderTest.phones(way, "mallory", "bob");
    const { callerSide } = await establish(mallory, bob);
    mallory.inDialog("BYE", callerSide, { from: carol(mallory.tag) });
    expect((await bob.next("BYE")).method).toBe("BYE");
  });
});

describe("a guest by the route of a call that only rang", () => {
  it.each([
    ["INVITE", ";tag", 400],
    ["MESSAGE", undefined, 403],
  ] as const)("%s in the name of a subscriber", async (method, tag, expected) => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [bob] = await serverUnderTest.phones("direct", "bob");
    const account = "visitor";
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, account, {});
    const guest = new Phone(socket, { account, domain: "anonymous.invalid", way: "general" });
    const { ringing } = await ring(guest, bob);
    const to = tag === undefined ? {} : { to: `<${bob.aor}>${tag}` };
    const lie = guest.inDialog(method, dialogOfCaller(ringing), { from: carol(guest.tag), body: "it is me", ...to });
    const status = await Promise.race([
      guest.finalResponse(lie).then(({ status: refused }) => refused),
      bob
        .next((message) => message.method === method && message.raw.includes("carol@"))
        .then(() => "bob's phone takes the guest for carol"),
    ]);
    expect(status).toBe(expected);
  });
});
