import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { shortSdp } from "../support/compose.ts";
import { header, headers } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { openSocket, refusedUpgrade } from "../support/sip-socket.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** Those who are no subscribers: guests of a domain, and servers of other domains. */
let serverUnderTest: ServerUnderTest;
const token = "a-token-that-nobody-guesses";

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest();
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true, calls_out: true });
  await serverUnderTest.server.api("PUT", "/domains/closed.example");
  await serverUnderTest.server.api("PUT", "/domains/localhost/peers/partner", { domains: ["partner.example"], token });
});
afterAll(() => serverUnderTest.close());

async function caller(account: string, domain: string, bearer?: string): Promise<Phone> {
  const authorization = bearer === undefined ? {} : { headers: { Authorization: `Bearer ${bearer}` } };
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, account, authorization);
  return new Phone(socket, { account, domain, way: "general" });
}

describe("a guest", () => {
  it("calls a user, and either hangs up", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    for (const ends of ["guest", "host"]) {
      const guest = await caller("visitor", "anonymous.invalid");
      const call = await establish(guest, alice);
      const answer = ends === "guest" ? await hangUp(guest, call.callerSide, alice) : await hangUp(alice, call.calleeSide, guest);
      expect(answer.status).toBe(200);
    }
  });

  it("gives up, and it stops ringing", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const guest = await caller("visitor", "anonymous.invalid");
    const invite = guest.request("INVITE", alice.aor, { body: shortSdp });
    alice.reply(await alice.next("INVITE"), 180);
    await guest.next(180);
    guest.cancel(invite);
    expect((await alice.next("CANCEL")).method).toBe("CANCEL");
  });

  it("writes", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const guest = await caller("visitor", "elsewhere.example");
    guest.request("MESSAGE", alice.aor, { body: "is anybody there?" });
    expect((await alice.next("MESSAGE")).body).toBe("is anybody there?");
  });

  it.each([
    ["who takes the name of a subscriber is challenged", "bob", "localhost", "alice", 407],
    ["of a domain that has none is refused", "visitor", "anonymous.invalid", "closed", 403],
    ["may not call another domain", "visitor", "anonymous.invalid", "elsewhere", 403],
    ["may not call a number that goes by a trunk", "visitor", "anonymous.invalid", "number", 403],
  ])("%s", async (_rule, account, domain, whom, status) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const uris: Record<string, string> = {
      alice: alice.aor,
      closed: "sip:somebody@closed.example",
      elsewhere: "sip:somebody@elsewhere.example",
      number: "sip:+4930555@localhost",
    };
    const guest = await caller(account === "bob" ? alice.account : account, domain);
    const answer = await guest.finalResponse(guest.request("INVITE", uris[whom] ?? "", { body: shortSdp }));
    expect(answer.status).toBe(status);
  });

  it("who has come in may not do more than call and write: 403", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const guest = await caller("visitor", "anonymous.invalid");
    guest.request("MESSAGE", alice.aor, { body: "hello" });
    alice.reply(await alice.next("MESSAGE"), 200);
    await guest.next(200);
    const watched = guest.request("SUBSCRIBE", alice.aor, { headers: [["Event", "presence"]] });
    expect((await guest.finalResponse(watched)).status).toBe(403);
    const elsewhere = guest.request("INVITE", "sip:somebody@elsewhere.example", { body: shortSdp });
    expect((await guest.finalResponse(elsewhere)).status).toBe(403);
    const forged = guest.request("MESSAGE", alice.aor, { from: `<${alice.aor}>;tag=1`, body: "it is me" });
    expect([403, 407]).toContain((await guest.finalResponse(forged)).status);
  });

  it.each(["sip:ceo@LOCALHOST", "sip:ceo@localhost.", "sip:%63eo@localhost", "sips:ceo@Localhost.", "sip:ceo@127.0.0.1"])(
    "may not call as %s: it is a name of a domain, or of the host, of ours",
    async (from) => {
      const [alice] = await serverUnderTest.phones("direct", "alice");
      const guest = await caller("visitor", "anonymous.invalid");
      const first = guest.request("MESSAGE", alice.aor, { body: "hello" });
      alice.reply(await alice.next("MESSAGE"), 200);
      await guest.finalResponse(first);
      const forged = guest.request("INVITE", alice.aor, { from: `<${from}>;tag=2`, body: shortSdp });
      expect([403, 407]).toContain((await guest.finalResponse(forged)).status);
      await alice.hearsNothing("INVITE", guest);
    },
  );

  it("asserts nothing, and has no phone answer by itself", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const guest = await caller("visitor", "anonymous.invalid");
    const names = ["P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info", "Call-Info", "Alert-Info", "Answer-Mode"];
    const lines = names.map((name): [string, string] => [name, "<sip:ceo@localhost>;answer-after=0;index=1"]);
    guest.request("INVITE", alice.aor, { headers: lines, body: shortSdp });
    const invite = await alice.next("INVITE");
    for (const name of names) expect([name, header(invite, name)]).toEqual([name, undefined]);
  });

  it("has two calls at once, and no more", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const guest = await caller("visitor", "anonymous.invalid");
    for (let count = 0; count < 2; count += 1) {
      guest.request("INVITE", alice.aor, { body: shortSdp });
      alice.reply(await alice.next("INVITE"), 180);
      await guest.next(180);
    }
    const third = guest.request("INVITE", alice.aor, { body: shortSdp });
    expect((await guest.finalResponse(third)).status).toBe(403);
  });
});

describe("a domain that has guests for some of its users", () => {
  const domain = "some-guests.example";
  beforeAll(async () => {
    for (const username of ["support", "private"]) {
      const aliases = username === "support" ? ["hotline"] : [];
      await serverUnderTest.server.provision({ domain, username, password: "offhook", aliases });
    }
    const answer = await serverUnderTest.server.api("PUT", `/domains/${domain}/settings`, { guests: ["support"] });
    expect([answer.status, ((await answer.json()) as { guests: unknown }).guests]).toEqual([200, ["support"]]);
  });

  const phone = async (account: string): Promise<Phone> => {
    const registered = await Phone.connect(serverUnderTest.server, { account, domain, way: "general" });
    expect((await registered.register()).status).toBe(200);
    return registered;
  };

  it("takes them to these, also by their aliases, and to nobody else: 403, like somebody who does not exist", async () => {
    const [support, other] = [await phone("support"), await phone("private")];
    const guest = await caller("visitor", "anonymous.invalid");
    for (const name of ["support", "hotline"]) {
      guest.request("MESSAGE", `sip:${name}@${domain}`, { body: "is anybody there?" });
      support.reply(await support.next("MESSAGE"), 200);
      expect((await guest.next(200)).status).toBe(200);
    }
    const refusals = [];
    for (const sender of [guest, await caller("visitor", "anonymous.invalid")]) {
      for (const name of ["private", "nobody"]) {
        const refusal = await sender.finalResponse(sender.request("INVITE", `sip:${name}@${domain}`, { body: shortSdp }));
        refusals.push(`${refusal.status} ${headers(refusal, "Warning")}`);
      }
    }
    expect(refusals.map((refusal) => refusal.slice(0, 3))).toEqual(["403", "403", "403", "403"]);
    expect([refusals[0], refusals[2]]).toEqual([refusals[1], refusals[3]]);
    expect(other.socket.rest()).toEqual([]);
  });

  it.each([
    ["a user who does not exist", { guests: ["support", "nobody"] }, /^guests: .*nobody/],
    ["what is no user name", { guests: ["a@b"] }, /guests/],
    ["neither a list nor true or false", { guests: "support" }, /guests/],
  ])("takes no list with %s: 400", async (_what, settings, detail) => {
    const answer = await serverUnderTest.server.api("PUT", `/domains/${domain}/settings`, settings);
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([400, expect.stringMatching(detail)]);
  });
});

describe("the server of another domain", () => {
  it("calls a user, and either hangs up", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    for (const ends of ["peer", "user"]) {
      const partner = await caller("carol", "partner.example", token);
      const call = await establish(partner, alice);
      const answer = ends === "peer" ? await hangUp(partner, call.callerSide, alice) : await hangUp(alice, call.calleeSide, partner);
      expect(answer.status).toBe(200);
      partner.socket.close();
    }
  });

  it("is called on its connection, if users may call out", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const partner = await caller("carol", "partner.example", token);
    const call = await establish(alice, partner);
    expect((await hangUp(partner, call.calleeSide, alice)).status).toBe(200);
    partner.socket.close();
  });

  it("with a token that is nobody's is refused: 401", async () => {
    const answer = await refusedUpgrade(`${serverUnderTest.server.wsUrl}/ws`, { headers: { Authorization: "Bearer guess" } });
    expect(answer.status).toBe(401);
  });

  it.each([
    ["in the name of another domain", "<sip:carol@elsewhere.example>;tag=1", "alice"],
    ["in the name of one of our users", "<sip:bob@localhost>;tag=1", "alice"],
    ["to another domain: no relay", "<sip:carol@partner.example>;tag=1", "elsewhere"],
  ])("may not call %s: 403", async (_rule, from, whom) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const partner = await caller("carol", "partner.example", token);
    const uri = whom === "alice" ? alice.aor : "sip:somebody@elsewhere.example";
    expect((await partner.finalResponse(partner.request("INVITE", uri, { from, body: shortSdp }))).status).toBe(403);
    partner.socket.close();
  });

  it("is not believed who calls, unless it is trusted (RFC 3325 §5)", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const partner = await caller("carol", "partner.example", token);
    partner.request("MESSAGE", alice.aor, { headers: [["P-Asserted-Identity", "<sip:boss@partner.example>"]], body: "hello" });
    expect(headers(await alice.next("MESSAGE"), "p-asserted-identity")).toEqual([]);
    partner.socket.close();
  });

  it.each([
    ["is told who calls, if it is trusted", true],
    ["is not told who calls, if it is not", false],
  ])("%s (RFC 3325 §5)", async (_rule, trusted) => {
    const bearer = `a-token-of-a-peer-that-is-trusted-${trusted}`;
    const domain = `trusted-${trusted}.example`;
    await serverUnderTest.server.api("PUT", `/domains/localhost/peers/trusted-${trusted}`, { domains: [domain], token: bearer, trusted });
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const peer = await caller("carol", domain, bearer);
    alice.request("INVITE", `sip:carol@${domain}`, { body: shortSdp });
    expect(headers(await peer.next("INVITE"), "p-asserted-identity")).toEqual(trusted ? [`<${alice.aor}>`] : []);
    peer.socket.close();
  });

  it("is not told what a peer that we trust has said of its caller, if it is not trusted itself (RFC 3325 §5)", async () => {
    const tokens = ["the-token-of-a-peer-that-is-trusted", "the-token-of-a-peer-that-is-not"] as const;
    await serverUnderTest.server.api("PUT", "/domains/localhost/peers/near", {
      domains: ["near.example"],
      token: tokens[0],
      trusted: true,
    });
    await serverUnderTest.server.api("PUT", "/domains/localhost/peers/far", { domains: ["far.example"], token: tokens[1] });
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const rules = { forward: { always: "sip:dave@far.example" } };
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, rules);
    const [near, far] = [await caller("carol", "near.example", tokens[0]), await caller("dave", "far.example", tokens[1])];
    near.request("INVITE", alice.aor, { headers: [["P-Asserted-Identity", "<sip:boss@near.example>"]], body: shortSdp });
    expect(headers(await far.next("INVITE"), "p-asserted-identity")).toEqual([]);
    for (const peer of [near, far]) peer.socket.close();
  });

  it("may not register anybody: 403", async () => {
    const partner = await caller("carol", "partner.example", token);
    expect((await partner.register({ to: "<sip:carol@partner.example>" })).status).toBe(403);
    partner.socket.close();
  });

  it("of a domain that is deleted loses its connection with it", async () => {
    const bearer = "a-token-for-a-domain-that-ends";
    await serverUnderTest.server.api("PUT", "/domains/short.example");
    await serverUnderTest.server.api("PUT", "/domains/short.example/peers/other", { domains: ["brief.example"], token: bearer });
    const peer = await caller("dave", "brief.example", bearer);
    peer.request("OPTIONS", "sip:short.example");
    await peer.next((one) => one.status > 0);
    await serverUnderTest.server.api("DELETE", "/domains/short.example");
    expect((await peer.socket.closed).code).toBe(4404);
  });

  it("that is taken off the list loses its connection at once", async () => {
    const other = "another-token-nobody-guesses";
    await serverUnderTest.server.api("PUT", "/domains/localhost/peers/other", { domains: ["other.example"], token: other });
    const peer = await caller("dave", "other.example", other);
    peer.request("OPTIONS", "sip:localhost");
    await peer.next(200);
    await serverUnderTest.server.api("DELETE", "/domains/localhost/peers/other");
    expect((await peer.socket.closed).code).toBe(4404);
    const answer = await refusedUpgrade(`${serverUnderTest.server.wsUrl}/ws`, { headers: { Authorization: `Bearer ${other}` } });
    expect(answer.status).toBe(401);
  });
});

it("a server whose users we do not know fills no more than a quarter of a user's stored messages, in however many names", async () => {
  const account = await serverUnderTest.newcomer("alice");
  const alice = await serverUnderTest.register(account, "general");
  expect((await alice.register({ expires: 0 })).status).toBe(200);
  const statuses = [];
  for (let count = 0; count < 30; count += 1) {
    const partner = await caller(`user${count}`, "partner.example", token);
    statuses.push((await partner.finalResponse(partner.request("MESSAGE", alice.aor, { body: `${count}` }))).status);
    partner.socket.close();
  }
  expect(statuses).toEqual([...Array<number>(25).fill(202), ...Array<number>(5).fill(480)]);
});

it("a guest gets no credentials, for whatever realm they are", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  const guest = await caller("visitor", "anonymous.invalid");
  const { calleeSide } = await establish(guest, alice);
  const credentials = 'Digest username="x", realm="evil", nonce="n", uri="sip:x", response="0123456789abcdef0123456789abcdef"';
  alice.inDialog("INFO", calleeSide, {
    headers: [
      ["Authorization", credentials],
      ["Proxy-Authorization", credentials],
    ],
  });
  const info = await guest.next("INFO");
  expect([headers(info, "authorization"), headers(info, "proxy-authorization")]).toEqual([[], []]);
});

it("a server whose users we do not know takes no more than a quarter of the places to watch a user, and users always watch themselves", async () => {
  const limited = await startServerUnderTest({ settings: { MAXIMUM_WATCHERS: "8" } });
  await limited.server.api("PUT", "/domains/localhost/peers/partner", { domains: ["partner.example"], token });
  const alice = await limited.register(await limited.newcomer("alice"), "direct");
  const socket = await openSocket(`${limited.server.wsUrl}/ws`, "partner", { headers: { Authorization: `Bearer ${token}` } });
  const headersOf = (event: string) => ({ headers: [["Event", event] as const, ["Expires", "600"] as const] });
  const statuses = [];
  for (let count = 0; count < 4; count += 1) {
    const partner = new Phone(socket, { account: `user${count}`, domain: "partner.example", way: "general" });
    statuses.push((await partner.finalResponse(partner.request("SUBSCRIBE", alice.aor, headersOf("presence")))).status);
  }
  expect(statuses).toEqual([200, 200, 480, 480]);
  const long = new Phone(socket, { account: "long", domain: "partner.example", way: "general" });
  const tooLong = long.request("SUBSCRIBE", alice.aor, { ...headersOf("presence"), callId: "c".repeat(3000) });
  expect((await long.finalResponse(tooLong)).status).toBe(400);
  for (let count = 0; count < 10; count += 1) expect((await alice.transact("SUBSCRIBE", alice.aor, headersOf("reg"))).status).toBe(200);
  await limited.close();
});

describe("a guest, or the server of another domain,", () => {
  it.each(["INVITE", "MESSAGE", "OPTIONS"])(
    "that wants to be redirected (RFC 3841 §9.1) is not told where a user is: %s",
    async (method) => {
      const [alice] = await serverUnderTest.phones("direct", "alice");
      for (const someone of [await caller("visitor", "anonymous.invalid"), await caller("user", "partner.example", token)]) {
        const sent = someone.request(method, alice.aor, { headers: [["Request-Disposition", "redirect"]] });
        alice.reply(await alice.next(method), 486);
        expect((await someone.finalResponse(sent)).status).toBe(486);
      }
    },
  );
});

it("guests of one address ring ten times at a user, and others still call", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  const guests = [];
  for (let count = 0; count < 6; count += 1) guests.push(await caller(`visitor${count}`, "anonymous.invalid"));
  const statuses: (number | undefined)[] = [];
  const answers = guests.flatMap((guest) =>
    [0, 1].map(async () => statuses.push((await guest.finalResponse(guest.request("INVITE", alice.aor, { body: shortSdp }))).status)),
  );
  await expect.poll(() => statuses).toEqual([480, 480]);
  for (let count = 0; count < 10; count += 1) alice.reply(await alice.next("INVITE"), 486);
  await Promise.all(answers);
  expect(statuses).toEqual([480, 480, ...Array<number>(10).fill(486)]);
  const [bob] = await serverUnderTest.phones("direct", "bob");
  const call = await establish(bob, alice);
  expect((await hangUp(bob, call.callerSide, alice)).status).toBe(200);
});
