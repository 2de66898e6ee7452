import { env, exports } from "cloudflare:workers";
import { SignJWT, type JWTPayload } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dialogOfCaller } from "../support/dialog.ts";
import { type Phone } from "../support/phone.ts";
import { type ReceivedMessage, header, headers } from "../support/received-message.ts";
import { type Signer, audience, encoded, issuer, newSigner } from "../support/tokens.ts";
import { holdAndHangUp } from "./support/calls.ts";
import { api, forgetEverything, newcomers, phoneOn, registered, spentBy } from "./support/homes.ts";
import { newDomain } from "./support/keys.ts";

const signer = await newSigner();
const stranger = await newSigner();
const rsa = await newSigner("RS256");
const [minute, hour] = [60_000, 3_600_000];

/** What the issuer answers; undefined: it cannot be reached. */
let keySet: object | undefined;
let fetched = 0;
vi.stubGlobal("fetch", async () => {
  fetched += 1;
  if (keySet === undefined) throw new Error("connection lost");
  return Response.json(keySet);
});

const upgrade = (path: string, more: Readonly<Record<string, string>> = {}) =>
  exports.default.fetch(`http://localhost${path}`, { headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", ...more } });

const jwksUri = "https://1.1.1.1/jwks.json";
const putIssuer = (domain: string, changes: object = {}, name = "login") =>
  api(`/domains/${domain}/issuers/${name}`, {
    method: "PUT",
    body: JSON.stringify({ issuer, jwks_uri: jwksUri, audience: [audience], ...changes }),
  });

beforeEach(() => {
  keySet = { keys: [signer.publicKey, rsa.publicKey] };
  fetched = 0;
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await api("/domains/localhost/issuers/login", { method: "DELETE" });
});

/** A phone that is connected by a token. */
async function connected(account: string, token: string, path = "/ws"): Promise<Phone> {
  const { webSocket, status } = await upgrade(`${path}?access_token=${token}`);
  if (webSocket === null) throw new Error(`the upgrade was refused with ${status}`);
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  return phoneOn(webSocket, { account, way: "direct" });
}

let registers = 0;

/** A REGISTER without credentials, or with a token, and what it is answered with. */
async function register(phone: Phone, token?: string): Promise<ReceivedMessage> {
  registers += 1;
  const line: [string, string] = ["Authorization", `Bearer ${token}`];
  const options = { to: `<${phone.aor}>`, contact: phone.contact, callId: `of-${phone.host}`, cseq: registers };
  return phone.finalResponse(phone.request("REGISTER", "sip:localhost", { ...options, headers: token === undefined ? [] : [line] }));
}

/** A phone that is not authenticated yet. */
async function unauthenticated(account: string, way: "direct" | "general", more: Readonly<Record<string, string>> = {}): Promise<Phone> {
  const { webSocket } = await upgrade(way === "direct" ? `/ws/${account}@localhost` : "/ws", more);
  if (webSocket === null) throw new Error("the upgrade was refused");
  webSocket.accept();
  return phoneOn(webSocket, { account, way });
}

describe("a phone with a token", () => {
  it.each([
    ["in the query", (token: string) => upgrade(`/ws?access_token=${token}`)],
    ["as a second subprotocol", (token: string) => upgrade("/ws", { "Sec-WebSocket-Protocol": `sip, ${token}` })],
    [
      "as a cookie, from a page of this host",
      (token: string) => upgrade("/ws", { Cookie: `a=b; offhook_access_token=${token}`, Origin: "http://localhost" }),
    ],
    ["in Authorization", (token: string) => upgrade("/ws", { Authorization: `Bearer ${token}` })],
  ])("is connected and authenticated: %s", async (_where, connect) => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost");
    const { webSocket, status, headers: answer } = await connect(await signer.sign({ sub: alice }));
    expect([status, answer.get("Sec-WebSocket-Protocol")]).toEqual([101, "sip"]);
    webSocket?.accept();
    expect((await register(phoneOn(webSocket as WebSocket, { account: alice, way: "direct" }))).status).toBe(200);
  });

  it("has a cookie that counts only for pages of this host, or of an allowed origin", async () => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost");
    const Cookie = `offhook_access_token=${await signer.sign({ sub: alice })}`;
    const phone = await unauthenticated(alice, "general", { Cookie, Origin: "https://evil.example" });
    expect((await register(phone)).status).toBe(401);
  });

  it.each(["direct", "general"] as const)("registers by RFC 8898 on the %s way, after a challenge that asks for it too", async (way) => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    await putIssuer("localhost");
    const phone = await unauthenticated(alice, way);
    const challenged = await register(phone);
    expect([challenged.status, headers(challenged, "www-authenticate")[0]]).toEqual([
      401,
      `Bearer realm="localhost", authz_server="${issuer}"`,
    ]);
    expect(headers(challenged, "www-authenticate")[1]).toMatch(/^Digest /);
    expect((await register(phone, await signer.sign({ sub: `${alice}@localhost` }))).status).toBe(200);
    expect((await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"))).status).toBe(200);
  });

  it("is a user who was made at that moment, if the issuer may do that, with no password", async () => {
    const domain = await newDomain();
    await putIssuer(domain);
    const token = await signer.sign({ sub: "newcomer", aud: [audience, "other"] });
    expect((await upgrade(`/ws/newcomer@${domain}?access_token=${token}`)).status).toBe(401);
    await putIssuer(domain, { create_users: true });
    expect((await upgrade(`/ws/newcomer@${domain}?access_token=${token}`)).status).toBe(101);
    expect(await (await api(`/domains/${domain}/subscribers/newcomer`)).json()).toMatchObject({ username: "newcomer", opened: true });
    const row = await env.DIRECTORY.prepare("SELECT md5, sha256 FROM subscribers WHERE domain = ?").bind(domain).first();
    expect(row).toEqual({ md5: "", sha256: "" });
  });

  it("is registered no longer than its token lives, and a newer token on the same connection prolongs that, without a row", async () => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost", { clock_skew: 0 });
    const until = (seconds: number) => signer.sign({ sub: alice, exp: Math.floor(Date.now() / 1000) + seconds });
    const phone = await connected(alice, await until(100));
    const granted = (answer: ReceivedMessage) => Number(/expires=(\d+)/.exec(header(answer, "contact") ?? "")?.[1]);
    expect(granted(await register(phone))).toBeLessThanOrEqual(100);
    await spentBy(alice);
    const prolonged = await register(phone, await until(3000));
    expect(granted(prolonged)).toBeGreaterThan(100);
    await register(phone, await until(3100));
    expect((await spentBy(alice)).rowsWritten).toBeLessThanOrEqual(1);
    await forgetEverything();
    const [, other] = [await register(phone), await spentBy(alice)];
    expect(other.rowsWritten).toBe(0);
  });

  it("is connected whatever the lengths of the host and of the issuer are", async () => {
    const [alice] = await newcomers("alice");
    for (const long of [`https://${"i".repeat(191)}/`, `https://${"i".repeat(500)}/`]) {
      await putIssuer("localhost", { issuer: long });
      const host = `${"h".repeat(60)}.${"h".repeat(60)}.${"h".repeat(60)}.${"h".repeat(60)}.test:12345`;
      const { webSocket, status } = await exports.default.fetch(
        `http://${host}/ws/${alice}@localhost?access_token=${await signer.sign({ sub: alice, iss: long })}`,
        {
          headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", "CF-Connecting-IP": "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff" },
        },
      );
      expect(status).toBe(101);
      webSocket?.accept();
      const phone = phoneOn(webSocket as WebSocket, { account: alice, way: "direct" });
      expect((await register(phone)).status).toBe(200);
      phone.socket.close();
    }
  });

  it("may not call any more when its token has expired, and a call in progress goes on", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await putIssuer("localhost", { clock_skew: 0 });
    const phone = await connected(alice, await signer.sign({ sub: alice, exp: Math.floor(Date.now() / 1000) + 100 }));
    expect((await register(phone)).status).toBe(200);
    const callee = await registered({ account: bob, way: "direct" });
    const sent = phone.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 200);
    const dialog = dialogOfCaller(await phone.finalResponse(sent));
    phone.ack(dialog);
    await callee.next("ACK");
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 101_000);
    const again = await phone.finalResponse(phone.request("INVITE", callee.aor));
    expect([again.status, headers(again, "proxy-authenticate")[0]]).toEqual([407, `Bearer realm="localhost", authz_server="${issuer}"`]);
    for (const method of ["INVITE", "MESSAGE", "SUBSCRIBE"]) {
      const forged = phone.request(method, callee.aor, { to: `<${callee.aor}>;tag=x` });
      expect((await phone.finalResponse(forged)).status).toBe(407);
    }
    const refer = phone.inDialog("REFER", dialog, { headers: [["Refer-To", `<${callee.aor}>`]] });
    expect((await phone.finalResponse(refer)).status).toBe(403);
    expect(await holdAndHangUp(phone, { ...dialog, cseq: dialog.cseq + 1 }, callee)).toEqual([200, 200]);
  });
});

describe("a token of this server", () => {
  interface Minted {
    readonly token: string;
    readonly expires: string;
  }
  const mint = async (account: string, body: object = {}): Promise<Minted> =>
    (await api(`/domains/localhost/subscribers/${account}/tokens`, { method: "POST", body: JSON.stringify(body) })).json();
  const statusWith = async (token: string, path = "/ws") => (await upgrade(`${path}?access_token=${token}`)).status;

  it("signs a user in at once, until it expires, and nobody else", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const { token, expires } = await mint(alice, { seconds: 60 });
    expect(Math.abs(Date.parse(expires) - Date.now() - minute)).toBeLessThan(5000);
    expect((await register(await connected(alice, token))).status).toBe(200);
    expect([await statusWith(token, `/ws/${bob}@localhost`), await statusWith(token, `/ws/${alice}@other.example`)]).toEqual([401, 401]);
    expect(await statusWith(`${token.slice(0, -6)}AAAAAA`)).toBe(401);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + minute + 1000);
    expect(await statusWith(token)).toBe(401);
  });

  it("opens the ICE servers of the user, in the place of the password", async () => {
    const [alice] = await newcomers("alice");
    const ask = (token: string) =>
      exports.default.fetch("http://localhost/api/v1/ice-servers", { headers: { Authorization: `Bearer ${token}` } });
    const { token } = await mint(alice);
    expect([(await ask(token)).status, (await ask(`${token.slice(0, -6)}AAAAAA`)).status]).toEqual([200, 401]);
    await putIssuer("localhost");
    expect((await ask(await signer.sign({ sub: alice }))).status).toBe(200);
  });

  it("is revoked with all others of the user, and its connections close", async () => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost");
    const [{ token }, foreign] = [await mint(alice), await signer.sign({ sub: alice, iat: Math.floor(Date.now() / 1000) - 5 })];
    const phones = [await connected(alice, token), await connected(alice, foreign)];
    const withPassword = await registered({ account: alice, way: "direct" });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 2000);
    expect((await api(`/domains/localhost/subscribers/${alice}/tokens`, { method: "DELETE" })).status).toBe(204);
    for (const phone of phones) expect((await phone.socket.closed).code).toBe(4401);
    expect([await statusWith(token), await statusWith(foreign)]).toEqual([401, 401]);
    expect((await withPassword.finalResponse(withPassword.request("OPTIONS", "sip:localhost"))).status).toBe(200);
    vi.setSystemTime(Date.now() + 1000);
    expect([await statusWith((await mint(alice)).token), await statusWith(await signer.sign({ sub: alice }))]).toEqual([101, 101]);
  });

  it("is none for a later user of the same name", async () => {
    const [alice] = await newcomers("alice");
    const { token } = await mint(alice);
    await api(`/domains/localhost/subscribers/${alice}`, { method: "DELETE" });
    expect(await statusWith(token)).toBe(401);
    await api(`/domains/localhost/subscribers/${alice}`, { method: "PUT", body: JSON.stringify({ password: null }) });
    expect([await statusWith(token), await statusWith((await mint(alice)).token)]).toEqual([401, 101]);
  });

  it("has bounds", async () => {
    const [alice] = await newcomers("alice");
    const path = `/domains/localhost/subscribers/${alice}/tokens`;
    for (const body of [{ seconds: 59 }, { seconds: 86_401 }, { scope: "x" }])
      expect((await api(path, { method: "POST", body: JSON.stringify(body) })).status).toBe(400);
    expect((await api("/domains/localhost/subscribers/none-such/tokens", { method: "POST", body: "{}" })).status).toBe(404);
  });
});

describe("a guest with a token", () => {
  const invite = async (users: readonly string[], seconds = 60) =>
    api("/domains/localhost/guest-tokens", { method: "POST", body: JSON.stringify({ users, seconds }) });
  const guestWith = async (users: readonly string[]): Promise<Phone> => {
    const { token } = (await (await invite(users)).json()) as { token: string };
    const { webSocket, status } = await upgrade(`/ws?access_token=${token}`);
    expect(status).toBe(101);
    webSocket?.accept();
    return phoneOn(webSocket as WebSocket, { account: "visitor", domain: "shop.example", way: "general" });
  };

  it("calls whom the token names, although the domain takes no guests, and nobody else", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    const guest = await guestWith([alice]);
    const sent = guest.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 486);
    expect((await guest.finalResponse(sent)).status).toBe(486);
    const other = await guest.finalResponse(guest.request("INVITE", `sip:${bob}@localhost`));
    expect(other.status).toBe(403);
  });

  it("calls no later user of the same name, and has no token any more when its users or the domain are gone", async () => {
    const domain = await newDomain();
    const put = () => api(`/domains/${domain}/subscribers/seller`, { method: "PUT", body: JSON.stringify({ password: "long enough" }) });
    const made = async () =>
      (await api(`/domains/${domain}/guest-tokens`, { method: "POST", body: JSON.stringify({ users: ["seller"] }) })).json();
    const connect = async (token: string) => (await upgrade(`/ws?access_token=${token}`)).status;
    await put();
    const { token } = (await made()) as { token: string };
    const { webSocket } = await upgrade(`/ws?access_token=${token}`);
    webSocket?.accept();
    const guest = phoneOn(webSocket as WebSocket, { account: "visitor", domain: "shop.example", way: "general" });
    await api(`/domains/${domain}/subscribers/seller`, { method: "DELETE" });
    expect(await connect(token)).toBe(401);
    await put();
    await registered({ account: "seller", domain, password: "long enough", way: "general" });
    expect((await guest.finalResponse(guest.request("INVITE", `sip:seller@${domain}`))).status).toBe(403);
    expect(await connect(token)).toBe(401);
    const { token: newer } = (await made()) as { token: string };
    expect(await connect(newer)).toBe(101);
    await api(`/domains/${domain}`, { method: "DELETE" });
    expect(await connect(newer)).toBe(401);
  });

  it("begins no call after the end of the token", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const guest = await guestWith([alice]);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 61_000);
    expect((await guest.finalResponse(guest.request("INVITE", `sip:${alice}@localhost`))).status).toBe(403);
  });

  it("is refused with a token of users that do not exist, or that is not ours", async () => {
    const [alice] = await newcomers("alice");
    for (const users of [["none-such"], [], Array.from({ length: 6 }, (_, index) => `${index}`.repeat(60))])
      expect((await invite(users)).status).toBe(400);
    const { token } = (await (await invite([alice])).json()) as { token: string };
    expect((await upgrade(`/ws?access_token=${token.slice(0, -6)}AAAAAA`)).status).toBe(401);
    expect((await upgrade(`/ws?access_token=oft_${token.slice(4)}`)).status).toBe(401);
  });
});

describe("the keys of an issuer", () => {
  it("are fetched once, again for a kid that is new, and no more than once in 30 seconds for unknown ones", async () => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost");
    expect(fetched).toBe(1);
    for (let time = 0; time < 3; time += 1) (await connected(alice, await signer.sign({ sub: alice }))).socket.close();
    expect(fetched).toBe(1);
    const next = await newSigner();
    keySet = { keys: [next.publicKey] };
    await connected(alice, await next.sign({ sub: alice }));
    expect(fetched).toBe(2);
    for (let time = 0; time < 5; time += 1)
      expect((await upgrade(`/ws?access_token=${await (await newSigner()).sign({ sub: alice })}`)).status).toBe(401);
    expect(fetched).toBe(2);
    expect((await upgrade(`/ws?access_token=${await signer.sign({ sub: alice })}`)).status).toBe(401);
  });

  it("count for a day when the issuer cannot be reached", async () => {
    const [alice] = await newcomers("alice");
    await putIssuer("localhost");
    keySet = undefined;
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const statusAt = async (time: number) => {
      vi.setSystemTime(start + time);
      return (await upgrade(`/ws?access_token=${await signer.sign({ sub: alice })}`)).status;
    };
    expect([await statusAt(11 * minute), await statusAt(23 * hour), await statusAt(25 * hour)]).toEqual([101, 101, 401]);
    keySet = { keys: [signer.publicKey] };
    expect(await statusAt(25 * hour + minute)).toBe(101);
  });
});

/** Tokens that are not accepted. */
const now = () => Math.floor(Date.now() / 1000);
const claims = (alice: string): JWTPayload => ({ iss: issuer, aud: audience, sub: alice, iat: now(), exp: now() + 3600 });
const withoutClaim = async (name: string, alice: string) => {
  const { [name]: _left, ...rest } = claims(alice);
  return new SignJWT(rest).setProtectedHeader({ alg: "ES256", kid: signer.kid }).sign(signer.privateKey);
};
const withHeader = async (alice: string, change: object, by: Signer = signer) => {
  const [head = "", body = "", signature = ""] = (await by.sign({ sub: alice })).split(".");
  return `${encoded({ ...(JSON.parse(Buffer.from(head, "base64url").toString()) as object), ...change })}.${body}.${signature}`;
};
const symmetric = (alice: string, secret: string) =>
  new SignJWT(claims(alice)).setProtectedHeader({ alg: "HS256", kid: rsa.kid }).sign(new TextEncoder().encode(secret));
const unfit: Readonly<Record<string, (alice: string) => string | Promise<string>>> = {
  "no token": () => "x",
  nothing: () => "",
  "two parts": async (alice) => (await signer.sign({ sub: alice })).split(".").slice(0, 2).join("."),
  "five parts (JWE)": async (alice) => `${await signer.sign({ sub: alice })}.a.b`,
  "a part that is not base64url": () => "a+b.c/d.e=",
  "parts that are no JSON": () => "YWJj.YWJj.YWJj",
  "a header that is a list": async (alice) => `${encoded([])}.${encoded(claims(alice))}.YWJj`,
  "alg none": (alice) => `${encoded({ alg: "none", typ: "JWT" })}.${encoded(claims(alice))}.YQ`,
  "alg nOnE": (alice) => `${encoded({ alg: "nOnE" })}.${encoded(claims(alice))}.YQ`,
  "HS256 with the public key": (alice) => symmetric(alice, JSON.stringify(rsa.publicKey)),
  "HS256 with the modulus": (alice) => symmetric(alice, rsa.publicKey.n ?? ""),
  "HS256 with an empty kid": async (alice) => withHeader(alice, { alg: "HS256", kid: "" }),
  "another alg of the same key": (alice) => withHeader(alice, { alg: "ES384" }),
  "an alg that is not allowed": async (alice) => {
    const other = await newSigner("RS512");
    keySet = { keys: [other.publicKey] };
    return other.sign({ sub: alice });
  },
  "a changed claim": async (alice) => {
    const [head = "", , signature = ""] = (await signer.sign({ sub: "bob" })).split(".");
    return `${head}.${encoded(claims(alice))}.${signature}`;
  },
  "a changed signature": async (alice) => `${(await signer.sign({ sub: alice })).slice(0, -4)}AAAA`,
  "no signature": async (alice) => `${(await signer.sign({ sub: alice })).split(".").slice(0, 2).join(".")}.`,
  "the signature of zeros": async (alice) =>
    `${(await signer.sign({ sub: alice })).split(".").slice(0, 2).join(".")}.${Buffer.alloc(64).toString("base64url")}`,
  "the key of a stranger": (alice) => stranger.sign({ sub: alice }),
  "the key of a stranger under a known kid": (alice) => stranger.sign({ sub: alice }, { kid: signer.kid }),
  "the kid of another key": (alice) => signer.sign({ sub: alice }, { kid: rsa.kid }),
  "a kid that is a path": (alice) => stranger.sign({ sub: alice }, { kid: "../../../dev/null" }),
  "a kid with SQL": (alice) => stranger.sign({ sub: alice }, { kid: "' OR 1=1 --" }),
  "a key in the header": (alice) => stranger.sign({ sub: alice }, { jwk: stranger.publicKey }),
  "a place of keys in the header": (alice) => stranger.sign({ sub: alice }, { jku: "https://evil.example/jwks.json" }),
  "an unknown critical header": (alice) =>
    signer.sign({ sub: alice }, { crit: ["exp"], exp: 1 }).catch(() => withHeader(alice, { crit: ["x"], x: 1 })),
  "an unencoded payload": (alice) => withHeader(alice, { b64: false, crit: ["b64"] }),
  "another issuer": (alice) => signer.sign({ sub: alice, iss: "https://evil.example/" }),
  "an issuer without its slash": (alice) => signer.sign({ sub: alice, iss: issuer.slice(0, -1) }),
  "an issuer that is a list": (alice) => signer.sign({ sub: alice, iss: [issuer] as unknown as string }),
  "no issuer": (alice) => withoutClaim("iss", alice),
  "another audience": (alice) => signer.sign({ sub: alice, aud: "billing" }),
  "no audience": (alice) => withoutClaim("aud", alice),
  "an empty audience": (alice) => signer.sign({ sub: alice, aud: [] }),
  "no end": (alice) => withoutClaim("exp", alice),
  "an end in the past": (alice) => signer.sign({ sub: alice, exp: now() - 31 }),
  "an end that is a text": (alice) => signer.sign({ sub: alice, exp: "tomorrow" as unknown as number }),
  "a beginning in the future": (alice) => signer.sign({ sub: alice, nbf: now() + 60 }),
  "no user": (alice) => withoutClaim("sub", alice),
  "a user who does not exist": () => signer.sign({ sub: "does-not-exist" }),
  "a user that is a number": () => signer.sign({ sub: 7 as unknown as string }),
  "a user of another domain": (alice) => signer.sign({ sub: `${alice}@evil.example` }),
  "a name that is reserved for lists": async () => {
    await putIssuer("localhost", { create_users: true });
    return signer.sign({ sub: "list.team" });
  },
  "a user with a line end": (alice) => signer.sign({ sub: `${alice}\r\nX: y` }),
  "a user with an escape": (alice) => signer.sign({ sub: `${alice.slice(0, -1)}%${alice.charCodeAt(alice.length - 1).toString(16)}` }),
  "too many characters": (alice) => signer.sign({ sub: alice, more: "x".repeat(9000) }),
};

describe("a token that is not accepted", () => {
  it.each(Object.entries(unfit))("%s: the same 401 as all others", async (_what, make) => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    await putIssuer("localhost");
    const token = await make(alice);
    const answer = await upgrade(`/ws?access_token=${encodeURIComponent(token)}`);
    expect([answer.status, await answer.text(), answer.headers.get("WWW-Authenticate")]).toEqual([
      ...[401, "The access token is not accepted.\n", 'Bearer error="invalid_token"'],
    ]);
    const refused = await register(await unauthenticated(alice, "direct"), token === "" ? "x" : token);
    expect([refused.status, headers(refused, "www-authenticate")[0]]).toEqual([
      401,
      `Bearer realm="localhost", authz_server="${issuer}", error="invalid_token"`,
    ]);
  });

  it("is one for another user than the URL names, or than the REGISTER", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await registered({ account: bob, way: "direct" });
    await putIssuer("localhost");
    const token = await signer.sign({ sub: alice });
    expect((await upgrade(`/ws/${bob}@localhost?access_token=${token}`)).status).toBe(401);
    for (const way of ["direct", "general"] as const) {
      expect((await register(await unauthenticated(bob, way), token)).status).toBe(401);
    }
  });

  it("is one that two domains would accept, unless the URL names the user", async () => {
    const [one, other] = [await newDomain(), await newDomain()];
    for (const domain of [one, other]) await putIssuer(domain, { create_users: true });
    const token = await signer.sign({ sub: "carol" });
    expect((await upgrade(`/ws?access_token=${token}`)).status).toBe(401);
    expect((await upgrade(`/ws/carol@${other}?access_token=${token}`)).status).toBe(101);
    expect((await upgrade(`/ws?access_token=${await signer.sign({ sub: `carol@${one}` })}`)).status).toBe(101);
    for (const domain of [one, other]) await api(`/domains/${domain}`, { method: "DELETE" });
  });
});

describe("the API of issuers", () => {
  it("makes, shows, replaces and deletes them", async () => {
    const domain = await newDomain();
    expect((await putIssuer(domain)).status).toBe(201);
    expect(await (await putIssuer(domain, { user_claim: "email" })).json()).toEqual({
      ...{ name: "login", issuer, audience: [audience], jwks_uri: jwksUri, algorithms: ["RS256", "PS256", "ES256", "EdDSA"] },
      ...{ user_claim: "email", clock_skew: 30, create_users: false, keys_fetched: expect.any(String) as unknown },
    });
    const { issuers } = (await (await api(`/domains/${domain}/issuers`)).json()) as { issuers: object[] };
    expect(issuers).toEqual([await (await api(`/domains/${domain}/issuers/login`)).json()]);
    expect((await api(`/domains/${domain}/issuers/login`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/domains/${domain}/issuers/login`)).status).toBe(404);
  });

  it("takes keys in the body, and then none that are secret", async () => {
    const domain = await newDomain();
    const jwks = { keys: [signer.publicKey] };
    expect((await putIssuer(domain, { jwks_uri: undefined, jwks, create_users: true })).status).toBe(201);
    expect((await upgrade(`/ws/dora@${domain}?access_token=${await signer.sign({ sub: "dora" })}`)).status).toBe(101);
    expect(fetched).toBe(0);
    for (const key of [
      { kty: "oct", k: "YWJj" },
      { ...signer.publicKey, d: "x" },
    ])
      expect((await putIssuer(domain, { jwks_uri: undefined, jwks: { keys: [key] } })).status).toBe(400);
  });

  it.each([
    ["an address in a private network", { jwks_uri: "https://127.0.0.1/jwks" }],
    ["plain HTTP", { jwks_uri: "ftp://1.1.1.1/jwks" }],
    ["no keys", { jwks_uri: undefined }],
    ["both kinds of keys", { jwks: { keys: [] } }],
    ["an algorithm with a shared secret", { algorithms: ["HS256"] }],
    ["no audience", { audience: [] }],
    ["a clock that is wrong by an hour", { clock_skew: 3600 }],
    ["an unknown member", { secret: "x" }],
  ])("refuses %s", async (_what, changes) => {
    expect((await putIssuer(await newDomain(), changes)).status).toBe(400);
  });

  it("says what is wrong with the place of the keys", async () => {
    const domain = await newDomain();
    const detail = async () => ((await (await putIssuer(domain)).json()) as { detail: string }).detail;
    keySet = undefined;
    expect(await detail()).toBe("jwks_uri: could not be reached");
    keySet = { keys: [] };
    expect(await detail()).toBe("jwks_uri: has to have from 1 to 100 keys");
    keySet = { keys: [{ ...signer.publicKey, padding: "x".repeat(70_000) }] };
    expect(await detail()).toBe("jwks_uri: is longer than 65536 octets");
  });
});
