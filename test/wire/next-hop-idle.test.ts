import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { hopName } from "../../lib/routing/hop-name.ts";
import { hasty } from "../support/hasty.ts";
import type { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** How long a connection to another server stays open. */
let serverUnderTest: ServerUnderTest;
let other: SipServer;
let alice: Phone;

beforeAll(async () => {
  const settings = { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: hasty, HOP_IDLE_TIME: "1" };
  serverUnderTest = await startServerUnderTest({ settings });
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  other = await startSipServer();
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterEach(() => other.close());

const uriAt = ({ port }: SipServer): string => `sip:bob@127.0.0.1:${port};transport=tcp`;
const closes = (server: SipServer) => expect.poll(() => server.connections()).toBe(0);

/** A connection that is used once, later than all that has gone before, has been closed again. */
async function longerThanIdle(): Promise<void> {
  const clock = await startSipServer();
  const sent = alice.request("MESSAGE", uriAt(clock), { body: "tick" });
  clock.reply(await clock.next("MESSAGE"), 200);
  await alice.finalResponse(sent);
  await closes(clock);
  clock.close();
}

/** The tables in the storage of the connection to a server: a key makes one. */
async function rowsOf({ port }: SipServer): Promise<unknown[]> {
  const name = hopName({ transport: "tcp", host: "127.0.0.1", port, address: "127.0.0.1" });
  const query = (sql: string) => serverUnderTest.server.query(name, sql, "NextHop");
  const tables = await query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%miniflare%'");
  return tables.map(({ name }) => name).filter((name) => name !== "_cf_METADATA");
}

describe("a connection to another server", () => {
  it("is closed when it is not used", async () => {
    const sent = alice.request("MESSAGE", uriAt(other), { body: "hello" });
    other.reply(await other.next("MESSAGE"), 200);
    await alice.finalResponse(sent);
    await expect.poll(() => other.ended()).toBe(1);
  });

  it("stays open while a call to that server rings", async () => {
    const sent = alice.request("INVITE", uriAt(other), { body: shortSdp });
    const invite = await other.next("INVITE");
    other.reply(invite, 180);
    await alice.next(180);
    await longerThanIdle();
    expect(other.connections()).toBe(1);
    other.reply(invite, 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    await closes(other);
  });

  it("stays open while a call is talking, though a re-INVITE was refused, until its BYE", async () => {
    const sent = alice.request("INVITE", uriAt(other), { body: shortSdp });
    other.reply(await other.next("INVITE"), 200, [`Contact: <${uriAt(other)}>`], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await other.next("ACK");
    const again = alice.inDialog("INVITE", dialog, { body: shortSdp });
    other.reply(await other.next("INVITE"), 488);
    expect((await alice.finalResponse(again)).status).toBe(488);
    await longerThanIdle();
    expect(other.connections()).toBe(1);
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    await alice.finalResponse(bye);
    await closes(other);
  });

  it("leaves no row when it is closed, neither of a MESSAGE nor of a call that is over", async () => {
    const sent = alice.request("MESSAGE", uriAt(other), { body: "hello" });
    other.reply(await other.next("MESSAGE"), 200);
    await alice.finalResponse(sent);
    expect(await rowsOf(other)).toEqual([]);
    await closes(other);
    const call = alice.request("INVITE", uriAt(other), { body: shortSdp });
    other.reply(await other.next("INVITE"), 486);
    expect((await alice.finalResponse(call)).status).toBe(486);
    expect(await rowsOf(other)).toEqual(["_cf_KV"]);
    await closes(other);
    await expect.poll(() => rowsOf(other)).toEqual([]);
  });

  it("is closed after a call that ended by Timer B: no response ever came", async () => {
    const sent = alice.request("INVITE", uriAt(other), { body: shortSdp });
    await other.next("INVITE");
    expect((await alice.finalResponse(sent)).status).toBe(408);
    await closes(other);
  });

  it("is closed after a trunk's call that was refused at once", async () => {
    await serverUnderTest.server.provision({ domain: "localhost", username: "busy", password: "offhook", aliases: ["+4955"] });
    const busy = await serverUnderTest.register("busy", "general");
    await serverUnderTest.server.api("PUT", "/domains/localhost/subscribers/busy/rules", { do_not_disturb: true });
    const trunk = { server: `sip:127.0.0.1:${other.port};transport=tcp`, inbound: true, prefixes: ["+1"] };
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/idle", trunk)).status).toBe(200);
    // A message of ours opens the connection that the call comes by.
    const sent = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
    other.reply(await other.next("MESSAGE"), 200);
    await alice.finalResponse(sent);
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${other.port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      "From: <sip:+49301234@provider.example>;tag=far",
      "To: <sip:+4955@localhost>",
      "Call-ID: refused-in-its-receipt",
      "CSeq: 1 INVITE",
      `Contact: <${uriAt(other)}>`,
    ];
    other.send(compose("INVITE sip:+4955@localhost SIP/2.0", lines, shortSdp));
    const answer = await other.next(({ status }) => status >= 300);
    expect(answer.status).toBe(486);
    busy.socket.close();
    await closes(other);
  });
});
