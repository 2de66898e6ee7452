import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { openSocket } from "../support/sip-socket.ts";

/** Who may have calls at the expense of a domain: the table of docs/design/security.md, tried out. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;
let bob: Phone;
let mallory: Phone;
const token = "a-token-that-nobody-guesses";
const number = "sip:+1555@localhost";

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/${path}`, body);

beforeAll(async () => {
  const subscribers = [{ domain: "tenant.example", username: "mallory", password: "offhook" }];
  serverUnderTest = await startServerUnderTest({
    settings: { ALLOWED_NETWORKS: "127.0.0.0/8", RECURSE_ON_REDIRECT: "true" },
    subscribers,
  });
  provider = await startSipServer();
  refuseAll().catch(() => undefined);
  const trunk = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true };
  await api("PUT", "localhost/trunks/provider", trunk);
  await api("PUT", "localhost/settings", { guests: true });
  await api("PUT", "localhost/peers/partner", { domains: ["partner.example"], token });
  mallory = await Phone.connect(serverUnderTest.server, {
    ...{ account: "mallory", domain: "tenant.example", way: "direct" },
  });
  await mallory.register();
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
});
beforeEach(async () => {
  [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
});

const isRequest = ({ method }: ReceivedMessage): boolean => method === "INVITE" || method === "REFER";

/** The requests that have reached the trunk's server. */
let reached = 0;

/** The trunk's server refuses all that reaches it. */
async function refuseAll(): Promise<void> {
  for (;;) {
    const request = await provider.next(isRequest, { milliseconds: 600_000 });
    reached += 1;
    provider.reply(request, 486);
  }
}

/** The status of what the caller gets, and whether the trunk's server was asked. */
async function outcome(answer: Promise<ReceivedMessage>): Promise<readonly [status: number, reaches: boolean]> {
  const before = reached;
  const { status } = await answer;
  return [status, reached > before];
}

const calls = (phone: Phone, uri: string, method = "INVITE", headers: readonly (readonly [string, string])[] = []) =>
  phone.finalResponse(phone.request(method, uri, { body: shortSdp, headers }));

async function stranger(
  account: string,
  domain: string,
  { headers = {}, query = "" }: { headers?: Record<string, string>; query?: string } = {},
) {
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws${query}`, account, { headers });
  return new Phone(socket, { account, domain, way: "general" });
}
const guest = () => stranger("visitor", "anonymous.invalid");
const peer = () => stranger("carol", "partner.example", { headers: { Authorization: `Bearer ${token}` } });

async function guestWithToken(): Promise<Phone> {
  const body = { users: [bob.account], seconds: 60 };
  const made = (await (await api("POST", "localhost/guest-tokens", body)).json()) as { token: string };
  return stranger("visitor", "anonymous.invalid", { query: `?access_token=${made.token}` });
}

async function trunkCalls(uri: string): Promise<ReceivedMessage> {
  const opening = alice.request("MESSAGE", number, { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await alice.finalResponse(opening);
  const callId = newBranch();
  provider.send(
    compose(
      `INVITE ${uri} SIP/2.0`,
      [
        `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
        ...["Max-Forwards: 70", "From: <sip:+49301234@provider.example>;tag=far", `To: <${uri}>`, `Call-ID: ${callId}`, "CSeq: 1 INVITE"],
        `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`,
      ],
      shortSdp,
    ),
  );
  return provider.next((one) => one.status >= 200 && header(one, "call-id") === callId);
}

const callsOut = (value: boolean) => api("PUT", "localhost/settings", { guests: true, calls_out: value });
const forwards = (domain: string, user: string, to: string) =>
  api("PUT", `${domain}/subscribers/${user}/rules`, { forward: { always: to } });

/** The phone answers the next INVITE with a redirection to the number. */
async function redirected(caller: Phone, phone: Phone): Promise<ReceivedMessage> {
  const answer = calls(caller, phone.aor);
  phone.reply(await phone.next("INVITE"), 302, { contact: `<${number}>` });
  return answer;
}

type Row = readonly [who: string, status: number, reaches: boolean, does: () => Promise<ReceivedMessage>];

const rows: readonly Row[] = [
  ["a user", 486, true, () => calls(alice, number)],
  ["a user of a domain that calls out", 486, true, () => callsOut(true).then(() => calls(alice, number))],
  [
    "a user of a domain that does not, to the trunk's server by its address",
    403,
    false,
    () => callsOut(false).then(() => calls(alice, `sip:+1555@127.0.0.1:${provider.port};transport=tcp`)),
  ],
  ["a guest", 403, false, () => guest().then((phone) => calls(phone, number))],
  ["a guest with a token", 403, false, () => guestWithToken().then((phone) => calls(phone, number))],
  ["a guest's REFER", 403, false, () => guest().then((phone) => calls(phone, number, "REFER", [["Refer-To", `<${number}>`]]))],
  ["a peer", 404, false, () => peer().then((phone) => calls(phone, number))],
  ["an untrusted trunk", 404, false, () => trunkCalls(number)],
  ["a user of another domain", 404, false, () => calls(mallory, number)],
  ["the REFER of a user of another domain", 404, false, () => calls(mallory, number, "REFER", [["Refer-To", `<${number}>`]])],
  ["the REFER of a user, outside a call", 403, false, () => calls(alice, number, "REFER", [["Refer-To", `<${number}>`]])],
  [
    "a forwarding rule of a user, for a user",
    486,
    true,
    () => forwards("localhost", bob.account, number).then(() => calls(alice, bob.aor)),
  ],
  [
    "a forwarding rule of a user, for a guest",
    486,
    true,
    () =>
      forwards("localhost", bob.account, number)
        .then(guest)
        .then((phone) => calls(phone, bob.aor)),
  ],
  [
    "a forwarding rule of a user, for a guest with a token",
    486,
    true,
    () =>
      forwards("localhost", bob.account, number)
        .then(guestWithToken)
        .then((phone) => calls(phone, bob.aor)),
  ],
  [
    "a forwarding rule of a user, for a peer",
    486,
    true,
    () =>
      forwards("localhost", bob.account, number)
        .then(peer)
        .then((phone) => calls(phone, bob.aor)),
  ],
  [
    "a forwarding rule of a user of another domain",
    404,
    false,
    () => forwards("tenant.example", "mallory", number).then(() => calls(alice, mallory.aor)),
  ],
  ["a phone's 3xx, for a user", 486, true, () => redirected(alice, bob)],
  ["a phone's 3xx, for a guest", 486, true, () => guest().then((phone) => redirected(phone, bob))],
  [
    "the 3xx of a phone of another domain",
    404,
    false,
    () => api("DELETE", "tenant.example/subscribers/mallory/rules").then(() => redirected(alice, mallory)),
  ],
];

describe("a trunk is reached, or not, by", () => {
  it.each(rows)("%s: %i, %s", async (_who, status, reaches, does) => {
    expect(await outcome(does())).toEqual([status, reaches]);
  });
});

describe("a server of a trunk that says which numbers it may call", () => {
  it("is not called past the trunk by users of a domain that calls out: it may know us by our address", async () => {
    const settings = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], forbidden_destinations: ["+1900"] };
    await api("PUT", "localhost/trunks/provider", settings);
    await callsOut(true);
    const at = (user: string) => `sip:${user}@127.0.0.1:${provider.port};transport=tcp`;
    expect(await outcome(calls(alice, at("+1900555")))).toEqual([403, false]);
    expect(await outcome(calls(alice, at("+1-900-555")))).toEqual([403, false]);
    expect(await outcome(calls(alice, at("+1555")))).toEqual([486, true]);
    for (const user of ["+1;900555", "900555;phone-context=+1", "+1:900555"])
      expect([user, await outcome(calls(alice, at(user)))]).toEqual([user, [403, false]]);
  });

  it("has to be allowed by all trunks of the domain that name it", async () => {
    const settings = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, forbidden_destinations: ["+7900"] };
    await api("PUT", "localhost/trunks/second", settings);
    await callsOut(true);
    const at = (user: string) => `sip:${user}@127.0.0.1:${provider.port};transport=tcp`;
    for (const number of ["+1900555", "+7900555"]) expect(await outcome(calls(alice, at(number)))).toEqual([403, false]);
    await api("DELETE", "localhost/trunks/second");
  });

  it.each(["1,900555", "1%E2%80%8B900555", "+1%E2%80%8B900555", "1*900555"])(
    "is not called, nor referred to, by a number that it could read as a forbidden one: %s",
    async (user) => {
      const settings = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1", "1"], format: "plain" };
      await api("PUT", "localhost/trunks/provider", { ...settings, forbidden_destinations: ["+1900"] });
      const [status, reaches] = await outcome(calls(alice, `sip:${user}@localhost`));
      expect([[403, 484].includes(status), reaches]).toEqual([true, false]);
    },
  );
});
