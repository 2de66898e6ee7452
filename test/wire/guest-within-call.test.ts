import { afterAll, expect, it } from "vitest";
import { establish, hangUp, ring } from "../support/call.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

it.each(["REFER", "SUBSCRIBE", "PUBLISH"])(
  "a guest, who may call and write only, gets no %s through within a call: a desk phone would dial the number in it",
  async (method) => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [support] = await serverUnderTest.phones("direct", "support");
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
    const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
    const call = await establish(guest, support);
    const sent = guest.inDialog(method, call.callerSide, {
      headers: [
        ["Refer-To", "<sip:+4990012345@localhost>"],
        ["Event", "dialog"],
      ],
    });
    const result = await Promise.race([
      guest.finalResponse(sent).then(({ status }) => status),
      support.next(method).then(() => "it reaches the phone"),
    ]);
    expect(result).toBe(403);
  },
);

it("a guest writes within a call, but not in one that is over, which would count nowhere", async () => {
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
  const [support] = await serverUnderTest.phones("direct", "support");
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
  const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
  const call = await establish(guest, support);
  const written = guest.inDialog("MESSAGE", call.callerSide, { body: "hello" });
  support.reply(await support.next("MESSAGE"), 200);
  expect((await guest.finalResponse(written)).status).toBe(200);
  await hangUp(guest, call.callerSide, support);
  const late = guest.inDialog("MESSAGE", call.callerSide, { body: "hello again" });
  expect((await guest.finalResponse(late)).status).toBe(481);
  for (const method of ["INVITE", "INFO", "OPTIONS", "UPDATE"]) {
    const sent = guest.inDialog(method, call.callerSide);
    expect([method, (await guest.finalResponse(sent)).status]).toEqual([method, 481]);
  }
  expect(support.socket.rest().filter(({ method }) => method !== "BYE" && method !== "ACK")).toEqual([]);
});

it.each(["talk", "hold", "dialog", "refer, talk", ""])(
  "a guest's NOTIFY for %s reaches no phone, which might answer without being asked",
  async (event) => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [support] = await serverUnderTest.phones("direct", "support");
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
    const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
    const call = await establish(guest, support);
    const headers = (name: string): [string, string][] => [
      ["Event", name],
      ["Subscription-State", "active"],
    ];
    const sent = guest.inDialog("NOTIFY", call.callerSide, { headers: headers(event) });
    expect((await guest.finalResponse(sent)).status).toBe(403);
    const ofTransfer = guest.inDialog("NOTIFY", call.callerSide, { headers: headers("refer") });
    support.reply(await support.next("NOTIFY"), 200);
    expect((await guest.finalResponse(ofTransfer)).status).toBe(200);
  },
);

it("a guest may change the session before the answer (RFC 3311 §5.1)", async () => {
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
  const [support] = await serverUnderTest.phones("direct", "support");
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
  const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
  const { ringing } = await ring(guest, support);
  const update = guest.inDialog("UPDATE", { ...dialogOfCaller(ringing), target: `sip:support@${support.host}` });
  support.reply(await support.next("UPDATE"), 200);
  expect((await guest.finalResponse(update)).status).toBe(200);
});
