import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { addresses, header, headers, parameter } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** Calls that leave for another server, over TCP. */
let serverUnderTest: ServerUnderTest;
let other: SipServer;
let alice: Phone;
let callee: string;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8,::1/128", TRANSACTION_TIMEOUT: "10" } });
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  other = await startSipServer();
  [alice] = await serverUnderTest.phones("direct", "alice");
  callee = `sip:bob@127.0.0.1:${other.port};transport=tcp`;
});
afterEach(() => other.close());

const contact = (): string => `Contact: <sip:bob@127.0.0.1:${other.port};transport=tcp>`;

async function talking() {
  const sent = alice.request("INVITE", callee, { body: shortSdp });
  const invite = await other.next("INVITE");
  other.reply(invite, 180);
  await alice.next(180);
  other.reply(invite, 200, [contact()], shortSdp);
  const answer = await alice.finalResponse(sent);
  const dialog = dialogOfCaller(answer);
  alice.ack(dialog);
  return { invite, answer, dialog, ack: await other.next("ACK") };
}

describe("a call to another server", () => {
  it("arrives with one Via of ours, over TCP, with the address it is seen at, and one Record-Route that leads there", async () => {
    alice.request("INVITE", callee, { body: shortSdp });
    const invite = await other.next("INVITE");
    const [via, ...more] = headers(invite, "via");
    expect([invite.requestUri, more.length]).toEqual([callee, 1]);
    const seen = /^SIP\/2\.0\/TCP (127\.0\.0\.1:\d+);branch=z9hG4bK[^;]+;rport;alias$/.exec(via ?? "")?.[1];
    expect(seen).toBeDefined();
    expect(addresses(invite, "record-route").map((route) => route.replace(/route\.[^@]+/, "route"))).toEqual([
      `<sip:route@${seen};transport=tcp;lr>`,
    ]);
    expect(invite.body).toBe(shortSdp);
  });

  it("is answered, acknowledged, and ended by the caller", async () => {
    const { dialog, ack } = await talking();
    expect(ack.requestUri).toContain(`127.0.0.1:${other.port}`);
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("is ended by the other side, on the same connection", async () => {
    const { invite } = await talking();
    const dialog = dialogOfCallee(invite, "theirs");
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${other.port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      ...dialog.routes.map((route) => `Route: ${route}`),
      `From: ${dialog.local}`,
      `To: ${dialog.remote}`,
      `Call-ID: ${dialog.callId}`,
      "CSeq: 1 BYE",
    ];
    other.send(compose(`BYE ${dialog.target} SIP/2.0`, lines));
    const bye = await alice.next("BYE");
    alice.reply(bye, 200);
    const answer = await other.next(200, { method: "BYE" });
    expect([other.connections(), headers(answer, "via").length]).toEqual([1, 1]);
  });

  it("is cancelled", async () => {
    const invite = alice.request("INVITE", callee, { body: shortSdp });
    const heard = await other.next("INVITE");
    other.reply(heard, 180);
    await alice.next(180);
    alice.cancel(invite);
    const cancel = await other.next("CANCEL");
    expect(header(cancel, "via")).toBe(header(heard, "via"));
    other.reply(cancel, 200);
    other.reply(heard, 487);
    expect((await other.next("ACK")).requestUri).toBe(callee);
    expect((await alice.next(487)).status).toBe(487);
  });

  it("is refused: the refusal goes up, the ACK is ours", async () => {
    const invite = alice.request("INVITE", callee, { body: shortSdp });
    const heard = await other.next("INVITE");
    other.reply(heard, 486);
    const ack = await other.next("ACK");
    expect([header(ack, "via"), header(ack, "to")]).toEqual([header(heard, "via"), expect.stringContaining("tag=theirs")]);
    expect((await alice.finalResponse(invite)).status).toBe(486);
  });

  it("that nobody answers ends by Timer B: 408", async () => {
    const invite = alice.request("INVITE", callee, { body: shortSdp });
    await other.next("INVITE");
    expect((await alice.finalResponse(invite)).status).toBe(408);
  });

  it("to a server that is not there ends at once: 500, since a 503 would be about us (RFC 3261 §16.7 step 6)", async () => {
    other.close();
    expect((await alice.finalResponse(alice.request("INVITE", callee, { body: shortSdp }))).status).toBe(500);
  });

  it("goes on over a new connection when the old one was cut", async () => {
    const { dialog } = await talking();
    const [before] = other.peers();
    other.cut();
    await expect.poll(() => other.peers().length === 1 && other.peers()[0] !== before).toBe(true);
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("survives that the caller's home loses its memory while it rings", async () => {
    const invite = alice.request("INVITE", callee, { body: shortSdp });
    const heard = await other.next("INVITE");
    other.reply(heard, 180);
    await alice.next(180);
    await serverUnderTest.server.evict(`sip:${alice.account}@localhost#1`, "hibernate");
    other.reply(heard, 200, [contact()], shortSdp);
    expect((await alice.finalResponse(invite)).status).toBe(200);
  });

  it("uses one connection for several calls", async () => {
    await talking();
    await talking();
    expect(other.connections()).toBe(1);
  });
});

describe("another server that asks the caller who he is (RFC 3261 §22.3)", () => {
  it.each(["direct", "general"] as const)("hears it from him, on the %s way", async (way) => {
    const [carol] = await serverUnderTest.phones(way, "carol");
    const first = carol.request("INVITE", callee, { body: shortSdp });
    const challenge = 'Digest realm="elsewhere.example", nonce="n1", qop="auth", algorithm=MD5';
    other.reply(await other.next("INVITE"), 407, [`Proxy-Authenticate: ${challenge}`]);
    const asked = await carol.finalResponse(first);
    expect([asked.status, header(asked, "proxy-authenticate")]).toEqual([407, challenge]);
    carol.ackRefusal(first, asked);
    const credentials = carol.authorization(asked, first);
    carol.request("INVITE", callee, { callId: first.callId, cseq: 2, body: shortSdp }, [credentials]);
    const second = await other.next((one) => one.method === "INVITE");
    expect(`Proxy-Authorization: ${header(second, "proxy-authorization")}`).toBe(credentials);
    other.reply(second, 486);
  });
});

describe("a server on IPv6", () => {
  it("is called, tells us our address, and is found again within the call (RFC 5118 §4.5)", async () => {
    const six = await startSipServer(0, "::1");
    callee = `sip:bob@[::1]:${six.port};transport=tcp`;
    const sent = alice.request("INVITE", callee, { body: shortSdp });
    const invite = await six.next("INVITE");
    expect(header(invite, "via")).toMatch(/^SIP\/2\.0\/TCP \[::1\]:\d+;branch=/);
    six.reply(invite, 200, [`Contact: <${callee}>`], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await six.next("ACK");
    const bye = alice.bye(dialog);
    six.reply(await six.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    six.close();
  });
});

describe("anything but a call", () => {
  it("goes there and back", async () => {
    const sent = alice.request("MESSAGE", callee, { body: "grüß Gott" });
    const heard = await other.next("MESSAGE");
    expect(Buffer.from(heard.body, "latin1").toString()).toBe("grüß Gott");
    other.reply(heard, 200);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });
});

describe("who may not", () => {
  it("nobody sends to networks that are not allowed (SSRF): 403", async () => {
    const answer = await alice.finalResponse(alice.request("INVITE", "sip:bob@10.0.0.1;transport=tcp", { body: shortSdp }));
    expect(answer.status).toBe(403);
  });

  it.each([22, 25, 53, 110, 143, 465, 587, 993, 995, 3306, 5432, 6379, 11_211])(
    "nobody sends to port %i, where no SIP server is: 403, which says so",
    async (port) => {
      const answer = await alice.finalResponse(alice.request("INVITE", `sip:bob@127.0.0.1:${port};transport=tcp`, { body: shortSdp }));
      expect([answer.status, header(answer, "warning")]).toEqual([403, `399 offhook "calls to port ${port} are not allowed"`]);
    },
  );

  it("users of a domain that does not let them call out: 403", async () => {
    await serverUnderTest.server.provision({ domain: "closed.example", username: "eve", password: "offhook" });
    const eve = await (
      await import("../support/phone.ts")
    ).Phone.connect(serverUnderTest.server, { account: "eve", domain: "closed.example", way: "general" });
    await eve.register();
    expect((await eve.finalResponse(eve.request("INVITE", callee, { body: shortSdp }))).status).toBe(403);
    expect(other.connections()).toBe(0);
  });

  it("the other server calls nobody here: 403, also with a forged route", async () => {
    await talking();
    const lines = (extra: readonly string[]) => [
      `Via: SIP/2.0/TCP 127.0.0.1:${other.port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      ...extra,
      "From: <sip:x@elsewhere.example>;tag=1",
      `To: <${alice.aor}>`,
      "Call-ID: strange",
      "CSeq: 1 INVITE",
    ];
    other.send(compose(`INVITE ${alice.aor} SIP/2.0`, lines([])));
    expect((await other.next(403)).status).toBe(403);
    other.send(compose(`INVITE ${alice.aor} SIP/2.0`, lines(["Route: <sip:route.forged@localhost;lr>"])));
    expect((await other.next(403)).status).toBe(403);
    expect(alice.socket.rest().filter(({ method }) => method === "INVITE")).toEqual([]);
  });

  it("answers that are forged, or by another server's connection, reach nobody", async () => {
    const third = await startSipServer();
    const sent = alice.request("INVITE", callee, { body: shortSdp });
    const invite = await other.next("INVITE");
    const elsewhere = alice.request("INVITE", `sip:eve@127.0.0.1:${third.port};transport=tcp`, { body: shortSdp });
    const second = await third.next("INVITE");
    // The other server's branch, by a connection that it was not minted for.
    third.reply(invite, 200, [contact()], shortSdp);
    const forged = (from: string, to: string) => ({
      ...invite,
      headers: invite.headers.map(([name, value]) => [name, value.replace(from, to)] as const),
    });
    const branch = parameter(header(invite, "via"), "branch") ?? "";
    const altered = branch[30] === "A" ? "B" : "A";
    other.reply(forged(branch, `${branch.slice(0, 30)}${altered}${branch.slice(31)}`), 200, [contact()], shortSdp);
    other.reply(forged(branch, "z9hG4bKforged.0123456789abcdef.0.x"), 200, [contact()], shortSdp);
    other.reply(invite, 486);
    third.reply(second, 486);
    expect([(await alice.finalResponse(sent)).status, (await alice.finalResponse(elsewhere)).status]).toEqual([486, 486]);
    expect(alice.socket.rest().filter(({ status }) => status >= 200)).toEqual([]);
    third.close();
  });

  it("a URI without TLS where sips is asked for: 503, and no plain connection", async () => {
    const answer = await alice.finalResponse(alice.request("INVITE", `sips:bob@127.0.0.1:${other.port};transport=udp`, { body: shortSdp }));
    expect([answer.status >= 400, other.rest().length]).toEqual([true, 0]);
  });
});
