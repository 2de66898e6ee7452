import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { header, headers } from "../support/received-message.ts";
import { completeCall } from "./support/calls.ts";
import { api, forgetEverything, newcomers, phoneOn, provision, registered, spentBy } from "./support/homes.ts";
import { newDomain, newKey, withKey } from "./support/keys.ts";

const path = "/domains/localhost/router";
const put = (body: unknown) => api(path, { method: "PUT", body: JSON.stringify(body) });
const service = { kind: "service", binding: "ROUTER" };

beforeAll(() => provision());
afterEach(async () => void (await api(path, { method: "DELETE" })));

interface RoutedEvent {
  readonly event: string;
  readonly action?: string;
  readonly why?: string;
  readonly milliseconds?: number;
}

interface Call {
  readonly call_id: string;
  readonly outcome: string;
  readonly timeline: readonly RoutedEvent[];
}

async function phones<Names extends readonly string[]>(...names: Names): Promise<{ readonly [Index in keyof Names]: Phone }> {
  const accounts: readonly string[] = await newcomers(...names);
  const all = await Promise.all(accounts.map((account) => registered({ account, way: "direct" })));
  return all as unknown as { readonly [Index in keyof Names]: Phone };
}

/** What the Worker in support/router-worker.js is to answer. */
const wishing = (wish: unknown) => ({
  headers: [["X-Wish", typeof wish === "string" ? wish : JSON.stringify(wish)]] as readonly (readonly [string, string])[],
});

async function recordOf(callId: string): Promise<Call | undefined> {
  const { calls }: { calls: Call[] } = await (await api("/domains/localhost/calls")).json();
  return calls.find((one) => one.call_id === callId);
}

const routedIn = (call: Call | undefined) => call?.timeline.find(({ event }) => event === "routed");

describe("a Worker that is bound to this one decides where calls go", () => {
  it("a whole call to whom it names, with the header that it adds, and a sleep in between", async () => {
    expect((await put(service)).status).toBe(201);
    const [alice, bob, carol] = await phones("alice", "bob", "carol");
    const wish = { action: "ring", targets: [{ to: carol.account }], headers: { "User-to-User": "0042;encoding=hex" } };
    const sent = alice.request("INVITE", bob.aor, wishing(wish));
    const invite = await carol.next("INVITE");
    expect(headers(invite, "user-to-user")).toEqual(["0042;encoding=hex"]);
    await forgetEverything();
    carol.reply(invite, 200);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await carol.next("ACK");
    alice.bye(dialog);
    carol.reply(await carol.next("BYE"), 200);
    await alice.next(200);
    await expect.poll(async () => (await recordOf(sent.callId))?.outcome).toBe("answered");
    expect(routedIn(await recordOf(sent.callId))).toMatchObject({ action: "ring" });
    await bob.hearsNothing("INVITE", alice);
  });

  it.each([
    ["never", /^no decision in 500 ms$/],
    ["huge", /^its decision is longer than 16384 characters$/],
    ["", /there is no wish/],
    ['{"action":"reject","status":200}', /^its decision is not valid: status: /],
    ["not JSON", /JSON/],
  ] as const)("without a decision: %s. The call goes on, and its record says why", async (wish, why) => {
    await put(service);
    const [alice, bob] = await phones("alice", "bob");
    const sent = alice.request("INVITE", bob.aor, wish === "" ? {} : wishing(wish));
    const invite = await bob.next("INVITE");
    bob.reply(invite, 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    await expect.poll(async () => routedIn(await recordOf(sent.callId))).toMatchObject({ action: "continue" });
    const event = routedIn(await recordOf(sent.callId));
    expect(event?.why).toMatch(why);
  });

  it("CANCEL while it is asked", async () => {
    await put({ ...service, timeout: 5000 });
    const [alice, bob] = await phones("alice", "bob");
    const sent = alice.request("INVITE", bob.aor, wishing("never"));
    await alice.next(100);
    alice.cancel(sent);
    const answer = await alice.next((message) => message.status === 487);
    expect(header(answer, "call-id")).toBe(sent.callId);
    await bob.hearsNothing("INVITE", alice);
  });
});

/** What the router was asked, which it has written into the request. */
const askedIn = (invite: Parameters<typeof header>[0]): unknown => JSON.parse(header(invite, "x-asked") ?? "null");

describe("a router is asked about calls of all kinds of callers", () => {
  const token = "a-token-that-nobody-guesses";

  it("the server of another domain, which gets the answer of the phone", async () => {
    await put(service);
    await api("/domains/localhost/peers/partner", { method: "PUT", body: JSON.stringify({ domains: ["partner.example"], token }) });
    const [bob] = await phones("bob");
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", Authorization: `Bearer ${token}` };
    const { webSocket } = await exports.default.fetch("http://localhost/ws", { headers });
    webSocket?.accept();
    if (webSocket === null) throw new Error("the partner was refused");
    const partner = phoneOn(webSocket, { account: "carol", domain: "partner.example", way: "general" });
    const sent = partner.request("INVITE", bob.aor, wishing("echo"));
    const invite = await bob.next("INVITE");
    expect(askedIn(invite)).toMatchObject({ caller: null, caller_kind: "peer", dialled: bob.account, domain: "localhost" });
    bob.reply(invite, 486);
    expect((await partner.finalResponse(sent)).status).toBe(486);
  });

  it("a user of another domain here; calls to that domain are not asked about", async () => {
    await put(service);
    const second = await newDomain();
    await api(`/domains/${second}/subscribers/dora`, { method: "PUT", body: JSON.stringify({ password: "long enough" }) });
    const [bob] = await phones("bob");
    const dora = await registered({ account: "dora", domain: second, password: "long enough", way: "general" });
    const sent = dora.request("INVITE", bob.aor, wishing("echo"));
    const invite = await bob.next("INVITE");
    expect(askedIn(invite)).toMatchObject({ caller: `dora@${second}`, caller_kind: "other_domain", dialled: bob.account });
    bob.reply(invite, 486);
    expect((await dora.finalResponse(sent)).status).toBe(486);
    const back = bob.request("INVITE", dora.aor, wishing({ action: "reject", status: 603 }));
    dora.reply(await dora.next("INVITE"), 486);
    expect((await bob.finalResponse(back)).status).toBe(486);
  });
});

describe("what a call costs that a router decides on", () => {
  const spent = async () => {
    const homes = Array.from({ length: 16 }, (_, index) => env.ADDRESS_OF_RECORD.getByName(`sip:router-${index}@localhost#router`));
    const costs = await Promise.all(homes.map((home) => home.costs()));
    return costs.reduce((total, { rowsWritten }) => total + rowsWritten, 0);
  };

  it.each([
    ["ring", (callee: string) => ({ action: "ring", targets: [{ to: callee }] }), 5],
    ["continue", () => ({ action: "continue" }), 6],
  ] as const)("%s: some rows at the routing home, besides an alarm, and none at the caller's", async (_action, wish, rows) => {
    await put(service);
    const [alice, bob] = await phones("alice", "bob");
    await spent();
    await spentBy(alice.account);
    const callId = await completeCall(alice, bob, wishing(wish(bob.account)));
    await expect.poll(async () => (await recordOf(callId))?.outcome).toBe("answered");
    expect(await spent()).toBe(rows);
    expect((await spentBy(alice.account)).rowsWritten).toBe(0);
  });
});

describe("/domains/{domain}/router", () => {
  it("creates a router with a URL, whose secret is shown once, and kept when it is replaced", async () => {
    // Nothing is sent there: no call comes meanwhile.
    const body = { kind: "http", url: "https://1.1.1.1/route" };
    expect((await api(path)).status).toBe(404);
    const refused = await put({ ...body, url: "http://10.0.0.1/" });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringMatching(/^url: /) as string }),
    ]);
    const created = await put(body);
    expect([created.status, await created.json()]).toEqual([
      201,
      { ...body, timeout: 500, fallback: "continue", secret: expect.stringMatching(/^whsec_/) as string },
    ]);
    const replaced = await put({ ...body, timeout: 100 });
    expect([replaced.status, await replaced.json()]).toEqual([200, { ...body, timeout: 100, fallback: "continue" }]);
    expect(await (await api(path)).json()).toEqual({ ...body, timeout: 100, fallback: "continue" });
  });

  it("refuses bindings that are no router's, and those that this deployment lacks", async () => {
    for (const binding of ["DIRECTORY", "ADMIN_TOKEN", "ADDRESS_OF_RECORD", "router", "ROUTER-1"])
      expect((await put({ ...service, binding })).status).toBe(400);
    const answer = await put({ ...service, binding: "ROUTER_2" });
    expect(await answer.json()).toMatchObject({ status: 400, detail: "binding: this deployment has no service binding ROUTER_2" });
  });

  it("a key of one domain may not name a binding", async () => {
    const domain = await newDomain();
    const { key } = await newKey({ domain, scope: "everything" });
    const answer = await withKey(key, `/domains/${domain}/router`, "PUT", service);
    expect(answer.status).toBe(403);
  });

  it("the settings and the trace of the domain leave it as it is, and it leaves them", async () => {
    await put({ ...service, timeout: 300, fallback: "reject" });
    await api("/domains/localhost/settings", { method: "PUT", body: JSON.stringify({ calls_out: true }) });
    expect(await (await api(path)).json()).toEqual({ ...service, timeout: 300, fallback: "reject" });
    await put(service);
    expect(await (await api("/domains/localhost/settings")).json()).toMatchObject({ calls_out: true });
    expect((await api(path, { method: "DELETE" })).status).toBe(204);
    expect((await api(path, { method: "DELETE" })).status).toBe(404);
    expect(await (await api("/domains/localhost/settings")).json()).toMatchObject({ calls_out: true });
    await api("/domains/localhost/settings", { method: "PUT", body: "{}" });
  });

  it("the test of routes asks it, and says so", async () => {
    await put(service);
    const [alice] = await newcomers("alice");
    const question = { domain: "localhost", uri: "sip:bob@localhost", caller: `${alice}@localhost` };
    const test = (more: object = {}) => api("/routes/test", { method: "POST", body: JSON.stringify({ ...question, ...more }) });
    expect(await (await test()).json()).toMatchObject({
      outcome: "the router rings sales",
      target: { kind: "targets" },
      router: { action: "ring", decision: { targets: [{ to: "sales" }] }, milliseconds: expect.any(Number) as number },
    });
    expect(await (await test({ method: "MESSAGE" })).json()).not.toHaveProperty("router");
  });
});
