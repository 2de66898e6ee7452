import { evictAllDurableObjects } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { directoryOf } from "../../platform/directory/directory.ts";
import { type Announcer, announcerOf } from "../../platform/domain-events.ts";
import { completeCall } from "./support/calls.ts";
import { api, newcomers, registered } from "./support/homes.ts";
import { newDomain, newKey } from "./support/keys.ts";

/** One who looks at the events of a domain. */
interface Watcher {
  readonly told: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly socket: WebSocket;
}

const bearer = (token: string) => `bearer.${Buffer.from(token).toString("base64url")}`;
const upgrade = (domain: string, protocols: string) =>
  exports.default.fetch(`http://localhost/api/v1/domains/${domain}/events`, {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": protocols },
  });

async function watch(domain: string, key = "test-admin-token"): Promise<Watcher> {
  const { status, webSocket, headers } = await upgrade(domain, `offhook-events, ${bearer(key)}`);
  expect([status, headers.get("Sec-WebSocket-Protocol")]).toEqual([101, "offhook-events"]);
  if (webSocket === null) throw new Error("there is no socket");
  webSocket.accept();
  const told: Watcher["told"] = [];
  webSocket.addEventListener("message", ({ data }) => {
    if (data !== "pong") told.push(JSON.parse(String(data)) as Watcher["told"][number]);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    webSocket.addEventListener("close", ({ code, reason }) => {
      webSocket.close(code === 1006 ? 1000 : code);
      resolve({ code, reason });
    });
  });
  return { told, closed, socket: webSocket };
}

const watchedDomains = async () =>
  (await env.DIRECTORY.prepare("SELECT domain FROM event_watches").all<{ domain: string }>()).results.map(({ domain }) => domain);
const announce = (announcer: Announcer, domain: string, id: string) =>
  announcer.announceTo([domain], { id, type: "call.started", at: Date.now(), data: () => ({ id }) });
const idsOf = ({ told }: Watcher) => told.map(({ data }) => data["id"]);

describe("those who look at the events of a domain", () => {
  let domain = "";
  beforeEach(async () => {
    domain = await newDomain();
  });
  afterEach(() => vi.restoreAllMocks());

  it("are told of a call while it happens, without a web hook, and of nobody else's", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [watcher, other] = [await watch("localhost"), await watch(domain)];
    const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    const callId = await completeCall(caller, callee);
    const ofCall = () => watcher.told.filter(({ data }) => data["call_id"] === callId);
    await expect.poll(() => ofCall().map(({ type }) => type)).toEqual(["call.started", "call.ringing", "call.answered", "call.ended"]);
    expect(watcher.told.map(({ type }) => type)).toContain("registered");
    expect(other.told).toEqual([]);
    watcher.socket.close(1000);
  });

  it("are told after the object has slept, and cost nothing once they have gone", async () => {
    const watcher = await watch(domain);
    expect(await watchedDomains()).toContain(domain);
    await evictAllDurableObjects({ webSockets: "hibernate" });
    announce(announcerOf(env, domain), domain, "1");
    await expect.poll(() => idsOf(watcher)).toEqual(["1"]);
    watcher.socket.close(1000);
    await expect.poll(watchedDomains).not.toContain(domain);
    const data = vi.fn<() => object>(() => ({}));
    announcerOf(env, domain).announceTo([domain], { id: "2", type: "call.started", at: Date.now(), data });
    await directoryOf(env).eventReceivers(domain);
    expect(data).not.toHaveBeenCalled();
  });

  it("who were lost in a crash are noticed by the next event", async () => {
    await watch(domain);
    await evictAllDurableObjects({ webSockets: "close" });
    await env.DIRECTORY.prepare("INSERT OR IGNORE INTO event_watches (domain) VALUES (?)").bind(domain).run();
    directoryOf(env).forget(domain);
    announce(announcerOf(env, domain), domain, "1");
    await expect.poll(watchedDomains).not.toContain(domain);
  });

  it("are told nothing more a minute after their key was deleted", async () => {
    const { key, id } = await newKey({ scope: "read", domain });
    const [withKey, administrator] = [await watch(domain, key), await watch(domain)];
    expect((await api(`/keys/${id}`, { method: "DELETE" })).status).toBe(204);
    const later = Date.now() + 61_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    announce(announcerOf(env, domain), domain, "1");
    expect(await withKey.closed).toEqual({ code: 4401, reason: "the API key was deleted or has expired" });
    await expect.poll(() => idsOf(administrator)).toEqual(["1"]);
    expect(withKey.told).toEqual([]);
  });

  it("have nothing to say", async () => {
    const watcher = await watch(domain);
    watcher.socket.send("ping");
    watcher.socket.send("hello");
    expect((await watcher.closed).code).toBe(4400);
    await expect.poll(watchedDomains).not.toContain(domain);
  });

  it("are 32 at most", async () => {
    const all = await Promise.all(Array.from({ length: 32 }, () => watch(domain)));
    expect((await upgrade(domain, `offhook-events, ${bearer("test-admin-token")}`)).status).toBe(429);
    all[0]?.socket.close(1000);
    await all[0]?.closed;
    await expect.poll(async () => (await upgrade(domain, `offhook-events, ${bearer("test-admin-token")}`)).status).toBe(101);
  });

  it.each<readonly [what: string, domain: string, protocols: string, status: number]>([
    ["no key", "localhost", "offhook-events", 401],
    ["a wrong key", "localhost", `offhook-events, ${bearer("guess")}`, 401],
    ["a key that is not in base64url", "localhost", "offhook-events, bearer.!!!", 401],
    ["no subprotocol", "localhost", bearer("test-admin-token"), 400],
    ["another domain", "none.example", `offhook-events, ${bearer("test-admin-token")}`, 404],
  ])("are refused: %s", async (_what, asked, protocols, status) => {
    await api("/domains/localhost", { method: "PUT" });
    expect((await upgrade(asked, protocols)).status).toBe(status);
  });

  it("are refused with a key of another domain, and without a WebSocket", async () => {
    const { key } = await newKey({ scope: "read", domain: await newDomain() });
    expect((await upgrade(domain, `offhook-events, ${bearer(key)}`)).status).toBe(403);
    const answer = await api(`/domains/${domain}/events`);
    expect([answer.status, answer.headers.get("Upgrade")]).toEqual([426, "websocket"]);
  });
});
