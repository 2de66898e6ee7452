import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { readChallenge } from "../support/digest.ts";
import { addresses, header, headers, type ReceivedMessage, uriIn } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** A provider of telephone numbers: we register there, call by it, and are called by it. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let count = 0;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({
    settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "10", RECONNECT_TIME: "1" },
  });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  provider = await startSipServer();
  count += 1;
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", `/domains/localhost/trunks/t${count}`);
  provider.close();
});

const account = { username: "4930555", password: "secret" };
const challenge = 'Digest realm="provider", nonce="n1", qop="auth", algorithm=MD5';

async function trunk(settings: object): Promise<void> {
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  const answer = await serverUnderTest.server.api("PUT", `/domains/localhost/trunks/t${count}`, { server, ...settings });
  expect(answer.status).toBe(200);
}

/** Whether credentials are those of the account. */
function areRight(value: string | undefined, method: string): boolean {
  const { realm, nonce, uri, nc, cnonce, response, username } = readChallenge(value ?? "");
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");
  const secret = md5(`${account.username}:${realm}:${account.password}`);
  return username === account.username && response === md5(`${secret}:${nonce}:${nc}:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
}

async function registers(): Promise<ReceivedMessage> {
  const first = await provider.next("REGISTER");
  provider.reply(first, 401, [`WWW-Authenticate: ${challenge}`]);
  const second = await provider.next("REGISTER");
  expect(areRight(header(second, "authorization"), "REGISTER")).toBe(true);
  provider.reply(second, 200, [`Contact: ${header(second, "contact")};expires=120`]);
  return second;
}

/** Seconds that the trunk's status says; 0 if it is not registered. */
async function registeredFor(): Promise<number> {
  const { servers } = (await (await serverUnderTest.server.api("GET", `/domains/localhost/trunks/t${count}/status`)).json()) as {
    servers: { registered_until: string | null }[];
  };
  const until = servers[0]?.registered_until ?? null;
  return until === null ? 0 : (Date.parse(until) - Date.now()) / 1000;
}

/** A request of the provider's, outside a dialog; returns its lines, for CANCEL and ACK. */
function asks(
  method: string,
  uri: string,
  to: string,
  more: readonly string[] = [],
  body = "",
  from = "<sip:+49301234@provider.example>",
): { branch: string; callId: string } {
  const [branch, callId] = [newBranch(), newBranch()];
  const lines = [
    `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${branch}`,
    "Max-Forwards: 70",
    `From: ${from};tag=far`,
    `To: <${to}>`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`,
    ...more,
  ];
  provider.send(compose(`${method} ${uri} SIP/2.0`, lines, body));
  return { branch, callId };
}

async function called(more: { trusted?: boolean } = {}): Promise<{ alice: Phone; number: string; contact: string }> {
  const number = `+4930555${count}`;
  const username = await serverUnderTest.newcomer("alice", [number]);
  const alice = await serverUnderTest.register(username, "direct");
  await trunk({ ...account, register: true, inbound: true, ...more });
  const contact = uriIn(header(await registers(), "contact"));
  return { alice, number, contact };
}

describe("a trunk that we register at (RFC 3261 §10.2)", () => {
  it("is answered when it asks who we are, and knows the way back: our end of the connection", async () => {
    await trunk({ ...account, register: true });
    const registered = await registers();
    expect(header(registered, "contact")).toMatch(/^<sip:4930555@127\.0\.0\.1:\d+;transport=tcp>$/);
  });

  it("is registered at again when the connection was lost", async () => {
    await trunk({ ...account, register: true });
    const first = await registers();
    provider.cut();
    expect(header(await registers(), "call-id")).toBe(header(first, "call-id"));
  });

  it("is told that no more calls shall come when the trunk is deleted (§10.2.2)", async () => {
    await trunk({ ...account, register: true });
    const first = await registers();
    await serverUnderTest.server.api("DELETE", `/domains/localhost/trunks/t${count}`);
    const last = await provider.next("REGISTER");
    expect([header(last, "contact"), header(last, "expires")]).toEqual([header(first, "contact"), "0"]);
    provider.reply(last, 401, [`WWW-Authenticate: ${challenge}`]);
    const second = await provider.next("REGISTER");
    expect(areRight(header(second, "authorization"), "REGISTER")).toBe(true);
    provider.reply(second, 200);
  });

  it("is told so too when all of the domain is deleted", async () => {
    await serverUnderTest.server.api("PUT", "/domains/short.example");
    const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
    await serverUnderTest.server.api("PUT", "/domains/short.example/trunks/t", { server, ...account, register: true });
    await registers();
    await serverUnderTest.server.api("DELETE", "/domains/short.example");
    const last = await provider.next("REGISTER");
    expect(header(last, "expires")).toBe("0");
    provider.reply(last, 200);
  });

  it("is told to forget where the lost connection was", async () => {
    await trunk({ ...account, register: true });
    const first = await registers();
    provider.cut();
    const second = await registers();
    const last = await provider.next("REGISTER");
    expect([header(last, "contact"), header(last, "expires")]).toEqual([header(first, "contact"), "0"]);
    expect(header(second, "contact")).not.toBe(header(first, "contact"));
    provider.reply(last, 200);
  });

  it("is answered again where only the nonce was stale (RFC 7616 §3.3), and not where it was right", async () => {
    await trunk({ ...account, register: true });
    const stale = challenge.replace("n1", "n2").replace(", qop", ", stale=true, qop");
    provider.reply(await provider.next("REGISTER"), 401, [`WWW-Authenticate: ${challenge}`]);
    provider.reply(await provider.next("REGISTER"), 401, [`WWW-Authenticate: ${stale}`]);
    const third = await provider.next("REGISTER");
    expect([areRight(header(third, "authorization"), "REGISTER"), readChallenge(header(third, "authorization") ?? "")["nonce"]]).toEqual([
      true,
      "n2",
    ]);
    provider.reply(third, 401, [`WWW-Authenticate: ${challenge.replace("n1", "n3")}`]);
    // It is a new attempt, after a while, that has no credentials.
    expect(header(await provider.next("REGISTER"), "authorization")).toBeUndefined();
  });

  it("is asked for as long as it wants to have us (RFC 3261 §10.2.8)", async () => {
    await trunk({ ...account, register: true });
    const first = await provider.next("REGISTER");
    provider.reply(first, 423, ["Min-Expires: 1800"]);
    const second = await provider.next("REGISTER");
    expect([header(first, "expires"), header(second, "expires")]).toEqual(["600", "1800"]);
    expect(header(second, "call-id")).toBe(header(first, "call-id"));
    provider.reply(second, 200, [`Contact: ${header(second, "contact")};expires=1800`]);
    await expect.poll(() => registeredFor()).toBeGreaterThan(1700);
  });

  it("is believed for how long, by our own Contact among others (§10.2.4)", async () => {
    await trunk({ ...account, register: true });
    const register = await provider.next("REGISTER");
    const own = header(register, "contact") ?? "";
    const other = own.replace(/(:\d+);transport/, "$10;transport");
    provider.reply(register, 200, [`Contact: ${other};expires=3000, "us" ${own.replace(">", ";x=y>")};q=0.5;expires=300`, "Expires: 2000"]);
    await expect.poll(() => registeredFor()).toBeGreaterThan(250);
    expect(await registeredFor()).toBeLessThanOrEqual(300);
  });

  it("is left alone for as long as its Retry-After says (§20.33)", async () => {
    await trunk({ ...account, register: true });
    const at = Date.now();
    provider.reply(await provider.next("REGISTER"), 503, ["Retry-After: 4"]);
    await registers();
    expect(Date.now() - at).toBeGreaterThan(3900);
  });

  it("that does not find our Contact in what it has has not registered us", async () => {
    await trunk({ ...account, register: true });
    const register = await provider.next("REGISTER");
    const [one, other] = ["<sip:4930555@192.0.2.1>", "<sip:4930555@192.0.2.2>"];
    provider.reply(register, 200, [`Contact: ${one};expires=300, ${other};expires=300`]);
    await registers();
    await expect.poll(() => registeredFor()).toBeGreaterThan(100);
  });

  it("has the name of its account escaped in URIs, and as it is in credentials", async () => {
    await trunk({ username: "box/7 @acme", password: "secret", register: true });
    const first = await provider.next("REGISTER");
    expect([header(first, "to"), uriIn(header(first, "contact"))]).toEqual([
      "<sip:box/7%20%40acme@127.0.0.1>",
      expect.stringMatching(/^sip:box\/7%20%40acme@127/),
    ]);
    provider.reply(first, 401, [`WWW-Authenticate: ${challenge}`]);
    const second = await provider.next("REGISTER");
    expect(readChallenge(header(second, "authorization") ?? "")["username"]).toBe("box/7 @acme");
    provider.reply(second, 200);
  });

  it("never shows its password", async () => {
    await trunk(account);
    const list = await (await serverUnderTest.server.api("GET", "/domains/localhost/trunks")).text();
    expect([list.includes("4930555"), list.includes("secret")]).toEqual([true, false]);
  });
});

describe("a call that comes from a trunk", () => {
  it("rings at whoever has the number, is answered, and ended by the caller", async () => {
    const { alice, number, contact } = await called();
    asks("INVITE", contact, `sip:${number}@provider.example`, [], shortSdp);
    const invite = await alice.next("INVITE");
    alice.reply(invite, 200, { body: shortSdp });
    const answer = await provider.next(200, { method: "INVITE" });
    const dialog = dialogOfCaller(answer);
    const lines = (method: string, cseq: number) => [
      `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      ...dialog.routes.map((route) => `Route: ${route}`),
      `From: ${dialog.local}`,
      `To: ${dialog.remote}`,
      `Call-ID: ${dialog.callId}`,
      `CSeq: ${cseq} ${method}`,
    ];
    provider.send(compose(`ACK ${dialog.target} SIP/2.0`, lines("ACK", 1)));
    await alice.next("ACK");
    provider.send(compose(`BYE ${dialog.target} SIP/2.0`, lines("BYE", 2)));
    alice.reply(await alice.next("BYE"), 200);
    expect((await provider.next(200, { method: "BYE" })).status).toBe(200);
  });

  it("is ended by the callee, along our Record-Route, which names our end of the connection", async () => {
    const { alice, number, contact } = await called();
    asks("INVITE", contact, `sip:${number}@provider.example`, [], shortSdp);
    const invite = await alice.next("INVITE");
    const [host] = /127\.0\.0\.1:\d+/.exec(contact) ?? [];
    expect(addresses(invite, "record-route").map((route) => route.replace(/route\.[^@]+/, "route"))).toEqual([
      `<sip:route@${host};transport=tcp;lr>`,
    ]);
    alice.reply(invite, 200, { body: shortSdp });
    await provider.next(200, { method: "INVITE" });
    const bye = alice.bye(dialogOfCallee(invite, alice.tag));
    const heard = await provider.next("BYE");
    expect(heard.requestUri).toContain(`127.0.0.1:${provider.port}`);
    provider.reply(heard, 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("is cancelled", async () => {
    const { alice, number, contact } = await called();
    const { branch, callId } = asks("INVITE", contact, `sip:${number}@provider.example`, [], shortSdp);
    const invite = await alice.next("INVITE");
    alice.reply(invite, 180);
    await provider.next(180);
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${branch}`,
      "Max-Forwards: 70",
      "From: <sip:+49301234@provider.example>;tag=far",
      `To: <sip:${number}@provider.example>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 CANCEL",
    ];
    provider.send(compose(`CANCEL ${contact} SIP/2.0`, lines));
    await provider.next(200, { method: "CANCEL" });
    alice.reply(await alice.next("CANCEL"), 200);
    alice.reply(invite, 487);
    expect((await provider.next(487)).status).toBe(487);
  });

  it("goes to whom a route of the domain says, and by none to another server", async () => {
    const { alice, contact } = await called();
    const routes = "/domains/localhost/routes";
    const settings = {
      match: { user: { prefix: "+4989" }, caller: { prefix: `t${count}@` } },
      action: { kind: "local", user: alice.account },
    };
    await serverUnderTest.server.api("PUT", `${routes}/did`, settings);
    asks("INVITE", contact, "sip:+4989777@provider.example", [], shortSdp);
    expect((await alice.next("INVITE")).method).toBe("INVITE");
    await serverUnderTest.server.api("PUT", `${routes}/did`, { action: { kind: "retarget", uri: "sip:somebody@elsewhere.example" } });
    asks("INVITE", contact, "sip:+999@provider.example", [], shortSdp);
    expect((await provider.next(404)).status).toBe(404);
    await serverUnderTest.server.api("DELETE", `${routes}/did`);
  });

  it("for a number that nobody has draws 404", async () => {
    const { contact } = await called();
    asks("INVITE", contact, "sip:+999@provider.example", [], shortSdp);
    expect((await provider.next(404)).status).toBe(404);
  });

  it("has its asserted identity taken off, if the trunk is not trusted (RFC 3325 §5)", async () => {
    const { alice, number, contact } = await called();
    asks("INVITE", contact, `sip:${number}@provider.example`, ["P-Asserted-Identity: <sip:ceo@localhost>"], shortSdp);
    expect(headers(await alice.next("INVITE"), "p-asserted-identity")).toEqual([]);
  });

  it.each(["ceo@localhost", "ceo@LOCALHOST.", "localhost"])(
    "of an untrusted trunk is not taken under a name of our domain: %s",
    async (from) => {
      const { number, contact } = await called();
      asks("INVITE", contact, `sip:${number}@provider.example`, [], shortSdp, `<sip:${from}>`);
      expect((await provider.next(403)).status).toBe(403);
    },
  );

  it("of an untrusted trunk is taken under a number that is nobody's here, though it has our domain", async () => {
    const { alice, number, contact } = await called();
    asks("INVITE", contact, `sip:${number}@provider.example`, [], shortSdp, "<sip:+15550100@localhost>");
    expect((await alice.next("INVITE")).method).toBe("INVITE");
  });

  describe("a NOTIFY outside any subscription", () => {
    const allow = (unsolicited_notify: boolean) => serverUnderTest.server.api("PUT", "/domains/localhost/settings", { unsolicited_notify });
    afterEach(() => allow(false));
    const restarts = ["Event: check-sync;reboot=true", "Subscription-State: active"];

    it.each([
      ["an untrusted trunk", false, true],
      ["a trusted trunk, where the domain does not allow it", true, false],
    ])("of %s draws 481", async (_whom, trusted, allowed) => {
      expect((await allow(allowed)).status).toBe(200);
      const { alice, number, contact } = await called({ trusted });
      asks("NOTIFY", contact, `sip:${number}@provider.example`, restarts);
      expect((await provider.next(481)).status).toBe(481);
      const [carol] = await serverUnderTest.phones("direct", "carol");
      await alice.hearsNothing("NOTIFY", carol);
    });

    it("of a trusted trunk reaches the phone where the domain allows it", async () => {
      expect((await allow(true)).status).toBe(200);
      const { alice, number, contact } = await called({ trusted: true });
      asks("NOTIFY", contact, `sip:${number}@provider.example`, restarts);
      expect(header(await alice.next("NOTIFY"), "event")).toBe("check-sync;reboot=true");
    });
  });

  it.each([
    ["reaches the phone", [], ["<sip:ceo@provider.example>"]],
    ["does not, where the caller wants it so (Privacy: id)", ["Privacy: id"], []],
  ])("what a trusted trunk says of the caller %s (RFC 3325 §5)", async (_rule, lines, heard) => {
    const { alice, number, contact } = await called({ trusted: true });
    asks("INVITE", contact, `sip:${number}@provider.example`, ["P-Asserted-Identity: <sip:ceo@provider.example>", ...lines], shortSdp);
    expect(headers(await alice.next("INVITE"), "p-asserted-identity")).toEqual(heard);
  });

  it("is refused where calls are not taken: 403", async () => {
    await trunk({ ...account, register: true });
    await registers();
    asks("INVITE", "sip:4930555@localhost", "sip:4930555@localhost", [], shortSdp);
    expect((await provider.next(403)).status).toBe(403);
  });
});

describe("a call that goes by a trunk", () => {
  it("goes there by its prefix, under the number at the trunk, with the caller's identity if it is trusted", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    await trunk({ prefixes: ["+49"], trusted: true });
    alice.request("INVITE", "sip:+4989123@localhost", { body: shortSdp });
    const invite = await provider.next("INVITE");
    expect(invite.requestUri).toBe(`sip:+4989123@127.0.0.1:${provider.port};transport=tcp`);
    expect(headers(invite, "p-asserted-identity")).toEqual([`<sip:${alice.account}@localhost>`]);
  });

  it("of a tel URI goes there too, and an untrusted trunk is not told who calls", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    await trunk({ prefixes: ["+49"] });
    alice.request("INVITE", "tel:+4989123", { body: shortSdp });
    const invite = await provider.next("INVITE");
    expect([invite.requestUri, headers(invite, "p-asserted-identity")]).toEqual([
      `sip:+4989123@127.0.0.1:${provider.port};transport=tcp`,
      [],
    ]);
  });

  it("is nobody's but his who has placed it: 482 for another user's INVITE with its Call-ID", async () => {
    const [alice, mallory] = await serverUnderTest.phones("direct", "alice", "mallory");
    await trunk({ prefixes: ["+49"] });
    const { callId } = alice.request("INVITE", "sip:+4989123@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 180);
    await alice.next(180);
    const forged = mallory.request("INVITE", "sip:+4989123@localhost", { callId, body: shortSdp });
    expect((await mallory.finalResponse(forged)).status).toBe(482);
    const within = mallory.request("BYE", "sip:+4989123@localhost", { callId, to: "<sip:+4989123@localhost>;tag=far", cseq: 9 });
    expect((await mallory.finalResponse(within)).status).toBe(481);
    expect(provider.rest().filter((one) => one.method === "BYE")).toEqual([]);
  });

  it("is authenticated when the trunk asks (RFC 3261 §22)", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await trunk({ ...account, prefixes: [""] });
    const sent = alice.request("INVITE", "sip:0123@localhost", { body: shortSdp });
    const first = await provider.next("INVITE");
    provider.reply(first, 407, [`Proxy-Authenticate: ${challenge}`]);
    await provider.next("ACK");
    const second = await provider.next("INVITE");
    expect(areRight(header(second, "proxy-authorization"), "INVITE")).toBe(true);
    expect(header(second, "via")).not.toBe(header(first, "via"));
    expect([header(first, "cseq"), header(second, "cseq")]).toEqual(["1 INVITE", "2 INVITE"]);
    provider.reply(second, 200, [`Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`], shortSdp);
    const answer = await alice.finalResponse(sent);
    expect(answer.status).toBe(200);
    alice.ack(dialogOfCaller(answer));
    expect((await provider.next("ACK")).method).toBe("ACK");
  });

  it("is cancelled in the transaction that has our credentials", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await trunk({ ...account, prefixes: [""] });
    const sent = alice.request("INVITE", "sip:0123@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 407, [`Proxy-Authenticate: ${challenge}`]);
    const second = await provider.next((one) => header(one, "proxy-authorization") !== undefined);
    provider.reply(second, 180);
    await alice.next(180);
    alice.cancel(sent);
    const cancel = await provider.next("CANCEL");
    expect(header(cancel, "via")).toBe(header(second, "via"));
    provider.reply(cancel, 200);
    provider.reply(second, 487);
    expect((await alice.next(487)).status).toBe(487);
  });

  it("that goes on refusing our credentials gives up: the refusal goes up", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await trunk({ ...account, prefixes: [""] });
    const sent = alice.request("INVITE", "sip:0123@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 407, [`Proxy-Authenticate: ${challenge}`]);
    provider.reply(await provider.next((one) => header(one, "proxy-authorization") !== undefined), 407, [
      `Proxy-Authenticate: ${challenge}`,
    ]);
    expect((await alice.finalResponse(sent)).status).toBe(407);
  });

  it("does not go there if the user part is a subscriber's, or no prefix fits", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    await trunk({ prefixes: ["+49", "bob"] });
    alice.request("INVITE", bob.aor, { body: shortSdp });
    await bob.next("INVITE");
    expect((await alice.finalResponse(alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp }))).status).toBe(404);
    expect(provider.rest()).toEqual([]);
  });
});

describe("a trunk's settings", () => {
  it.each([
    ["a server that is no SIP URI", { server: "http://example.com" }],
    ["a server with a user", { server: "sip:bob@example.com" }],
    ["a registration without a username", { server: "sip:example.com", register: true }],
    ["a username that breaks its line", { server: "sip:example.com", username: "a\r\nTo: b" }],
    ["a member that is not known", { server: "sip:example.com", colour: "red" }],
  ])("refuse %s: 400", async (_name, body) => {
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/wrong", body)).status).toBe(400);
  });

  it("of a trunk that is not there: 404", async () => {
    expect((await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/nowhere")).status).toBe(404);
    expect((await serverUnderTest.server.api("GET", "/domains/nowhere.example/trunks")).status).toBe(404);
  });
});
