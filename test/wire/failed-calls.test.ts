import { afterAll, describe, expect, it } from "vitest";
import { Phone } from "../support/phone.ts";
import { startSipServer } from "../support/sip-server.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
afterAll(() => serverUnderTest.close());

interface Failed {
  readonly call_id: string;
  readonly status: number;
  readonly why?: string;
}

const traceOf = async (account: string, query: string): Promise<Response> =>
  serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${account}/trace${query}`);

describe.each(ways)("a call that failed, when its home has slept since, on the %s way", (way) => {
  it("is told of by the API, with its messages and our reason", async () => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const callId = `failed-${way}`;
    alice.request("INVITE", "sip:nobody@localhost", { callId });
    await alice.next(404);
    await serverUnderTest.server.evict(`sip:${alice.account}@localhost#1`, "hibernate");
    const { entries, failed } = (await (await traceOf(alice.account, "")).json()) as { entries: unknown[]; failed: Failed[] };
    expect(entries).toEqual([]);
    expect(failed).toMatchObject([{ call_id: callId, status: 404, why: "there is no such user" }]);
    const text = await (await traceOf(alice.account, `?format=text&call_id=${callId}`)).text();
    expect(text).toMatch(/Z <-- \S{8}\nINVITE sip:nobody@localhost SIP\/2\.0\n/);
    expect(text).toMatch(/Z --> \S{8}\nSIP\/2\.0 404 Not Found\n/);
    expect(text).not.toMatch(/response="/);
  });

  it("costs nothing of a stranger's, who is challenged", async () => {
    const account = await serverUnderTest.newcomer("alice");
    await serverUnderTest.register(account, way);
    const stranger = await serverUnderTest.connect(account, way, { password: "a guess" });
    stranger.request("INVITE", "sip:nobody@localhost");
    await stranger.next(407);
    expect(await (await traceOf(account, "")).json()).toMatchObject({ failed: [] });
  });
});

describe("a guest's call, who has not authenticated", () => {
  const guest = async (): Promise<Phone> => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
    return new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
  };
  const failedAt = async (account: string): Promise<Failed[]> =>
    ((await (await traceOf(account, "")).json()) as { failed: Failed[] }).failed;

  it("that a phone has refused is told of at the home of the user", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const caller = await guest();
    caller.request("INVITE", alice.aor, { callId: "guest-refused" });
    alice.reply(await alice.next("INVITE"), 486);
    await caller.next(486);
    expect(await failedAt(alice.account)).toMatchObject([{ call_id: "guest-refused", status: 486 }]);
  });

  it("costs no row where it rings at no phone", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, { do_not_disturb: true });
    const caller = await guest();
    caller.request("INVITE", alice.aor, { callId: "guest-in-vain" });
    await caller.next(486);
    expect(await failedAt(alice.account)).toEqual([]);
  });
});

it("a question to the redirect server, whoever asks, costs no row of the home that it is about", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, { do_not_disturb: true });
  const account = await serverUnderTest.newcomer("asker");
  const requester = new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/redirect`, account), { account, way: "general" });
  expect((await requester.transact("INVITE", alice.aor)).status).toBe(486);
  expect(await (await traceOf(alice.account, "")).json()).toMatchObject({ failed: [] });
});

it("a call to another server, which refuses it, is told of once at the caller's home, with the INVITE after any ringing", async () => {
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
  const other = await startSipServer();
  const [alice] = await serverUnderTest.phones("direct", "alice");
  alice.request("INVITE", `sip:bob@127.0.0.1:${other.port};transport=tcp`, { callId: "refused-elsewhere" });
  const invite = await other.next("INVITE");
  other.reply(invite, 180);
  await alice.next(180);
  await serverUnderTest.server.evict(`sip:${alice.account}@localhost#1`, "hibernate");
  other.reply(invite, 486);
  await alice.next(486);
  const { failed } = (await (await traceOf(alice.account, "")).json()) as { failed: Failed[] };
  expect(failed).toMatchObject([{ call_id: "refused-elsewhere", side: "caller", status: 486, messages: [{ direction: "in" }, {}] }]);
  expect(JSON.stringify(failed)).toContain("INVITE sip:bob@127.0.0.1");
  other.close();
});
