import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { header } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type StoredHomes, putStoredHomes, readStoredHomes } from "../support/stored-homes.ts";

/** Storage that the first release has left: bindings, a call in progress, a ringing one, a stored message, subscriptions, a list. */
const accounts = ["ann", "ben", "cat", "dan", "eve"] as const;
const instanceOf = (account: (typeof accounts)[number]) => `urn:uuid:00000000-0000-4000-8000-00000000000${accounts.indexOf(account) + 1}`;

let serverUnderTest: ServerUnderTest;
let stored: StoredHomes;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { PUBLIC_HOST: "sip.example.com" } });
  const { server } = serverUnderTest;
  for (const username of accounts) await server.provision({ domain: "localhost", username, password: "offhook" });
  await server.api("PUT", "/domains/localhost/subscribers/ben/rules", { maximum_calls: 3 });
  await server.api("PUT", "/domains/localhost/lists/team", { entries: [{ uri: "sip:ben@localhost" }, { uri: "sip:cat@localhost" }] });
  stored = readStoredHomes("398f303");
  await putStoredHomes(server, stored);
});
afterAll(() => serverUnderTest.close());

/** A phone that the older build knew comes back, with another connection. */
async function back(account: (typeof accounts)[number]): Promise<Phone> {
  const phone = await serverUnderTest.connect(account, "general", { instance: instanceOf(account) });
  const answer = await phone.register({ contacts: [phone.outboundContact], headers: [["Supported", "outbound, path, gruu"]] });
  expect(answer.status).toBe(200);
  return phone;
}

describe("what the first release has stored", () => {
  it("its bindings are there", async () => {
    const answer = await serverUnderTest.server.api("GET", "/domains/localhost/subscribers/ann/bindings");
    const { bindings } = (await answer.json()) as { bindings: { contact: string }[] };
    expect(bindings.map(({ contact }) => contact)).toEqual([expect.stringMatching(/^sip:ann@.*\.invalid/)]);
  });

  it("a call that rings is answered by the phone that comes back, and its caller, who comes back too, is told", async () => {
    const [cat, dan] = [await back("cat"), await back("dan")];
    const invite = await dan.next("INVITE");
    expect(header(invite, "call-id")).toBe(stored.told.invite.callId);
    dan.reply(invite, 200);
    const answer = await cat.next(200, { method: "INVITE" });
    expect(header(answer, "call-id")).toBe(stored.told.invite.callId);
  });

  it("a call in progress goes on: what waited within it arrives, and hanging up does", async () => {
    const [ann, ben] = [await back("ann"), await back("ben")];
    const info = await ben.next("INFO");
    expect(header(info, "call-id")).toBe(stored.told.call.callerSide.callId);
    ben.reply(info, 200);
    expect((await ann.next(200, { method: "INFO" })).status).toBe(200);
    ann.inDialog("BYE", stored.told.call.callerSide, { cseq: 100 });
    ben.reply(await ben.next("BYE"), 200);
    expect((await ann.next(200, { method: "BYE" })).status).toBe(200);
    ann.socket.cut();
    ben.socket.cut();
    // It is not counted any more.
    expect(await serverUnderTest.server.query("sip:ben@localhost#1", "SELECT count(*) AS n FROM active_calls")).toEqual([{ n: 0 }]);
  });

  it("a message that was stored arrives", async () => {
    const eve = await back("eve");
    expect((await eve.next("MESSAGE")).body).toBe("read this when you are back");
  });

  it("a publication is refreshed by its entity-tag, and those who watched, alone and by a list, are told of what changes", async () => {
    const [ann, ben] = [await back("ann"), await back("ben")];
    const refreshed = await ben.transact("PUBLISH", "sip:ben@localhost", {
      headers: [
        ["Event", "presence"],
        ["SIP-If-Match", stored.told.etag],
        ["Expires", "600"],
        ["Content-Type", "application/pidf+xml"],
      ],
      body: '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:ben@localhost"><tuple id="t"><status><basic>closed</basic></status><note>gone home</note></tuple></presence>',
    });
    expect(refreshed.status).toBe(200);
    const callIds = [stored.told.presence, stored.told.list].map((notify) => /^Call-ID: *(\S+)/im.exec(notify)?.[1]);
    const told = new Set<string | undefined>();
    while (told.size < callIds.length) {
      const notify = await ann.next("NOTIFY");
      ann.reply(notify, 200);
      const callId = header(notify, "call-id");
      if (callIds.includes(callId) && notify.body.includes("gone home")) told.add(callId);
    }
    expect(told).toEqual(new Set(callIds));
  });
});
