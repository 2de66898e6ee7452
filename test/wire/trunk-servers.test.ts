import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { header, type ReceivedMessage } from "../support/received-message.ts";
import type { Phone, Sent } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** Trunks with several servers: which of them gets a call, and what happens when one fails. */
let serverUnderTest: ServerUnderTest;
let servers: readonly [SipServer, SipServer];
let alice: Phone;
let count = 0;

beforeAll(async () => {
  const settings = {
    ALLOWED_NETWORKS: "127.0.0.0/8",
    TRANSACTION_TIMEOUT: "5",
    RECONNECT_TIME: "1",
    MAXIMUM_RECONNECT_TIME: "2",
    HOP_IDLE_TIME: "3",
  };
  serverUnderTest = await startServerUnderTest({ settings });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  servers = [await startSipServer(), await startSipServer()];
  [alice] = await serverUnderTest.phones("direct", "alice");
  count += 1;
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", `/domains/localhost/trunks/t${count}`);
  for (const server of servers) server.close();
});

const uriOf = ({ port }: SipServer): string => `sip:127.0.0.1:${port};transport=tcp`;
const contact = (server: SipServer): string => `Contact: <sip:far@127.0.0.1:${server.port};transport=tcp>`;
const account = { username: "4930555", password: "secret" };

/** A trunk for numbers that begin with +49; its servers' ranks, `[priority, weight]` each. */
async function trunk(
  settings: object,
  ranks: readonly (readonly [number, number])[] = [
    [1, 1],
    [2, 1],
  ],
): Promise<void> {
  const members = ranks.map(([priority, weight], index) => ({ uri: uriOf(servers[index] as SipServer), priority, weight }));
  const body = { servers: members, prefixes: ["+49"], ...settings };
  const answer = await serverUnderTest.server.api("PUT", `/domains/localhost/trunks/t${count}`, body);
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

const call = (number = "+4989123"): Sent => alice.request("INVITE", `sip:${number}@localhost`, { body: shortSdp });

interface Status {
  readonly port: number;
  readonly connected: boolean;
  readonly registered_until: string | null;
  readonly redirected_to: string | null;
  readonly options: { readonly status: number } | null;
  readonly well: boolean;
  readonly calls: number;
}

async function status(): Promise<readonly Status[]> {
  const answer = await serverUnderTest.server.api("GET", `/domains/localhost/trunks/t${count}/status`);
  return ((await answer.json()) as { servers: Status[] }).servers;
}

/** Whichever of the servers gets the INVITE. */
async function whoGets(): Promise<{ readonly server: SipServer; readonly invite: ReceivedMessage }> {
  const called = (): SipServer | undefined => servers.find((one) => one.rest().some(({ method }) => method === "INVITE"));
  await expect.poll(called, { interval: 10 }).toBeDefined();
  const server = called() as SipServer;
  return { server, invite: await server.next("INVITE") };
}

/** Once it has done what it was about to do, the caller's home loses its memory. */
async function sleeps(): Promise<void> {
  const home = `sip:${alice.account}@localhost#1`;
  await serverUnderTest.server.query(home, "SELECT COUNT(*) FROM bindings");
  await serverUnderTest.server.evict(home, "hibernate");
}

describe("a trunk with several servers (RFC 2782)", () => {
  it("is called at the one of the lowest priority, by its own URI", async () => {
    await trunk({}, [
      [2, 1],
      [1, 1],
    ]);
    call();
    expect((await servers[1].next("INVITE")).requestUri).toBe(uriOf(servers[1]).replace("sip:", "sip:+4989123@"));
    expect(servers[0].rest()).toEqual([]);
  });

  it("shares its calls among those of one priority by their weights", async () => {
    await trunk({}, [
      [1, 1],
      [1, 1],
    ]);
    const got = new Map<SipServer, number>();
    for (let calls = 0; calls < 24; calls += 1) {
      const sent = call();
      const { server, invite } = await whoGets();
      got.set(server, (got.get(server) ?? 0) + 1);
      server.reply(invite, 486);
      expect((await alice.finalResponse(sent)).status).toBe(486);
    }
    expect(got.size).toBe(2);
  });

  it("gives the larger share to the larger weight", async () => {
    await trunk({}, [
      [1, 1],
      [1, 4],
    ]);
    const got = new Map<SipServer, number>();
    for (let calls = 0; calls < 30; calls += 1) {
      const sent = call();
      const { server, invite } = await whoGets();
      got.set(server, (got.get(server) ?? 0) + 1);
      server.reply(invite, 486);
      await alice.finalResponse(sent);
    }
    // By chance it would be otherwise once in some 100,000 times.
    expect(got.get(servers[1])).toBeGreaterThan(15);
  });

  it("is cancelled where it was called, though the caller's home has lost its memory", async () => {
    await trunk({}, [
      [1, 1],
      [1, 1],
    ]);
    for (let calls = 0; calls < 3; calls += 1) {
      const sent = call();
      const { server, invite } = await whoGets();
      server.reply(invite, 180);
      await alice.next(180);
      await sleeps();
      alice.cancel(sent);
      // The other server may have been told too: then it has a CANCEL that means nothing to it.
      const cancel = await server.next((one) => one.method === "CANCEL" && header(one, "via") === header(invite, "via"));
      server.reply(cancel, 200);
      server.reply(invite, 487);
      expect((await alice.next(487)).status).toBe(487);
    }
    expect(servers.flatMap((server) => server.rest()).filter(({ method }) => method === "INVITE")).toEqual([]);
  });
});

describe("a server that has failed is tried last for a while (RFC 3263 §4.3, RFC 3261 §21.5.4)", () => {
  it("if it could not be reached, also when it is back", async () => {
    await trunk({});
    servers[0].close();
    const sent = call();
    servers[1].reply(await servers[1].next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    servers = [await startSipServer(servers[0].port), servers[1]];
    const again = call();
    servers[1].reply(await servers[1].next("INVITE"), 486);
    expect((await alice.finalResponse(again)).status).toBe(486);
    expect(servers[0].connections()).toBe(0);
  });

  it("but it is tried where no other can be reached", async () => {
    await trunk({});
    servers[0].close();
    const sent = call();
    servers[1].reply(await servers[1].next("INVITE"), 486);
    await alice.finalResponse(sent);
    servers[1].close();
    servers = [await startSipServer(servers[0].port), servers[1]];
    const again = call();
    servers[0].reply(await servers[0].next("INVITE"), 486);
    expect((await alice.finalResponse(again)).status).toBe(486);
  });

  it("if it is silent until Timer B: then the next one is called (RFC 3263 §4.3)", async () => {
    await trunk({});
    const sent = call();
    await servers[0].next("INVITE");
    const invite = await servers[1].next("INVITE");
    servers[1].reply(invite, 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
  });

  it("if it is silent until Timer B, though the caller's home has slept, and then the one after it", async () => {
    const third = await startSipServer();
    await trunk({ servers: [...servers, third].map((server, priority) => ({ uri: uriOf(server), priority })) });
    const sent = call();
    for (const silent of servers) {
      await silent.next("INVITE");
      await sleeps();
    }
    const invite = await third.next("INVITE");
    expect(servers.flatMap((server) => server.rest()).filter(({ method }) => method === "INVITE")).toEqual([]);
    third.reply(invite, 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    third.close();
  });

  it("if it answered 503 to a home that has slept", async () => {
    await trunk({});
    const sent = call();
    const invite = await servers[0].next("INVITE");
    await sleeps();
    servers[0].reply(invite, 503);
    servers[1].reply(await servers[1].next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
  });

  it("and if all are silent, or answer 503, that is the answer", async () => {
    await trunk({});
    const sent = call();
    await servers[0].next("INVITE");
    await sleeps();
    servers[1].reply(await servers[1].next("INVITE"), 503);
    // RFC 3261 §16.7 step 6: a 503 would say that it is we who cannot.
    expect((await alice.finalResponse(sent)).status).toBe(500);
    const again = call();
    for (const silent of servers) {
      await silent.next("INVITE");
      await sleeps();
    }
    expect((await alice.finalResponse(again)).status).toBe(408);
  });

  it("if it answered 503, for the time of its Retry-After", async () => {
    await trunk({});
    const sent = call();
    servers[0].reply(await servers[0].next("INVITE"), 503, ["Retry-After: 2"]);
    servers[1].reply(await servers[1].next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    const tried: number[] = [];
    const tries = async (): Promise<number> => {
      const next = call();
      const { server, invite } = await whoGets();
      server.reply(invite, 486);
      await alice.finalResponse(next);
      tried.push(server.port);
      return server.port;
    };
    await expect.poll(tries).toBe(servers[0].port);
    expect(tried[0]).toBe(servers[1].port);
  });
});

describe("a trunk with several connections to its server", () => {
  it("shares its calls among them, and each call keeps to its own, also after a loss of memory", async () => {
    await trunk({ connections: 3 }, [[1, 1]]);
    const [server] = servers;
    const seen = new Set<string>();
    for (let calls = 0; calls < 30; calls += 1) {
      const sent = call();
      const invite = await server.next("INVITE");
      const [host = ""] = /127\.0\.0\.1:\d+/.exec(header(invite, "via") ?? "") ?? [];
      seen.add(host);
      server.replyAt(host, invite, 200, [contact(server)], shortSdp);
      const dialog = dialogOfCaller(await alice.finalResponse(sent));
      alice.ack(dialog);
      await server.next("ACK");
      if (calls === 6) await sleeps();
      const bye = alice.bye(dialog);
      const heard = await server.next("BYE");
      expect(header(heard, "via")).toContain(host);
      server.replyAt(host, heard, 200);
      expect((await alice.finalResponse(bye)).status).toBe(200);
    }
    expect([seen.size, (await status()).length]).toEqual([3, 3]);
  });
});

describe("a trunk that is full", () => {
  it("leads to its next server, and in the end to a refusal; a line that is free again is used", async () => {
    await trunk({ maximum_calls: 1 });
    const sent = call();
    servers[0].reply(await servers[0].next("INVITE"), 200, [contact(servers[0])], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await servers[0].next("ACK");
    const second = call();
    const ringing = await servers[1].next("INVITE");
    servers[1].reply(ringing, 180);
    await alice.next(180);
    const refusal = await alice.finalResponse(call());
    expect([refusal.status, refusal.reason]).toEqual([480, "All lines of the trunk are in use"]);
    expect((await status()).map(({ calls }) => calls)).toEqual([1, 1]);
    servers[1].reply(ringing, 486);
    await alice.finalResponse(second);
    const bye = alice.bye(dialog);
    servers[0].reply(await servers[0].next("BYE"), 200);
    await alice.finalResponse(bye);
    call();
    await servers[0].next("INVITE");
  });

  it("has its own calls refused: 480, with the reason, and not 503, which would speak for all of us (RFC 3261 §21.5.4)", async () => {
    await serverUnderTest.server.provision({
      domain: "localhost",
      username: alice.account,
      password: "offhook",
      aliases: [`+49305${count}`],
    });
    await trunk({ maximum_calls: 1, inbound: true });
    call();
    await servers[0].next("INVITE");
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${servers[0].port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      "From: <sip:+491@provider.example>;tag=far",
      `To: <sip:+49305${count}@localhost>`,
      `Call-ID: ${newBranch()}`,
      "CSeq: 1 INVITE",
      contact(servers[0]),
    ];
    servers[0].send(compose(`INVITE sip:+49305${count}@localhost SIP/2.0`, lines, shortSdp));
    const refusal = await servers[0].next(480);
    expect([refusal.reason, header(refusal, "retry-after")]).toEqual(["All lines of the trunk are in use", undefined]);
    expect(alice.socket.rest().filter(({ method }) => method === "INVITE")).toEqual([]);
  });
});

describe("a trunk that writes numbers in its own way", () => {
  const format = { country_code: "49", prefix: "0", international_prefix: "00" };

  it.each([
    ["+4989123", "089123"],
    ["+15551234", "0015551234"],
  ])("is called at %s as %s", async (ours, theirs) => {
    await trunk({ format, prefixes: ["+"] });
    call(ours);
    expect((await servers[0].next("INVITE")).requestUri).toContain(`sip:${theirs}@`);
  });

  it("calls whoever has the international number", async () => {
    await serverUnderTest.server.provision({
      domain: "localhost",
      username: alice.account,
      password: "offhook",
      aliases: [`+49307${count}`],
    });
    await trunk({ format, inbound: true });
    const opening = alice.request("MESSAGE", "sip:+491@localhost", { body: "hello" });
    servers[0].reply(await servers[0].next("MESSAGE"), 200);
    await alice.finalResponse(opening);
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${servers[0].port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      "From: <sip:089@provider.example>;tag=far",
      `To: <sip:0307${count}@localhost>`,
      `Call-ID: ${newBranch()}`,
      "CSeq: 1 INVITE",
      contact(servers[0]),
    ];
    servers[0].send(compose(`INVITE sip:0307${count}@localhost SIP/2.0`, lines, shortSdp));
    const invite = await alice.next("INVITE");
    alice.reply(invite, 486);
    expect((await servers[0].next(486)).status).toBe(486);
  });
});

describe("a server that is asked whether it is well (RFC 3261 §11)", () => {
  it("and does not answer takes no calls until it has answered", async () => {
    await trunk({ options_interval: 5 });
    await expect.poll(async () => (await status()).map(({ options }) => options?.status)).toEqual([200, 200]);
    servers[0].health = 503;
    await expect.poll(async () => (await status()).map(({ well }) => well)).toEqual([false, true]);
    const sent = call();
    servers[1].reply(await servers[1].next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    expect(servers[0].rest()).toEqual([]);
    servers[0].health = 200;
    await expect.poll(async () => (await status()).map(({ well }) => well)).toEqual([true, true]);
  });
});

describe("a registration at a trunk with several servers", () => {
  const registers = async (server: SipServer): Promise<ReceivedMessage> => {
    const register = await server.next("REGISTER");
    server.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);
    return register;
  };
  const registered = async () => (await status()).map(({ registered_until }) => registered_until !== null);

  it("is made at the first, shown, and ended with the trunk's wish", async () => {
    await trunk({ ...account, register: true });
    await registers(servers[0]);
    await expect.poll(registered).toEqual([true, false]);
    expect((await status()).map(({ connected }) => connected)).toEqual([true, false]);
    await trunk({ ...account, register: false });
    const last = await servers[0].next("REGISTER");
    expect(header(last, "expires")).toBe("0");
    servers[0].reply(last, 200);
    await expect.poll(registered).toEqual([false, false]);
  });

  it("goes to the next while the first cannot be reached, and comes back", async () => {
    await trunk({ ...account, register: true });
    await registers(servers[0]);
    await expect.poll(registered).toEqual([true, false]);
    servers[0].close();
    await registers(servers[1]);
    await expect.poll(registered).toEqual([false, true]);
    servers = [await startSipServer(servers[0].port), servers[1]];
    await registers(servers[0]);
    const last = await servers[1].next("REGISTER");
    expect(header(last, "expires")).toBe("0");
    servers[1].reply(last, 200);
    await expect.poll(registered).toEqual([true, false]);
  });

  it("that is refused is tried again, later and later (RFC 5626 §4.5)", async () => {
    await trunk({ ...account, register: true }, [[1, 1]]);
    for (let attempts = 0; attempts < 3; attempts += 1) servers[0].reply(await servers[0].next("REGISTER"), 403);
    await registers(servers[0]);
    await expect.poll(registered).toEqual([true]);
  });
});

describe("a registrar's 3xx (RFC 3261 §8.1.3.4)", () => {
  let other: SipServer;
  beforeEach(async () => {
    other = await startSipServer();
  });
  afterEach(() => other.close());
  const oneServer = [[1, 1]] as const;
  const redirects = async (to: string): Promise<ReceivedMessage> => {
    const register = await servers[0].next("REGISTER");
    servers[0].reply(register, 302, [to]);
    return register;
  };
  const shown = async () =>
    (await status()).map(({ port, registered_until, redirected_to }) => [port, registered_until !== null, redirected_to]);
  const callTo = (uri: string, number: string): string => {
    const ends = ["From: <sip:+491@far.example>;tag=far", `To: <sip:${number}@far.example>`, "Call-ID: in-call", "CSeq: 1 INVITE"];
    const via = `Via: SIP/2.0/TCP 127.0.0.1:${other.port};branch=${newBranch()}`;
    return compose(`INVITE ${uri} SIP/2.0`, [via, "Max-Forwards: 70", ...ends, contact(other)], shortSdp);
  };
  const accepts = (register: ReceivedMessage, server = other) =>
    server.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);

  it("is followed: the other server registers the same address, is shown, and its calls are the trunk's", async () => {
    await trunk({ ...account, register: true, inbound: true }, oneServer);
    const first = await redirects(`Contact: <${uriOf(other)}>;expires=600`);
    const challenged = await other.next("REGISTER");
    other.reply(challenged, 401, ['WWW-Authenticate: Digest realm="far", nonce="n1", qop="auth", algorithm=MD5']);
    const second = await other.next("REGISTER");
    expect([header(second, "to"), second.requestUri]).toEqual([header(first, "to"), "sip:127.0.0.1"]);
    expect(header(second, "authorization")).toContain('username="4930555"');
    accepts(second);
    await expect.poll(shown).toEqual([
      [servers[0].port, false, `127.0.0.1:${other.port}`],
      [other.port, true, null],
    ]);
    const number = `+4930555${count}`;
    const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob", [number]), "direct");
    other.send(callTo(/<([^>]+)>/.exec(header(second, "contact") ?? "")?.[1] ?? "", number));
    bob.reply(await bob.next("INVITE"), 486);
    expect((await other.next(486)).status).toBe(486);
    await trunk({ ...account, register: false }, oneServer);
    const last = await other.next("REGISTER");
    expect([header(last, "expires"), header(last, "to")]).toEqual(["0", header(first, "to")]);
    other.reply(last, 200);
    await expect.poll(shown).toEqual([[servers[0].port, false, null]]);
  });

  it("goes by the preference of its Contacts, and past those that cannot be used", async () => {
    await trunk({ ...account, register: true }, oneServer);
    const unusable = ["<sip:127.0.0.1:25;transport=tcp>;q=1", "<sip:127.0.0.1:5060;transport=udp>;q=0.9"];
    await redirects(`Contact: <sip:127.0.0.1:9;transport=tcp>;q=0.1, ${unusable.join(", ")}, <${uriOf(other)}>;q=0.8`);
    accepts(await other.next("REGISTER"));
    await expect.poll(shown).toEqual([
      [servers[0].port, false, `127.0.0.1:${other.port}`],
      [other.port, true, null],
    ]);
  });

  it("of a server that was redirected to is not followed, and nor is one to nowhere: the next server registers us", async () => {
    await trunk({ ...account, register: true });
    await redirects(`Contact: <${uriOf(other)}>`);
    other.reply(await other.next("REGISTER"), 302, [`Contact: <${uriOf(servers[0])}>`]);
    accepts(await servers[1].next("REGISTER"), servers[1]);
    await expect.poll(async () => (await shown())[1]).toEqual([servers[1].port, true, null]);
  });

  it.each([
    ["names a private port", "Contact: <sip:127.0.0.1:22;transport=tcp>"],
    ["names nobody", "Contact: *"],
    ["cannot be read", "Contact: <sip:127.0.0.1:x>"],
    ["has no Contact", "X-Nothing: here"],
    ["names the server itself", "itself"],
  ])("that %s is a failure, and is tried again", async (_what, line) => {
    await trunk({ ...account, register: true }, oneServer);
    await redirects(line === "itself" ? `Contact: <${uriOf(servers[0])}>` : line);
    accepts(await servers[0].next("REGISTER"), servers[0]);
    await expect.poll(shown).toEqual([[servers[0].port, true, null]]);
  });

  it("is over when the server registers us itself: the other one is told", async () => {
    await trunk({ ...account, register: true }, oneServer);
    await redirects(`Contact: <${uriOf(other)}>`);
    accepts(await other.next("REGISTER"));
    await expect.poll(async () => (await shown())[1]).toEqual([other.port, true, null]);
    // The trunk is stored again.
    await trunk({ ...account, register: true }, oneServer);
    accepts(await servers[0].next("REGISTER"), servers[0]);
    const last = await other.next("REGISTER");
    expect(header(last, "expires")).toBe("0");
    other.reply(last, 200);
    await expect.poll(shown).toEqual([[servers[0].port, true, null]]);
  });
});

const bearer = () => ({ Authorization: `Bearer ${serverUnderTest.server.adminToken}` });

describe("a registrar's 3xx that goes wrong", () => {
  let other: SipServer;
  beforeEach(async () => {
    other = await startSipServer(0, "127.0.0.2");
  });
  afterEach(() => other.close());
  const there = () => uriOf(other).replace("127.0.0.1", "127.0.0.2");
  const shown = async () => (await status()).map(({ port, registered_until }) => [port, registered_until !== null]);
  const redirects = async (to: string): Promise<void> => servers[0].reply(await servers[0].next("REGISTER"), 302, [`Contact: ${to}`]);
  const accepts = async (server: SipServer): Promise<ReceivedMessage> => {
    const register = await server.next("REGISTER");
    server.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);
    return register;
  };
  const oneServer = [[1, 1]] as const;

  it("leads to another server of the trunk: that one stays registered", async () => {
    await trunk({ ...account, register: true });
    await redirects(`<${uriOf(servers[1])}>`);
    await accepts(servers[1]);
    await expect.poll(shown).toEqual([
      [servers[0].port, false],
      [servers[1].port, true],
    ]);
    await sleep(1500);
    expect([await shown(), servers[1].rest()]).toEqual([
      [
        [servers[0].port, false],
        [servers[1].port, true],
      ],
      [],
    ]);
  });

  it("leads to the server that the trunk has from now on: that one stays registered", async () => {
    await trunk({ ...account, register: true }, oneServer);
    await redirects(`<${there()}>`);
    await accepts(other);
    await expect.poll(async () => (await shown())[1]).toEqual([other.port, true]);
    await trunk({ ...account, register: true, servers: [{ uri: there(), priority: 1, weight: 1 }] });
    const again = await accepts(other);
    expect([header(again, "expires"), header(again, "to")]).toEqual(["600", "<sip:4930555@127.0.0.2>"]);
    await sleep(1500);
    expect([await shown(), other.rest()]).toEqual([[[other.port, true]], []]);
  });

  it("leads to a server that cannot be reached: the next Contact is tried, and then the server itself", async () => {
    const dead = await startSipServer();
    dead.close();
    await trunk({ ...account, register: true }, oneServer);
    await redirects(`<${uriOf(dead)}>;q=1;expires=86400, <${there()}>;q=0.5`);
    other.reply(await other.next("REGISTER"), 503);
    await redirects(`<${there()}>`);
    await accepts(other);
    await expect.poll(async () => (await shown()).at(-1)).toEqual([other.port, true]);
  });

  it("names the trunk's first server, which cannot register us either: it is tried again all the same", async () => {
    await trunk({ ...account, register: true });
    servers[0].reply(await servers[0].next("REGISTER"), 503);
    servers[1].reply(await servers[1].next("REGISTER"), 302, [`Contact: <${uriOf(servers[0])}>`]);
    servers[0].reply(await servers[0].next("REGISTER"), 503);
    await accepts(servers[1]);
    await accepts(servers[0]);
    await expect.poll(async () => (await shown())[0]).toEqual([servers[0].port, true]);
  });

  it("is given again after a failure: the trunk counts as well again, and its next server is not needed", async () => {
    await trunk({ ...account, register: true });
    await redirects(`<${there()}>`);
    await accepts(other);
    await expect.poll(async () => (await shown())[2]).toEqual([other.port, true]);
    await trunk({ ...account, register: true });
    servers[0].reply(await servers[0].next("REGISTER"), 503);
    await accepts(servers[1]);
    await redirects(`<${there()}>`);
    await accepts(other);
    const last = await servers[1].next("REGISTER");
    expect(header(last, "expires")).toBe("0");
    servers[1].reply(last, 200);
    const metrics = async () => (await fetch(`${serverUnderTest.server.url}/metrics`, { headers: bearer() })).text();
    await expect.poll(metrics).not.toMatch(new RegExp(`failing_servers\\{[^}]*trunk="t${count}"[^}]*\\} [1-9]`));
  });

  it("is taken back with the address that was registered", async () => {
    await trunk({ ...account, register: true }, oneServer);
    await redirects(`<${there()}>`);
    expect(header(await accepts(other), "to")).toBe("<sip:4930555@127.0.0.1>");
    await expect.poll(async () => (await shown())[1]).toEqual([other.port, true]);
    await serverUnderTest.server.api("DELETE", `/domains/localhost/trunks/t${count}`);
    const last = await other.next("REGISTER");
    expect([header(last, "to"), header(last, "expires")]).toEqual(["<sip:4930555@127.0.0.1>", "0"]);
    other.reply(last, 200);
  });

  it("leads to a WebSocket, which does not get the token of the trunk's servers", async () => {
    const heard: IncomingMessage[] = [];
    const webSockets = createServer().on("upgrade", (request, socket) => {
      heard.push(request);
      socket.destroy();
    });
    await once(webSockets.listen(0, "127.0.0.3"), "listening");
    const { port } = webSockets.address() as AddressInfo;
    await trunk({ ...account, register: true, token: "a-token-for-the-servers-of-this-trunk" }, oneServer);
    await redirects(`<sip:127.0.0.3:${port};transport=ws>`);
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    expect(heard[0]?.headers.authorization).toBeUndefined();
    webSockets.close();
  });
});

describe("a server that is none of the trunk's any more", () => {
  const oneServer = [[1, 1]] as const;
  const accepts = async (server: SipServer): Promise<void> => {
    const register = await server.next("REGISTER");
    server.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);
  };
  const toOther = () => ({ servers: [{ uri: uriOf(servers[1]), priority: 1, weight: 1 }] });
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");

  it("is asked to forget us in the name of the account that it knows", async () => {
    await trunk({ username: "old", password: "old-secret", register: true }, oneServer);
    await accepts(servers[0]);
    await expect.poll(async () => (await status())[0]?.registered_until).not.toBe(null);
    await trunk({ username: "new", password: "new-secret", register: true, ...toOther() });
    servers[0].reply(await servers[0].next("REGISTER"), 401, ['WWW-Authenticate: Digest realm="any", nonce="n", algorithm=MD5']);
    const last = await servers[0].next("REGISTER");
    const expected = md5(`${md5("old:any:old-secret")}:n:${md5(`REGISTER:${last.requestUri}`)}`);
    expect(header(last, "authorization")).toContain(`response="${expected}"`);
    servers[0].reply(last, 200);
  });

  it.each([true, false])(
    "does not call as the trunk, and its connection ends, whatever it sends; the trunk registers: %s",
    async (register) => {
      const [former] = servers;
      const number = `+4930777${count}`;
      await serverUnderTest.register(await serverUnderTest.newcomer("bob", [number]), "direct");
      const settings = { ...account, register, inbound: true, trusted: true };
      await trunk(settings, oneServer);
      if (register) await accepts(former);
      else former.reply(await called(former), 486);
      await expect.poll(() => former.connections()).toBe(1);
      const asks = setInterval(() => former.send(sent("OPTIONS", "sip:localhost", "sip:localhost")), 500);
      await trunk({ ...settings, ...toOther() });
      if (register) former.reply(await former.next("REGISTER"), 200);
      if (register) await accepts(servers[1]);
      former.send(sent("INVITE", `sip:${number}@localhost`, `sip:${number}@localhost`));
      expect(header(await former.next(403, { method: "INVITE" }), "warning")).toContain("calls from this server are not accepted");
      await expect.poll(() => former.connections(), { timeout: 15_000 }).toBe(0);
      clearInterval(asks);
    },
  );

  it("does not call as another trunk of the same name, and does when it belongs to that", async () => {
    const [former] = servers;
    const number = `+4930778${count}`;
    const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob", [number]), "direct");
    const invite = () => former.send(sent("INVITE", `sip:${number}@localhost`, `sip:${number}@localhost`));
    await trunk({ inbound: true }, oneServer);
    former.reply(await called(former), 486);
    await expect.poll(() => former.connections()).toBe(1);
    await serverUnderTest.server.api("DELETE", `/domains/localhost/trunks/t${count}`);
    await trunk({ inbound: true, ...toOther() });
    invite();
    expect(header(await former.next(403, { method: "INVITE" }), "warning")).toContain("calls from this server are not accepted");
    await trunk({ inbound: true }, oneServer);
    invite();
    bob.reply(await bob.next("INVITE"), 486);
    expect((await former.next(486)).status).toBe(486);
  });

  async function called(server: SipServer): Promise<ReceivedMessage> {
    call();
    return server.next("INVITE");
  }
  const sent = (method: string, uri: string, to: string): string => {
    const ends = ["From: <sip:+491@far.example>;tag=far", `To: <${to}>`, `Call-ID: ${newBranch()}`, `CSeq: 1 ${method}`];
    const via = `Via: SIP/2.0/TCP 127.0.0.1:${servers[0].port};branch=${newBranch()}`;
    return compose(
      `${method} ${uri} SIP/2.0`,
      [via, "Max-Forwards: 70", ...ends, contact(servers[0])],
      method === "INVITE" ? shortSdp : "",
    );
  };
});

describe("a trunk's settings", () => {
  const server = "sip:example.com";
  it.each<readonly [string, object]>([
    ["neither a server nor servers", {}],
    ["both a server and servers", { server, servers: [{ uri: server }] }],
    ["no servers at all", { servers: [] }],
    ["a server with a user", { servers: [{ uri: "sip:bob@example.com" }] }],
    ["a weight below 0", { servers: [{ uri: server, weight: -1 }] }],
    ["a format that is not known", { server, format: "roman" }],
    ["a country code that is none", { server, format: { country_code: "049" } }],
    ["less than no calls", { server, maximum_calls: -1 }],
    ["no connections", { server, connections: 0 }],
    ["OPTIONS without a pause", { server, options_interval: 1 }],
  ])("refuse %s: 400", async (_name, body) => {
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/wrong", body)).status).toBe(400);
  });

  it("are shown with what was left out, one server as servers", async () => {
    await serverUnderTest.server.api("PUT", `/domains/localhost/trunks/t${count}`, { server });
    const { trunks } = (await (await serverUnderTest.server.api("GET", "/domains/localhost/trunks")).json()) as { trunks: object[] };
    expect(trunks).toEqual([
      {
        ...{ name: `t${count}`, register: false, inbound: false, trusted: false, prefixes: [] },
        ...{ format: "e164", maximum_calls: 0, connections: 1, options_interval: 0, servers: [{ uri: server, priority: 1, weight: 1 }] },
        ...{ identity: "pass", verify: "off", refer: "pass" },
        media: { profile: "auto", codecs: [], service: "", dtmf: "auto" },
      },
    ]);
  });

  it("of a trunk that is not there have no status: 404", async () => {
    expect((await serverUnderTest.server.api("GET", "/domains/localhost/trunks/nowhere/status")).status).toBe(404);
  });
});
