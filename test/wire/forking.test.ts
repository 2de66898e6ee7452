import { afterAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { header, headers, parameter, type ReceivedMessage } from "../support/received-message.ts";
import type { Phone, ReplyOptions } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

/** A caller, and so many phones of one callee. */
async function fork(count: number, way: "direct" | "general" = "direct"): Promise<{ alice: Phone; phones: Phone[]; aor: string }> {
  const [alice] = await serverUnderTest.phones(way, "alice");
  const bob = await serverUnderTest.newcomer("bob");
  const phones = await Promise.all(Array.from({ length: count }, () => serverUnderTest.register(bob, way)));
  return { alice, phones, aor: `sip:${bob}@localhost` };
}

const heardBy = (phones: readonly Phone[], method = "INVITE"): Promise<ReceivedMessage[]> =>
  Promise.all(phones.map((phone) => phone.next(method)));

describe.each(ways)("parallel forking (RFC 3261 §16.6, §16.7), on the %s way", (way) => {
  it("every phone gets the INVITE in a branch of its own", async () => {
    const { alice, phones, aor } = await fork(3, way);
    alice.request("INVITE", aor);
    const branches = (await heardBy(phones)).map((heard) => parameter(headers(heard, "via")[0], "branch"));
    expect(new Set(branches).size).toBe(3);
  });

  it("when one answers, the others are cancelled, because it was completed elsewhere (RFC 3326)", async () => {
    const { alice, phones, aor } = await fork(2, way);
    const [one, two] = phones as [Phone, Phone];
    alice.request("INVITE", aor);
    const [first, second] = (await heardBy(phones)) as [ReceivedMessage, ReceivedMessage];
    two.reply(second, 180);
    await alice.next(180);
    one.reply(first, 200, { body: shortSdp });
    const answer = await alice.next(200);
    const cancel = await two.next("CANCEL");
    expect(header(cancel, "reason")).toMatch(/^SIP\s*;\s*cause=200/);
    two.reply(cancel, 200);
    two.reply(second, 487);
    expect((await two.next("ACK")).method).toBe("ACK");
    alice.ack(dialogOfCaller(answer));
    expect(header(await one.next("ACK"), "to")).toContain(one.tag);
    expect(alice.socket.rest().map((message) => message.status)).toEqual([100]);
  });

  it("two that answer at once are both heard by the caller (§16.7 step 5)", async () => {
    const { alice, phones, aor } = await fork(2, way);
    alice.request("INVITE", aor);
    const heard = await heardBy(phones);
    phones.forEach((phone, index) => phone.reply(heard[index] as ReceivedMessage, 200));
    const tags = [await alice.next(200), await alice.next(200)].map((answer) => parameter(header(answer, "to"), "tag"));
    expect(tags.sort()).toEqual(phones.map((phone) => phone.tag).sort());
  });

  it("ringing phones make a dialog each: their 180s go up as they come", async () => {
    const { alice, phones, aor } = await fork(2, way);
    alice.request("INVITE", aor);
    const heard = await heardBy(phones);
    phones.forEach((phone, index) => phone.reply(heard[index] as ReceivedMessage, 180));
    const tags = [await alice.next(180), await alice.next(180)].map((ringing) => parameter(header(ringing, "to"), "tag"));
    expect(tags.sort()).toEqual(phones.map((phone) => phone.tag).sort());
  });
});

describe("the best response (RFC 3261 §16.7 step 6)", () => {
  it.each([
    ["the lowest class", [404, 503, 302], 302],
    ["a 4xx before a 5xx", [486, 500], 486],
    ["401, 407, 415, 420 and 484 before other 4xx", [486, 415], 415],
    ["484 before 404", [404, 484], 484],
    ["a 6xx before all", [302, 603], 603],
    ["a 503 that is the only one, as 500", [503, 503], 500],
    ["a 5xx other than 503", [501, 503], 501],
  ])("is %s: %j make %i", async (_rule, statuses, best) => {
    const { alice, phones, aor } = await fork(statuses.length);
    const invite = alice.request("INVITE", aor);
    const heard = await heardBy(phones);
    phones.forEach((phone, index) => phone.reply(heard[index] as ReceivedMessage, statuses[index] as number));
    expect((await alice.finalResponse(invite)).status).toBe(best);
    for (const phone of phones) expect((await phone.next("ACK")).method).toBe("ACK");
  });

  it("is not sent before the last branch has ended", async () => {
    const { alice, phones, aor } = await fork(2);
    const [one, two] = phones as [Phone, Phone];
    const invite = alice.request("INVITE", aor);
    const [first, second] = (await heardBy(phones)) as [ReceivedMessage, ReceivedMessage];
    one.reply(first, 486);
    await alice.hearsNothing(486, one);
    two.reply(second, 200);
    expect((await alice.finalResponse(invite)).status).toBe(200);
  });

  it("a 6xx cancels the phones that still ring (step 5)", async () => {
    const { alice, phones, aor } = await fork(2);
    const [one, two] = phones as [Phone, Phone];
    const invite = alice.request("INVITE", aor);
    const [first, second] = (await heardBy(phones)) as [ReceivedMessage, ReceivedMessage];
    two.reply(second, 180);
    await alice.next(180);
    one.reply(first, 603);
    two.reply(await two.next("CANCEL"), 200);
    two.reply(second, 487);
    expect((await alice.finalResponse(invite)).status).toBe(603);
  });

  it.each([
    [401, "WWW-Authenticate"],
    [407, "Proxy-Authenticate"],
  ] as const)("a %i carries the challenges of all branches (step 7)", async (status, name) => {
    const { alice, phones, aor } = await fork(2);
    const invite = alice.request("INVITE", aor);
    const heard = await heardBy(phones);
    phones.forEach((phone, index) => {
      const options: ReplyOptions = { headers: [[name, `Digest realm="r${index}", nonce="n"`]] };
      phone.reply(heard[index] as ReceivedMessage, status, options);
    });
    const realms = headers(await alice.finalResponse(invite), name).map((value) => parameter(value.replace("Digest ", ";"), "realm"));
    expect(realms.sort()).toEqual(['"r0"', '"r1"']);
  });
});

describe.each(ways)("whom it rings, on the %s way", (way) => {
  it("a call to oneself leaves out the phone that calls", async () => {
    const { phones, aor } = await fork(2, way);
    const [one, two] = phones as [Phone, Phone];
    const invite = one.request("INVITE", aor);
    const heard = await two.next("INVITE");
    await one.hearsNothing("INVITE", two);
    two.reply(heard, 200);
    const answer = await one.finalResponse(invite);
    one.ack(dialogOfCaller(answer));
    expect((await two.next("ACK")).method).toBe("ACK");
  });

  it("a phone that registers while it rings gets a branch too", async () => {
    const { alice, phones, aor } = await fork(1, way);
    const [one] = phones as [Phone];
    const invite = alice.request("INVITE", aor);
    one.reply(await one.next("INVITE"), 180);
    const late = await serverUnderTest.register(one.account, way);
    late.reply(await late.next("INVITE"), 200);
    expect((await alice.finalResponse(invite)).status).toBe(200);
    expect((await one.next("CANCEL")).method).toBe("CANCEL");
  });

  it("a phone that comes back while it rings gets the same INVITE again, with the same branch", async () => {
    const { alice, phones, aor } = await fork(1, way);
    const [one] = phones as [Phone];
    const invite = alice.request("INVITE", aor);
    const heard = await one.next("INVITE");
    one.reply(heard, 180);
    one.socket.cut();
    const back = await serverUnderTest.register(one.account, way, { instance: one.instance });
    const again = await back.next("INVITE");
    expect(headers(again, "via")).toEqual(headers(heard, "via"));
    back.reply(again, 200);
    expect((await alice.finalResponse(invite)).status).toBe(200);
  });

  it("a phone that comes back may answer the INVITE it got on its old socket (matched by branch)", async () => {
    const { alice, phones, aor } = await fork(1, way);
    const [one] = phones as [Phone];
    const invite = alice.request("INVITE", aor);
    const heard = await one.next("INVITE");
    one.reply(heard, 180);
    one.socket.cut();
    const back = await serverUnderTest.register(one.account, way, { instance: one.instance });
    back.reply(heard, 200);
    expect((await alice.finalResponse(invite)).status).toBe(200);
  });
});

describe("requests that are no INVITE", () => {
  it("to several phones reach each, and the first 2xx goes up at once", async () => {
    const { alice, phones, aor } = await fork(2);
    const [one, two] = phones as [Phone, Phone];
    const sent = alice.request("MESSAGE", aor, { body: "to all" });
    await one.next("MESSAGE");
    two.reply(await two.next("MESSAGE"), 200);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });

  it("that all phones refuse come back with the best of the refusals", async () => {
    const { alice, phones, aor } = await fork(2);
    const sent = alice.request("MESSAGE", aor);
    const heard = await heardBy(phones, "MESSAGE");
    phones.forEach((phone, index) => phone.reply(heard[index] as ReceivedMessage, [500, 415][index] as number));
    expect((await alice.finalResponse(sent)).status).toBe(415);
  });
});
