import { env, exports } from "cloudflare:workers";
import { listDurableObjectIds, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { directoryOf } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import type { ReceivedMessage } from "../support/received-message.ts";
import { audience, encoded, issuer, newSigner } from "../support/tokens.ts";
import { connectDedicated } from "../../workers/home-socket.ts";
import { firstOpening } from "../../workers/first-opening.ts";
import { verifyToken } from "../../workers/token-sign-in.ts";
import { api, homeOf, newcomers, phoneOn, registered } from "./support/homes.ts";
import { newDomain } from "./support/keys.ts";

const signer = await newSigner();
const now = () => Math.floor(Date.now() / 1000);
let keySet: object = {};
const asked: string[] = [];
vi.stubGlobal("fetch", (input: RequestInfo | URL) => {
  asked.push(new Request(input).url);
  return Promise.resolve(Response.json(keySet));
});
const putIssuer = (domain: string, changes: object = {}) =>
  api(`/domains/${domain}/issuers/login`, {
    method: "PUT",
    body: JSON.stringify({ issuer, jwks_uri: "https://1.1.1.1/jwks.json", audience: [audience], clock_skew: 0, ...changes }),
  });
const upgrade = (path: string, more: Readonly<Record<string, string>> = {}) =>
  exports.default.fetch(`http://localhost${path}`, { headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", ...more } });

async function phoneAt(path: string, account: string, more: Readonly<Record<string, string>> = {}): Promise<Phone> {
  const { webSocket, status } = await upgrade(path, more);
  if (webSocket === null) throw new Error(`the upgrade was refused with ${status}`);
  webSocket.accept();
  return phoneOn(webSocket, { account, way: "direct" });
}

let registers = 0;
async function register(phone: Phone, { token, to = `<${phone.aor}>` }: { token?: string; to?: string } = {}): Promise<ReceivedMessage> {
  registers += 1;
  const lines: [string, string][] = token === undefined ? [] : [["Authorization", `Bearer ${token}`]];
  const options = { to, contact: phone.contact, callId: `of-${phone.host}`, cseq: registers, headers: lines };
  return phone.finalResponse(phone.request("REGISTER", "sip:localhost", options));
}

beforeEach(async () => {
  keySet = { keys: [signer.publicKey] };
  asked.length = 0;
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await api("/domains/localhost", { method: "PUT" });
  await putIssuer("localhost");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const later = (milliseconds: number) => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + milliseconds);
};

describe("tokens that are revoked while a connection is on its way to its home", () => {
  const mint = async (name: string) =>
    ((await (await api(`/domains/localhost/subscribers/${name}/tokens`, { method: "POST", body: "{}" })).json()) as { token: string })
      .token;
  const revoke = (name: string) => api(`/domains/localhost/subscribers/${name}/tokens`, { method: "DELETE" });

  /** What the Worker has found before the revocation. */
  async function acceptedBefore(name: string) {
    const accepted = await verifyToken(env, await mint(name), undefined);
    if (accepted === undefined) throw new Error("the token is not accepted");
    await new Promise((resolve) => void setTimeout(resolve, 5));
    expect((await revoke(name)).status).toBe(204);
    return accepted;
  }

  it("authenticate nothing at a home that knows it", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const { subscriber, mark: byToken } = await acceptedBefore(alice);
    const arrival = { way: "dedicated", host: "localhost", address: "192.0.2.1" } as const;
    const { webSocket } = await connectDedicated(env, { ...arrival, subscriber, isAuthenticated: true, byToken });
    webSocket?.accept();
    expect((await register(phoneOn(webSocket as WebSocket, { account: alice, way: "direct" }))).status).toBe(401);
  });

  it("open no home", async () => {
    const [alice] = await newcomers("alice");
    const { subscriber, isValid } = await acceptedBefore(alice);
    expect(subscriber.opened).toBe(false);
    expect(await firstOpening(env, subscriber, isValid)).toBeUndefined();
  });

  it("are not confused with those that are made afterwards, in the same second", async () => {
    const [alice] = await newcomers("alice");
    const before = await mint(alice);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    await revoke(alice);
    expect((await upgrade(`/ws?access_token=${before}`)).status).toBe(401);
    expect((await upgrade(`/ws?access_token=${await mint(alice)}`)).status).toBe(101);
  });
});

describe("a token from the future", () => {
  it.each([
    [0, 101],
    [40, 401],
  ])("is not accepted, because it would outlive a revocation: %i seconds", async (ahead, status) => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost", { clock_skew: 30 });
    const token = await signer.sign({ sub: alice, iat: now() + ahead, exp: now() + 600 });
    expect((await upgrade(`/ws?access_token=${token}`)).status).toBe(status);
  });
});

describe("after the end of its token", () => {
  it("a phone prolongs nothing by a To tag, cancels the call that rings, and is disconnected when it has none", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const phone = await phoneAt(`/ws?access_token=${await signer.sign({ sub: alice, exp: now() + 100 })}`, alice);
    expect((await register(phone)).status).toBe(200);
    const callee = await registered({ account: bob, way: "direct" });
    const invite = phone.request("INVITE", callee.aor);
    const ringing = await callee.next("INVITE");
    callee.reply(ringing, 180);
    await phone.next(180);
    later(101_000);
    expect((await register(phone, { to: `<${phone.aor}>;tag=x` })).status).toBe(401);
    expect((await phone.finalResponse(phone.request("PUBLISH", phone.aor, { to: `<${phone.aor}>;tag=x` }))).status).toBe(407);
    phone.cancel(invite);
    callee.reply(await callee.next("CANCEL"), 200);
    callee.reply(ringing, 487);
    expect((await phone.next(487)).status).toBe(487);
    later(900_000);
    await runDurableObjectAlarm(homeOf(alice));
    expect((await phone.socket.closed).code).toBe(4401);
  });

  it("a phone in a call keeps its connection until the call is over", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const phone = await phoneAt(`/ws?access_token=${await signer.sign({ sub: alice, exp: now() + 100 })}`, alice);
    await register(phone);
    const callee = await registered({ account: bob, way: "direct" });
    const invite = phone.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 200);
    const dialog = dialogOfCaller(await phone.finalResponse(invite));
    phone.ack(dialog);
    await callee.next("ACK");
    later(900_000);
    await runDurableObjectAlarm(homeOf(alice));
    // The call is no way to others.
    for (const method of ["INVITE", "MESSAGE", "BYE"]) {
      const forged = phone.request(method, callee.aor, { to: `<${callee.aor}>;tag=x`, callId: invite.callId, cseq: 50 });
      expect((await phone.finalResponse(forged)).status).toBe(407);
    }
    phone.bye(dialog);
    callee.reply(await callee.next("BYE"), 200);
    expect((await phone.next(200)).status).toBe(200);
    later(700_000);
    await runDurableObjectAlarm(homeOf(alice));
    expect((await phone.socket.closed).code).toBe(4401);
  });
});

describe("a guest with a token", () => {
  it("stays a stranger, with the limits of one, and is disconnected at the end", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const invite = async () => {
      const answer = await api("/domains/localhost/guest-tokens", {
        method: "POST",
        body: JSON.stringify({ users: [alice], seconds: 60 }),
      });
      return phoneAt(`/ws?access_token=${((await answer.json()) as { token: string }).token}`, "guest");
    };
    const flooding = await invite();
    for (let count = 0; count < 400; count += 1) flooding.request("OPTIONS", "sip:localhost");
    expect((await flooding.socket.closed).code).toBeGreaterThan(4000);
    const idle = await invite();
    later(180_000);
    for (const id of await listDurableObjectIds(env.ADDRESS_OF_RECORD)) await runDurableObjectAlarm(env.ADDRESS_OF_RECORD.get(id));
    expect((await idle.socket.closed).code).toBe(4401);
  });
});

describe("a phone with a password", () => {
  it.each(["direct", "general"] as const)("connects as before, on the %s way, if the issuers cannot be read", async (way) => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    vi.spyOn(directoryOf(env), "issuers").mockRejectedValue(new DirectoryUnavailable("D1 is away"));
    const phone = await phoneAt(way === "direct" ? `/ws/${alice}@localhost` : "/ws", alice);
    expect((await phone.register()).status).toBe(200);
  });
});

describe("a user whose tokens are revoked", () => {
  it("does not sign in by an older one at a home that knows it, whatever the cache of the directory says", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const token = await signer.sign({ sub: alice, iat: now() - 10 });
    const row = await env.DIRECTORY.prepare("SELECT version FROM subscribers WHERE username = ?").bind(alice).first<{ version: number }>();
    await api(`/domains/localhost/subscribers/${alice}/tokens`, { method: "DELETE" });
    await env.DIRECTORY.prepare("UPDATE subscribers SET tokens_since = NULL, version = ? WHERE username = ?")
      .bind(row?.version, alice)
      .run();
    await api("/domains/localhost/settings", { method: "PUT", body: "{}" });
    const phone = await phoneAt(`/ws/${alice}@localhost`, alice);
    expect((await register(phone, { token })).status).toBe(401);
  });
});

describe("a user who was deleted", () => {
  it("does not sign in by a token that is still good, also where the deletion is not known yet", async () => {
    const [alice] = await newcomers("alice");
    await api(`/domains/localhost/subscribers/${alice}`, { method: "PUT", body: JSON.stringify({ password: null }) });
    const token = await signer.sign({ sub: alice });
    const phone = await phoneAt(`/ws?access_token=${token}`, alice);
    await register(phone);
    await api(`/domains/localhost/subscribers/${alice}`, { method: "DELETE" });
    expect((await upgrade(`/ws?access_token=${token}`)).status).toBe(401);
    await env.DIRECTORY.prepare(
      "INSERT INTO subscribers (domain, username, md5, sha256, aliases, generation, version, created_at, updated_at, opened_at) VALUES ('localhost', ?, '', '', '[]', 1, 1, 0, 0, 1)",
    )
      .bind(alice)
      .run();
    const stale = await phoneAt(`/ws?access_token=${token}`, alice);
    expect((await register(stale)).status).toBe(401);
  });
});

describe("other keys and issuers", () => {
  it("that are malformed refuse the token, and break nothing", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const broken = { kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: signer.kid, alg: "ES256" };
    await putIssuer("localhost", { jwks_uri: undefined, jwks: { keys: [broken] } });
    const token = await signer.sign({ sub: alice });
    expect((await upgrade(`/ws?access_token=${token}`)).status).toBe(401);
    const phone = await phoneAt(`/ws/${alice}@localhost`, alice);
    expect((await register(phone, { token })).status).toBe(401);
  });

  it("of other domains with the same iss, however many, do not hold up those of the domain of the host", async () => {
    const [alice] = await newcomers("alice");
    const others = await Promise.all(Array.from({ length: 4 }, () => newDomain()));
    for (const domain of others)
      for (let count = 0; count < 10; count += 1)
        await api(`/domains/${domain}/issuers/other-${count}`, {
          method: "PUT",
          body: JSON.stringify({ issuer, jwks_uri: `https://1.1.1.1/${domain}/${count}`, audience: [audience] }),
        });
    await env.DIRECTORY.prepare("UPDATE issuers SET keys = NULL, keys_at = 0 WHERE name LIKE 'other-%'").run();
    await putIssuer("localhost");
    asked.length = 0;
    expect((await upgrade(`/ws?access_token=${await signer.sign({ sub: alice })}`)).status).toBe(101);
    expect(asked.filter((url) => url !== "https://1.1.1.1/jwks.json")).toEqual([]);
    for (const domain of others) await api(`/domains/${domain}`, { method: "DELETE" });
  });
});

describe("users who are made by a token", () => {
  it("are no users who are there already, whose password stays", async () => {
    const domain = await newDomain();
    await putIssuer(domain, { create_users: true });
    const token = await signer.sign({ sub: "dora" });
    const path = `/ws/dora@${domain}?access_token=${token}`;
    await api(`/domains/${domain}/subscribers/dora`, { method: "PUT", body: JSON.stringify({ password: "long enough" }) });
    const row = () => env.DIRECTORY.prepare("SELECT md5, version FROM subscribers WHERE domain = ?").bind(domain).first();
    const before = await row();
    expect((await upgrade(path)).status).toBe(101);
    expect(await row()).toEqual(before);
  });

  it.each(["list.sales", "ali\u200Bce", "名".repeat(64), "", "+4930123456", "030-12", "+1900x"])("have no name like %j", async (sub) => {
    const domain = await newDomain();
    await putIssuer(domain, { create_users: true });
    expect((await upgrade(`/ws?access_token=${await signer.sign({ sub: `${sub}@${domain}` })}`)).status).toBe(401);
  });
});

describe("users who are made by a token, in a domain with a trunk and a route", () => {
  it.each([
    ["room-7", 401],
    ["desk-7", 401],
    ["dora", 101],
  ])("get no calls that are meant for another: %s", async (sub, status) => {
    const domain = await newDomain();
    await putIssuer(domain, { create_users: true });
    const put = (path: string, body: object) => api(`/domains/${domain}/${path}`, { method: "PUT", body: JSON.stringify(body) });
    await put("trunks/pbx", { server: "sip:1.1.1.1;transport=tcp", prefixes: ["", "room-"] });
    await put("routes/desks", {
      match: { user: { prefix: "desk-" }, caller: { prefix: "bob@" } },
      action: { kind: "reject", status: 403 },
    });
    expect((await upgrade(`/ws?access_token=${await signer.sign({ sub: `${sub}@${domain}` })}`)).status).toBe(status);
  });
});

describe("tokens that are not accepted", () => {
  it("slow down no password", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    for (let connection = 0; connection < 4; connection += 1) {
      const phone = await phoneAt(`/ws/${alice}@localhost`, alice);
      for (let count = 0; count < 15; count += 1) await register(phone, { token: `a.b.c${count}` });
      phone.socket.close();
    }
    const before = performance.now();
    await registered({ account: alice, way: "direct" });
    expect(performance.now() - before).toBeLessThan(1000);
  });

  it("ask the directory no more often than a stranger may, also with repeated passwords", async () => {
    const [alice] = await newcomers("alice");
    for (const repeated of [0, 2]) {
      const prepared = vi.spyOn(env.DIRECTORY, "prepare");
      const phone = await phoneAt("/ws", alice);
      const closed: number[] = [];
      void phone.socket.closed.then(({ code }) => closed.push(code));
      const digest = `Digest username="${alice}", realm="localhost", nonce="x", uri="sip:localhost", response="${"0".repeat(32)}"`;
      for (let count = 0; count < 115 && closed.length === 0; count += 1) {
        const forged = `${encoded({ alg: "ES256", kid: "x" })}.${encoded({ iss: `i${repeated}-${count}`, aud: audience, sub: alice })}.x`;
        const headers = [`Bearer ${forged}`, ...Array.from({ length: repeated }, () => digest)].map(
          (value) => ["Authorization", value] as const,
        );
        const sent = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>`, contact: phone.contact, cseq: count + 1, headers });
        await Promise.race([phone.finalResponse(sent).catch(() => undefined), phone.socket.closed]);
      }
      expect(closed).toHaveLength(1);
      expect(prepared.mock.calls.filter(([query]) => query.includes("FROM issuers")).length).toBeLessThanOrEqual(30);
      prepared.mockRestore();
    }
  });
});
