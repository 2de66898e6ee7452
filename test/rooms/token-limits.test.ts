import { listDurableObjectIds, runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { header, headers } from "../support/received-message.ts";
import { holdAndHangUp } from "./support/calls.ts";
import { api, connect, forgetEverything, newcomers, phoneOn, registered } from "./support/homes.ts";

/** Lines of the log. */
let errors: string[] = [];
beforeEach(() => {
  errors = [];
  vi.spyOn(console, "error").mockImplementation((line: unknown) => void errors.push(String(line)));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const post = (path: string, body: object) => api(path, { method: "POST", body: JSON.stringify(body) });
const ofUser = (account: string, body: object) => post(`/domains/localhost/subscribers/${account}/tokens`, body);
const ofGuest = (account: string, body: object = {}) => post("/domains/localhost/guest-tokens", { users: [account], ...body });
const minted = async (answer: Promise<Response>): Promise<string> => ((await (await answer).json()) as { readonly token: string }).token;

const upgrade = (token: string, more: Readonly<Record<string, string>> = {}) =>
  exports.default.fetch(`http://localhost/ws?access_token=${token}`, {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", ...more },
  });
const from = (address: string) => ({ "CF-Connecting-IP": address });
const statusOf = async (token: string, more?: Readonly<Record<string, string>>) => {
  const { status, webSocket } = await upgrade(token, more);
  webSocket?.accept();
  webSocket?.close();
  return status;
};

async function connected(token: string, account: string, more: Readonly<Record<string, string>> = {}): Promise<Phone> {
  const { webSocket, status } = await upgrade(token, more);
  if (webSocket === null) throw new Error(`the upgrade was refused with ${status}`);
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  const isGuest = account === "visitor";
  return phoneOn(webSocket, { account, way: "direct", ...(isGuest ? { domain: "shop.example" } : {}) });
}

const event: readonly [string, string][] = [["Event", "presence"]];
const ask = async (phone: Phone, method: string, uri: string) =>
  (await phone.finalResponse(phone.request(method, uri, method === "SUBSCRIBE" ? { headers: event, contact: phone.contact } : {}))).status;

const busy = (account: string): Promise<Phone> => registered({ account, way: "direct" });

/** The alarm of the home of the guest who talks with a user goes off. */
async function ringAlarmOfGuest(): Promise<void> {
  for (const id of await listDurableObjectIds(env.ADDRESS_OF_RECORD)) {
    const stub = env.ADDRESS_OF_RECORD.get(id);
    await runDurableObjectAlarm(stub);
  }
}

describe("a token for one connection", () => {
  it.each(["user", "guest"])("opens connections from the address that has used it first, and from no other: of a %s", async (kind) => {
    const [alice] = await newcomers("alice");
    const token = await minted(kind === "user" ? ofUser(alice, { single_use: true }) : ofGuest(alice, { single_use: true }));
    expect(await statusOf(token, from("192.0.2.1"))).toBe(101);
    expect(await statusOf(token, from("192.0.2.2"))).toBe(401);
    await forgetEverything();
    expect([await statusOf(token, from("192.0.2.2")), await statusOf(token, from("192.0.2.1"))]).toEqual([401, 101]);
  });

  it("has one refusal for what is used elsewhere and for what is no token", async () => {
    const [alice] = await newcomers("alice");
    const token = await minted(ofUser(alice, { single_use: true }));
    expect(await statusOf(token, from("192.0.2.1"))).toBe(101);
    const [used, unfit] = [await upgrade(token, from("192.0.2.9")), await upgrade(`${token.slice(0, -6)}AAAAAA`, from("192.0.2.9"))];
    expect([used.status, await used.text(), used.headers.get("WWW-Authenticate")]).toEqual([
      ...[unfit.status, await unfit.text(), unfit.headers.get("WWW-Authenticate")],
    ]);
    expect(errors.join()).toContain("was used from another address");
  });

  it("is for one of those who use it at the same moment", async () => {
    const [alice] = await newcomers("alice");
    const token = await minted(ofGuest(alice, { single_use: true }));
    const all = await Promise.all([1, 2, 3, 4, 5].map((last) => statusOf(token, from(`192.0.2.${last}`))));
    expect(all.sort()).toEqual([101, 401, 401, 401, 401]);
  });

  it.each(["user", "guest"])("has one connection at a time: a newer one of the same address closes it: of a %s", async (kind) => {
    const [alice] = await newcomers("alice");
    const token = await minted(kind === "user" ? ofUser(alice, { single_use: true }) : ofGuest(alice, { single_use: true }));
    const account = kind === "user" ? alice : "visitor";
    const first = await connected(token, account);
    const second = await connected(token, account);
    expect((await first.socket.closed).code).toBe(4401);
    expect(await ask(second, "OPTIONS", "sip:localhost")).toBe(200);
  });
});

describe("a token for certain pages", () => {
  it("is refused without their origin, on each way in", async () => {
    const [alice] = await newcomers("alice");
    const origins = ["https://shop.example", "https://www.shop.example"];
    for (const token of [await minted(ofUser(alice, { origins })), await minted(ofGuest(alice, { origins }))]) {
      const statuses = [];
      for (const Origin of [...origins, "https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example"])
        statuses.push(await statusOf(token, { Origin }));
      expect([...statuses, await statusOf(token)]).toEqual([101, 101, 401, 401, 401, 401, 401]);
    }
  });
});

describe("the limits of a token", () => {
  it("count calls, over all connections", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const callee = await busy(bob);
    const token = await minted(ofGuest(bob, { maximum_calls: 2 }));
    const rejected = async (phone: Phone) => {
      const sent = phone.request("INVITE", callee.aor);
      callee.reply(await callee.next("INVITE"), 486);
      return (await phone.finalResponse(sent)).status;
    };
    expect(await rejected(await connected(token, "visitor"))).toBe(486);
    await forgetEverything();
    const other = await connected(token, "visitor", from("192.0.2.77"));
    expect([await rejected(other), await ask(other, "INVITE", callee.aor)]).toEqual([486, 403]);
    const ofAlice = await connected(await minted(ofUser(alice, { maximum_calls: 1 })), alice);
    expect([await rejected(ofAlice), await ask(ofAlice, "INVITE", callee.aor)]).toEqual([486, 403]);
  });

  it("are the scope: who only calls is not registered, who only watches does not call", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await busy(bob);
    const to = `sip:${bob}@localhost`;
    const calls = await connected(await minted(ofUser(alice, { scope: ["call"] })), alice);
    expect([await ask(calls, "REGISTER", "sip:localhost"), await ask(calls, "SUBSCRIBE", to)]).toEqual([403, 403]);
    const watches = await connected(await minted(ofUser(alice, { scope: ["watch"] })), alice);
    expect([await ask(watches, "INVITE", to), await ask(watches, "MESSAGE", to)]).toEqual([403, 403]);
    expect(await ask(watches, "SUBSCRIBE", to)).not.toBe(403);
    expect(await ask(watches, "OPTIONS", "sip:localhost")).toBe(200);
    // A phone that answers would tell that it is there.
    expect(await ask(watches, "OPTIONS", to)).toBe(403);
    const registers = await connected(await minted(ofUser(alice, { scope: ["register"] })), alice);
    expect([await ask(registers, "OPTIONS", to), await ask(registers, "PUBLISH", `${to};gr=urn:uuid:1`)]).toEqual([403, 403]);
    expect(await ask(registers, "OPTIONS", `sip:${alice}@localhost`)).not.toBe(403);
  });

  it("are the targets: whom the user calls and writes to", async () => {
    const [alice, bob, carol] = await newcomers("alice", "bob", "carol");
    for (const one of [bob, carol]) await busy(one);
    const phone = await connected(await minted(ofUser(alice, { targets: [bob, "+4930*"] })), alice);
    const statuses = [];
    for (const to of [carol, "+4940123", "+493012", "%2B4930evil"]) statuses.push(await ask(phone, "MESSAGE", `sip:${to}@localhost`));
    expect(statuses).toEqual([403, 403, 404, 403]);
    expect(await ask(phone, "MESSAGE", `sip:${bob}@elsewhere.example`)).toBe(403);
    expect((await phone.finalResponse(phone.request("INVITE", `tel:+4940123`))).status).toBe(403);
  });

  it("do not count within a call", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const callee = await busy(bob);
    const phone = await connected(await minted(ofUser(alice, { scope: ["call"], targets: [bob], maximum_calls: 1 })), alice);
    const sent = phone.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 200);
    const dialog = dialogOfCaller(await phone.finalResponse(sent));
    phone.ack(dialog);
    await callee.next("ACK");
    expect(await holdAndHangUp(phone, dialog, callee)).toEqual([200, 200]);
  });

  it("hold for the connection that it opens, so that it is none in a request", async () => {
    const [alice] = await newcomers("alice");
    const token = await minted(ofUser(alice, { scope: ["register"] }));
    for (const way of ["direct", "general"] as const) {
      if (way === "direct") await registered({ account: alice, way });
      const phone = await connect({ account: alice, way });
      const given: [string, string][] = [["Authorization", `Bearer ${token}`]];
      const options = { to: `<${phone.aor}>`, contact: phone.contact, headers: given };
      expect((await phone.finalResponse(phone.request("REGISTER", "sip:localhost", options))).status).toBe(401);
    }
  });

  it("let it open the ICE servers of the user, and nothing else of the API", async () => {
    const [alice] = await newcomers("alice");
    const token = await minted(ofUser(alice, { maximum_calls: 1, origins: ["https://shop.example"] }));
    const get = async (path: string, Origin = "https://shop.example") =>
      (await exports.default.fetch(`http://localhost/api/v1${path}`, { headers: { Authorization: `Bearer ${token}`, Origin } })).status;
    expect([await get("/ice-servers"), await get("/me"), await get("/me/calls")]).toEqual([200, 403, 403]);
    expect(await get("/ice-servers", "https://evil.example")).toBe(403);
  });

  it.each([
    { maximum_calls: 0 },
    { maximum_calls: 1001 },
    { maximum_call_seconds: 9 },
    { origins: [] },
    { origins: ["shop.example"] },
    { origins: ["https://shop.example/path"] },
    { single_use: "yes" },
    { scope: [] },
    { scope: ["everything"] },
    { targets: [] },
    { targets: ["a@b@c d"] },
    { targets: ["*"] },
    { targets: ["al*"] },
    { targets: Array.from({ length: 20 }, (_, index) => `${"u".repeat(30)}${index}`) },
  ])("have bounds: %j", async (body) => {
    const [alice] = await newcomers("alice");
    expect((await ofUser(alice, body)).status).toBe(400);
  });

  it("end a call after its time, also of a guest", async () => {
    const [bob] = await newcomers("bob");
    const callee = await busy(bob);
    const guest = await connected(await minted(ofGuest(bob, { maximum_call_seconds: 10 })), "visitor");
    const sent = guest.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 200);
    guest.ack(dialogOfCaller(await guest.finalResponse(sent)));
    await callee.next("ACK");
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 11_000);
    await ringAlarmOfGuest();
    const bye = await callee.next("BYE");
    expect(header(bye, "reason")).toContain("the token of the caller allows no longer call");
    callee.reply(bye, 200);
    guest.reply(await guest.next("BYE"), 200);
  });
});

describe("what an application says of a guest", () => {
  const invited = async (body: object, own: readonly [string, string][] = []) => {
    const [bob] = await newcomers("bob");
    const callee = await busy(bob);
    const guest = await connected(await minted(ofGuest(bob, body)), "visitor");
    guest.request("INVITE", callee.aor, { headers: own });
    return headers(await callee.next("INVITE"), "user-to-user");
  };

  it("arrives at the called phone as User-to-User (RFC 7433), in hexadecimal digits", async () => {
    expect(await invited({ metadata: "order 4711" })).toEqual([`00${Buffer.from("order 4711").toString("hex")};encoding=hex`]);
    expect(await invited({ metadata: "Bestellung für José\r\nX: y" })).toEqual([
      `00${Buffer.from("Bestellung für José\r\nX: y").toString("hex")};encoding=hex`,
    ]);
  });

  it("is not what the guest says", async () => {
    const own: [string, string][] = [["User-to-User", "00ABCD;encoding=hex"]];
    expect(await invited({}, own)).toEqual([]);
    expect(await invited({ metadata: "x" }, own)).toEqual(["0078;encoding=hex"]);
  });

  it.each([{ metadata: "" }, { metadata: "ä".repeat(65) }, { metadata: "\ud800" }, { metadata: 7 }])("has bounds: %j", async (body) => {
    const [bob] = await newcomers("bob");
    expect((await ofGuest(bob, body)).status).toBe(400);
    expect((await ofGuest(bob, { metadata: "ä".repeat(64) })).status).toBe(201);
  });
});
