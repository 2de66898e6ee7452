import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CallRecord } from "../../lib/proxy/call-record/call-record.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { EventMessage } from "../../platform/environment.ts";
import { queuedEvent } from "../../platform/domain-events.ts";
import worker from "../../workers/index.ts";
import { api, newcomers, registered } from "./support/homes.ts";

interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the receivers have got, oldest first, and what they answer; undefined: the connection fails. */
let sent: Sent[] = [];
let answer: (sent: Sent) => number | undefined | Promise<number | undefined> = () => 204;
let domains = 0;

// For the whole file: a delivery may be repeated after its test.
vi.stubGlobal("fetch", async (url: string, init: { headers: Record<string, string>; body: string }) => {
  const one = { url, headers: init.headers, body: init.body };
  sent.push(one);
  const status = await answer(one);
  if (status === undefined) throw new Error("connection lost");
  return new Response(null, { status });
});

beforeEach(() => {
  sent = [];
  answer = () => 204;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const [second, minute, hour] = [1000, 60_000, 3_600_000];
const put = (path: string, body: object) => api(path, { method: "PUT", body: JSON.stringify(body) });
const post = (path: string) => api(path, { method: "POST" });
const types = () => sent.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const ids = () => sent.map(({ headers }) => headers["webhook-id"]);

async function newDomain(): Promise<string> {
  domains += 1;
  const domain = `hooks-${domains}.example`;
  await api(`/domains/${domain}`, { method: "PUT" });
  return domain;
}

interface Hook {
  readonly domain: string;
  readonly path: string;
  readonly secret: string;
}

async function newHook(domain: string, name: string, events: readonly string[] = ["call.ended"], url = "https://1.1.1.1/"): Promise<Hook> {
  const path = `/domains/${domain}/web-hooks/${name}`;
  const created = await put(path, { url, events });
  expect(created.status).toBe(201);
  return { domain, path, secret: ((await created.json()) as { secret: string }).secret };
}

interface Delivery {
  readonly id: string;
  readonly attempts: number;
  readonly next: string | null;
  readonly last: { readonly status: number | null; readonly error: string | null } | null;
}

const deliveries = async ({ path }: Hook): Promise<readonly Delivery[]> =>
  ((await (await api(`${path}/deliveries`)).json()) as { deliveries: Delivery[] }).deliveries;

function recordOf(domain: string, name: string): CallRecord {
  const at = Date.now();
  return {
    ...{
      id: `${at.toString(36)}-${name}`,
      callId: name,
      domains: [domain],
      from: "<sip:alice@x>;tag=1",
      to: "<sip:bob@x>",
      dialled: "sip:bob@x",
      forwarded: [],
    },
    ...{ caller: `alice@${domain}`, callee: `bob@${domain}`, started: at, ended: at, outcome: "missed", status: 480, reason: "No" },
    ...{ endedBy: "server", devices: [], timeline: [{ at, event: "invite" }] },
  };
}

/** A call that has ended, as its home, or a queue, hands it over. */
async function endCall(domain: string, name: string): Promise<string> {
  const body = recordOf(domain, name);
  const { id } = body;
  await worker.queue(createMessageBatch<CallRecord>("offhook-calls", [{ id, timestamp: new Date(), attempts: 1, body }]), env);
  return id;
}

const objectOf = (domain: string) => {
  if (env.DOMAIN_EVENTS === undefined) throw new Error("wrangler.toml has no DOMAIN_EVENTS");
  return env.DOMAIN_EVENTS.getByName(domain);
};

/** Time goes by, in which the object loses its memory, and its alarm goes off. */
async function pass(domain: string, milliseconds: number): Promise<void> {
  await evictDurableObject(objectOf(domain));
  vi.setSystemTime(Date.now() + milliseconds);
  await runDurableObjectAlarm(objectOf(domain));
}

/** What an object does after its answer is done. */
const [pause, realTimeout] = [30, setTimeout.bind(globalThis)];
const settled = () => new Promise((resolve) => void realTimeout(resolve, pause));
const isQuiet = (hook: Hook, count: number) => expect.poll(async () => (await deliveries(hook)).length).toBe(count);
const isTried = (hook: Hook, attempts: number) => expect.poll(async () => (await deliveries(hook))[0]?.attempts).toBe(attempts);

describe("the API of web hooks", () => {
  it("shows a secret when a hook is made, and never again", async () => {
    const domain = await newDomain();
    const { path, secret } = await newHook(domain, "app");
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const view = { name: "app", url: "https://1.1.1.1/", events: ["call.ended"], disabled: null, lost: false };
    expect(await (await api(path)).json()).toEqual(view);
    expect(await (await api(`/domains/${domain}/web-hooks`)).json()).toEqual({ web_hooks: [view] });
    const replaced = await put(path, { url: "https://1.1.1.2/x", events: ["registered", "registered"] });
    expect([replaced.status, await replaced.json()]).toEqual([200, { ...view, url: "https://1.1.1.2/x", events: ["registered"] }]);
    const row = await env.DIRECTORY.prepare("SELECT settings FROM web_hooks WHERE domain = ?").bind(domain).first<{ settings: string }>();
    expect(row?.settings).not.toContain(secret.slice(6));
    expect((await api(path, { method: "DELETE" })).status).toBe(204);
    expect((await api(path)).status).toBe(404);
  });

  it.each([
    ["ftp://example.com/", "is not an https URL"],
    ["example.com", "is not a URL"],
    ["https://u:p@1.1.1.1/", "has a user name or a password"],
    ["https://127.0.0.1/", "127.0.0.1, an address in a private network"],
    ["https://0x7f.1/", "127.0.0.1, an address in a private network"],
    ["https://[::ffff:10.0.0.1]/", "an address in a private network"],
    ["https://localhost:8080/", "127.0.0.1, an address in a private network"],
    ["https://169.254.169.254/latest", "an address in a private network"],
  ])("refuses the URL %s", async (url, detail) => {
    const answered = await put(`/domains/${await newDomain()}/web-hooks/app`, { url, events: ["call.ended"] });
    expect([answered.status, ((await answered.json()) as { detail: string }).detail]).toEqual([400, expect.stringContaining(detail)]);
  });

  it("refuses other bodies, names and cursors, and the eleventh hook", async () => {
    const domain = await newDomain();
    const path = `/domains/${domain}/web-hooks`;
    const url = "https://1.1.1.1/";
    for (const body of [{}, { url }, { url, events: [] }, { url, events: ["call.begun"] }, { url, events: ["registered"], secret: "x" }])
      expect((await put(`${path}/app`, body)).status).toBe(400);
    expect((await put(`${path}/App`, { url, events: ["registered"] })).status).toBe(400);
    expect((await put("/domains/none.example/web-hooks/app", { url, events: ["registered"] })).status).toBe(404);
    for (let count = 0; count < 10; count += 1) await newHook(domain, `app-${count}`);
    expect((await put(`${path}/app-10`, { url, events: ["registered"] })).status).toBe(409);
    expect((await api(`${path}/app-1/deliveries?cursor=x`)).status).toBe(400);
    expect((await post(`${path}/app-1/deliveries/x/replay`)).status).toBe(404);
    for (const missing of ["secret", "test", "deliveries/x/replay"]) expect((await post(`${path}/none/${missing}`)).status).toBe(404);
  });
});

describe("a secret that no key opens", () => {
  it("is not destroyed by a PUT", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    const read = async () =>
      env.DIRECTORY.prepare("SELECT settings FROM web_hooks WHERE domain = ?").bind(domain).first<{ settings: string }>();
    const before = await read();
    const damaged = before?.settings.replace('"secret":"', '"secret":"x');
    await env.DIRECTORY.prepare("UPDATE web_hooks SET settings = ? WHERE domain = ?").bind(damaged, domain).run();
    const answered = await put(hook.path, { url: "https://1.1.1.2/", events: ["call.ended"] });
    expect([answered.status, ((await answered.json()) as { detail: string }).detail]).toEqual([409, expect.stringContaining("SEAL_KEYS")]);
    expect((await read())?.settings).toBe(damaged);
    expect((await post(`${hook.path}/secret`)).status).toBe(200);
    expect((await put(hook.path, { url: "https://1.1.1.2/", events: ["call.ended"] })).status).toBe(200);
  });
});

describe("an event", () => {
  it("is signed so that the library of Standard Webhooks accepts it, and has the record as the API returns it", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    const id = await endCall(domain, "one");
    await isQuiet(hook, 0);
    const [{ body, headers } = { body: "", headers: {} }] = sent;
    expect(headers).toMatchObject({ "webhook-id": id, "Content-Type": "application/json" });
    vi.useRealTimers();
    const event = new Webhook(hook.secret).verify(body, { ...headers }) as { type: string; timestamp: string; data: object };
    expect(event).toEqual({
      ...{ type: "call.ended", timestamp: expect.stringMatching(/Z$/) as unknown },
      data: await (await api(`/domains/${domain}/calls/${id}`)).json(),
    });
    expect(() => new Webhook(`whsec_${btoa("x".repeat(32))}`).verify(body, { ...headers })).toThrow("No matching signature found");
  });

  it("is signed with both secrets for 24 hours after a rotation", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    const { secret } = (await (await post(`${hook.path}/secret`)).json()) as { secret: string };
    await endCall(domain, "one");
    await isQuiet(hook, 0);
    vi.setSystemTime(Date.now() + 24 * hour + second);
    await endCall(domain, "two");
    await isQuiet(hook, 0);
    expect(sent.map(({ headers }) => headers["webhook-signature"]?.split(" ").length)).toEqual([2, 1]);
    const [first, last] = sent;
    vi.setSystemTime(Number(first?.headers["webhook-timestamp"]) * 1000);
    for (const one of [secret, hook.secret]) new Webhook(one).verify(first?.body ?? "", { ...first?.headers });
    vi.setSystemTime(Number(last?.headers["webhook-timestamp"]) * 1000);
    new Webhook(secret).verify(last?.body ?? "", { ...last?.headers });
  });

  it("goes only to hooks that want it, and one that comes twice has the same id", async () => {
    const domain = await newDomain();
    const calls = await newHook(domain, "calls");
    await newHook(domain, "phones", ["registered", "unregistered"], "https://1.1.1.2/");
    answer = () => 500;
    const id = await endCall(domain, "one");
    await endCall(domain, "one");
    await isTried(calls, 1);
    expect((await deliveries(calls)).map((one) => one.id)).toEqual([id]);
    expect(sent.map(({ url }) => url)).toEqual(["https://1.1.1.1/"]);
  });

  it("tells of phones that register, leave, and are removed, and of stored messages without their text", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const hook = await newHook("localhost", "app", ["registered", "unregistered", "message.stored"]);
    const phone = await registered({ account: alice, way: "direct" });
    const other = await registered({ account: bob, way: "direct" });
    await expect.poll(types).toEqual(["registered", "registered"]);
    await phone.register();
    await other.register({ contacts: ["*"], expires: 0 });
    await expect.poll(types).toContain("unregistered");
    phone.request("MESSAGE", other.aor, { body: "a secret" });
    await expect.poll(types).toContain("message.stored");
    const data = sent.map(({ body }) => (JSON.parse(body) as { data: object }).data);
    expect(data).toEqual([
      expect.objectContaining({ user: `${alice}@localhost`, contact: expect.stringMatching(/^sip:/) as unknown }),
      expect.objectContaining({ user: `${bob}@localhost` }),
      expect.objectContaining({ user: `${bob}@localhost`, why: "removed" }),
      { user: `${bob}@localhost`, from: expect.stringContaining(`sip:${alice}@localhost`) as unknown },
    ]);
    expect(JSON.stringify(sent)).not.toContain("a secret");
    await api(hook.path, { method: "DELETE" });
  });
});

describe("a domain", () => {
  it("stores nothing for events that no hook wants", async () => {
    const domain = await newDomain();
    await newHook(domain, "app", ["registered"]);
    await endCall(domain, "one");
    const rows = await runInDurableObject(objectOf(domain), (_object, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'deliveries'").toArray(),
    );
    expect([rows, sent]).toEqual([[], []]);
  });

  it("keeps 10,000 deliveries: the hook with the most loses its oldest, and too long events are dropped", async () => {
    const domain = await newDomain();
    const [full, other] = [await newHook(domain, "full"), await newHook(domain, "other", ["call.ended"], "https://1.1.1.2/")];
    answer = () => 500;
    const event = (number: number, hooks: readonly string[], payload = "{}") => {
      const at = started + number;
      return { id: `event-${number}`, type: "call.ended", at, payload, hooks } as const;
    };
    const started = Date.now();
    await objectOf(domain).enqueue([event(0, ["other"]), event(1, ["other"], "x".repeat(16_385))]);
    for (let from = 0; from < 10_001; from += 1000)
      await objectOf(domain).enqueue(Array.from({ length: Math.min(1000, 10_001 - from) }, (_, index) => event(from + index, ["full"])));
    const count = await runInDurableObject(objectOf(domain), (_object, { storage }) =>
      storage.sql.exec<{ count: number }>("SELECT COUNT(*) AS count FROM deliveries").one(),
    );
    expect(count).toEqual({ count: 10_000 });
    expect((await deliveries(full))[0]?.id).toBe("event-2");
    expect((await deliveries(other)).map(({ id }) => id)).toEqual(["event-0"]);
  });

  it("and the user who has caused the most of them loses the oldest, not the others", async () => {
    const domain = await newDomain();
    const full = await newHook(domain, "full");
    answer = () => 500;
    const started = Date.now();
    const event = (number: number, caller: string) =>
      queuedEvent({ id: `event-${number}`, type: "call.ended", at: started + number, data: { caller, callee: "wes@x" } }, ["full"]);
    await objectOf(domain).enqueue([event(0, "vic@x")]);
    for (let from = 1; from < 10_300; from += 1000)
      await objectOf(domain).enqueue(Array.from({ length: Math.min(1000, 10_300 - from) }, (_, index) => event(from + index, "eve@x")));
    const [first, second, ...more] = ((await (await api(`${full.path}/deliveries?limit=1000`)).json()) as { deliveries: Delivery[] })
      .deliveries;
    expect([first?.id, second?.id, more.length]).toEqual(["event-0", "event-301", 998]);
  });
});

describe("a queue of events, for another Worker", () => {
  /** The queue, as the platform gives it to a Worker. */
  const queueOf = (send: (body: EventMessage) => Promise<void>) =>
    ({ send, sendBatch: () => Promise.reject(new Error("not used")) }) as unknown as Queue<EventMessage>;
  const handOver = async (domain: string, EVENTS: Queue<EventMessage>) => {
    const body = recordOf(domain, "queued");
    const batch = createMessageBatch<CallRecord>("offhook-calls", [{ id: body.id, timestamp: new Date(), attempts: 1, body }]);
    await worker.queue(batch, { ...env, EVENTS });
    return { id: body.id, result: await getQueueResult(batch, createExecutionContext()) };
  };

  it("gets the events of each domain, with or without a web hook, and those have them too", async () => {
    const queued: EventMessage[] = [];
    const queue = queueOf(async (body) => void queued.push(body));
    const [domain, hooked] = [await newDomain(), await newDomain()];
    await newHook(hooked, "app");
    const { id } = await handOver(domain, queue);
    expect(queued).toEqual([
      {
        id: expect.any(String) as unknown,
        domain,
        type: "call.ended",
        timestamp: expect.any(String) as unknown,
        data: expect.objectContaining({ id }) as unknown,
      },
    ]);
    await handOver(hooked, queue);
    await expect.poll(types).toEqual(["call.ended"]);
    expect(queued.map((one) => one.domain)).toEqual([domain, hooked]);
  });

  it("that cannot be reached: the record is given again, and the web hook is told", async () => {
    const domain = await newDomain();
    await newHook(domain, "app");
    const { result } = await handOver(
      domain,
      queueOf(() => Promise.reject(new Error("the queue is down"))),
    );
    expect(result.retryMessages.length).toBe(1);
    await expect.poll(types).toContain("call.ended");
  });
});

describe("a queue of records", () => {
  it("repeats only those that could not be kept", async () => {
    const [broken, other] = [await newDomain(), await newDomain()];
    await newHook(broken, "app");
    const hook = await newHook(other, "app");
    await env.DIRECTORY.prepare("UPDATE web_hooks SET settings = '{' WHERE domain = ?").bind(broken).run();
    directoryOf(env).forget(broken);
    const messages = [broken, other].map((domain) => {
      const body = recordOf(domain, domain);
      return { id: domain, timestamp: new Date(), attempts: 1, body };
    });
    const batch = createMessageBatch<CallRecord>("offhook-calls", messages);
    await worker.queue(batch, env);
    const result = await getQueueResult(batch, createExecutionContext());
    expect([result.explicitAcks, result.retryMessages.map(({ msgId }) => msgId)]).toEqual([[other], [broken]]);
    await isQuiet(hook, 0);
    expect(sent).not.toEqual([]);
  });
});

describe("a delivery that fails", () => {
  it("is repeated after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, then every 3 h, and is given up after 24 hours", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => 503;
    const id = await endCall(domain, "one");
    const started = Date.now();
    await isTried(hook, 1);
    const pauses = [5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute, hour, ...Array.from({ length: 7 }, () => 3 * hour)];
    for (const [index, pause] of pauses.entries()) {
      const next = (await deliveries(hook))[0]?.next ?? "";
      expect(Math.abs(Date.parse(next) - Date.now() - pause)).toBeLessThan(5 * second);
      await pass(domain, pause - 6 * second < 0 ? 0 : pause - 6 * second);
      expect(sent).toHaveLength(index + 1);
      vi.setSystemTime(Date.parse(next));
      await pass(domain, 0);
      await isTried(hook, index + 2);
    }
    expect(Date.now() - started).toBeLessThan(24 * hour);
    expect(await deliveries(hook)).toEqual([expect.objectContaining({ id, next: null, attempts: 14 })]);
    expect(new Set(ids())).toEqual(new Set([id]));
    expect(new Set(sent.map(({ body }) => body)).size).toBe(1);
    // It can be replayed for seven days.
    await pass(domain, 6 * 24 * hour);
    answer = () => 200;
    expect((await post(`${hook.path}/deliveries/${id}/replay`)).status).toBe(200);
    await isQuiet(hook, 0);
    expect(sent).toHaveLength(15);
  });

  it("is forgotten seven days after it was given up", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => undefined;
    await endCall(domain, "one");
    await isTried(hook, 1);
    expect((await deliveries(hook))[0]?.last).toMatchObject({ status: null, error: expect.stringContaining("connection") as unknown });
    await pass(domain, 25 * hour);
    await expect.poll(async () => (await deliveries(hook))[0]?.next).toBeNull();
    await pass(domain, 6 * 24 * hour);
    expect(await deliveries(hook)).toHaveLength(1);
    await pass(domain, 8 * 24 * hour);
    await isQuiet(hook, 0);
  });

  it("holds up the later ones of its hook for a while, so that they come in order, and no other hook", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    await newHook(domain, "other", ["call.ended"], "https://1.1.1.2/");
    answer = ({ url }) => (url === "https://1.1.1.1/" ? 500 : 200);
    const names = ["a", "b", "c", "d", "e"];
    const wanted: string[] = [];
    for (const name of names) {
      vi.setSystemTime(Date.now() + second / 2);
      wanted.push(await endCall(domain, name));
      if (name === "a") await isTried(hook, 1);
    }
    const received = (url: string) => sent.filter((one) => one.url === url).map(({ headers }) => headers["webhook-id"]);
    await expect.poll(() => received("https://1.1.1.2/")).toEqual(wanted);
    expect(received("https://1.1.1.1/")).toEqual([wanted[0]]);
    answer = () => 200;
    await pass(domain, 10 * second);
    await isQuiet(hook, 0);
    expect(received("https://1.1.1.1/").slice(1)).toEqual(wanted);
  });

  it("holds up nothing after some minutes: the receiver may refuse this one only", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = ({ body }) => (body.includes("bad") ? 500 : 200);
    await endCall(domain, "bad");
    await isTried(hook, 1);
    const other = await endCall(domain, "good");
    expect(ids()).not.toContain(other);
    await pass(domain, 6 * second);
    await isTried(hook, 2);
    await pass(domain, 31 * second);
    await isTried(hook, 3);
    expect(ids()).not.toContain(other);
    await pass(domain, 2 * minute + second);
    await expect.poll(ids).toContain(other);
  });

  /** The object sleeps until its alarm, as it does on the platform. */
  async function nextAlarm(domain: string): Promise<void> {
    await settled();
    const at = await runInDurableObject(objectOf(domain), (_object, { storage }) => storage.getAlarm());
    await evictDurableObject(objectOf(domain));
    vi.setSystemTime(Math.max(at ?? 0, Date.now()));
    await runDurableObjectAlarm(objectOf(domain));
    await settled();
  }

  it("holds up the later ones once, not each in its turn, although the object forgets in the pauses", async () => {
    const domain = await newDomain();
    await newHook(domain, "app");
    const refused = new Set<string | undefined>();
    answer = ({ headers }) => (refused.has(headers["webhook-id"]) ? 500 : 200);
    const started = Date.now();
    for (let count = 0; count < 8; count += 1) {
      refused.add(`${Date.now().toString(36)}-bad`);
      await endCall(domain, "bad");
      vi.setSystemTime(Date.now() + 1);
    }
    const good = await endCall(domain, "good");
    for (let alarms = 0; alarms < 40 && !ids().includes(good); alarms += 1) await nextAlarm(domain);
    expect(ids()).toContain(good);
    expect(Date.now() - started).toBeLessThan(3 * minute);
  });

  it("is sent at once when the receiver is back, although the object has slept", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => 503;
    const started = Date.now();
    for (let count = 0; count < 6; count += 1) {
      await endCall(domain, `call-${count}`);
      vi.setSystemTime(Date.now() + minute);
    }
    while (Date.now() - started < 8 * hour) await nextAlarm(domain);
    answer = () => 200;
    const first = Date.now();
    for (let alarms = 0; alarms < 4 && (await deliveries(hook)).length > 0; alarms += 1) await nextAlarm(domain);
    expect(await deliveries(hook)).toEqual([]);
    expect(Date.now() - first).toBeLessThan(20 * minute);
    // It loses its memory in the middle of that: the rest goes on.
    answer = () => 503;
    for (let count = 0; count < 3; count += 1) await endCall(domain, `call-${count}`);
    const again = Date.now();
    while (Date.now() - again < 8 * hour) await nextAlarm(domain);
    const count = sent.length;
    answer = () => (sent.length > count + 1 ? new Promise(() => undefined) : 200);
    while (sent.length < count + 2) await nextAlarm(domain);
    answer = () => 200;
    const back = Date.now();
    for (let alarms = 0; alarms < 4 && (await deliveries(hook)).length > 0; alarms += 1) await nextAlarm(domain);
    expect(await deliveries(hook)).toEqual([]);
    expect(Date.now() - back).toBeLessThan(minute);
  });

  it("keeps its pauses if the receiver takes others: each of those brings at most one more attempt", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = ({ body }) => (body.includes("bad") ? 500 : 200);
    for (const name of ["bad-1", "bad-2", "bad-3"]) await endCall(domain, name);
    for (let alarms = 0; alarms < 20; alarms += 1) await nextAlarm(domain);
    const before = (await deliveries(hook)).map(({ attempts }) => attempts);
    for (let count = 0; count < 10; count += 1) await endCall(domain, `good-${count}`);
    await isQuiet(hook, 3);
    const after = (await deliveries(hook)).map(({ attempts }) => attempts);
    expect(after.map((attempts, index) => attempts - (before[index] ?? 0)).every((more) => more <= 1)).toBe(true);
  });

  it("counts whatever goes wrong as an attempt", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    const stored = "SELECT settings FROM web_hooks WHERE domain = ?";
    const row = await env.DIRECTORY.prepare(stored).bind(domain).first<{ settings: string }>();
    const store = async (settings: string | undefined) => {
      await env.DIRECTORY.prepare("UPDATE web_hooks SET settings = ? WHERE domain = ?").bind(settings, domain).run();
      directoryOf(env).forget(domain);
    };
    await store("{");
    await objectOf(domain).enqueue([{ id: "one", type: "call.ended", at: Date.now(), payload: "{}", hooks: ["app"] }]);
    await settled();
    await store(row?.settings);
    expect(await deliveries(hook)).toEqual([
      expect.objectContaining({ attempts: 1, last: expect.objectContaining({ error: "this server failed: see its log" }) as unknown }),
    ]);
  });

  it("is due when its hook is changed", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = ({ url }) => (url === "https://1.1.1.1/" ? 404 : 200);
    await endCall(domain, "one");
    for (let alarms = 0; alarms < 5; alarms += 1) await nextAlarm(domain);
    await put(hook.path, { url: "https://1.1.1.2/", events: ["call.ended"] });
    await isQuiet(hook, 0);
    expect(sent.at(-1)?.url).toBe("https://1.1.1.2/");
  });

  it("ends with all others of its hook if the receiver answers 410, until the hook is PUT again", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => 410;
    const id = await endCall(domain, "one");
    await expect.poll(async () => (await deliveries(hook))[0]?.next).toBeNull();
    const { disabled } = (await (await api(hook.path)).json()) as { disabled: string };
    expect(Math.abs(Date.parse(disabled) - Date.now())).toBeLessThan(minute);
    await endCall(domain, "two");
    expect(sent).toHaveLength(1);
    for (const path of ["test", `deliveries/${id}/replay`]) expect((await post(`${hook.path}/${path}`)).status).toBe(409);
    answer = () => 200;
    expect((await put(hook.path, { url: "https://1.1.1.1/", events: ["call.ended"] })).status).toBe(200);
    expect((await post(`${hook.path}/test`)).status).toBe(202);
    await expect.poll(types).toEqual(["call.ended", "test"]);
  });

  it("does not end for what an older receiver says: the hook has another URL by then", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    const late = Promise.withResolvers<number>();
    answer = ({ url }) => (url === "https://1.1.1.1/" ? late.promise : 200);
    await endCall(domain, "one");
    await expect.poll(ids).toHaveLength(1);
    await put(hook.path, { url: "https://1.1.1.2/", events: ["call.ended"] });
    late.resolve(410);
    await isTried(hook, 1);
    expect((await deliveries(hook))[0]?.next).not.toBeNull();
    await pass(domain, 6 * second);
    await isQuiet(hook, 0);
  });

  it("goes with its hook, and with its domain", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => 500;
    await endCall(domain, "one");
    await isTried(hook, 1);
    await api(hook.path, { method: "DELETE" });
    await newHook(domain, "app");
    await isQuiet(hook, 0);
    await endCall(domain, "two");
    await isTried(hook, 1);
    await api(`/domains/${domain}`, { method: "DELETE" });
    await api(`/domains/${domain}`, { method: "PUT" });
    expect((await api(hook.path)).status).toBe(404);
    await newHook(domain, "app");
    await isQuiet(hook, 0);
  });

  it("never goes to a later hook of the same name, whatever was not known when the older one was deleted", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => 500;
    await endCall(domain, "one");
    await isTried(hook, 1);
    await env.DIRECTORY.prepare("DELETE FROM web_hooks WHERE domain = ?").bind(domain).run();
    await newHook(domain, "app", ["call.ended"], "https://1.1.1.9/");
    await isQuiet(hook, 0);
    expect(sent.map(({ url }) => url)).not.toContain("https://1.1.1.9/");
  });

  it("is listed in pages", async () => {
    const domain = await newDomain();
    const hook = await newHook(domain, "app");
    answer = () => 500;
    const wanted = [await endCall(domain, "a")];
    await isTried(hook, 1);
    for (const name of ["b", "c"]) wanted.push(await endCall(domain, name));
    const page = async (query: string) =>
      (await (await api(`${hook.path}/deliveries${query}`)).json()) as { deliveries: Delivery[]; next_cursor: string | null };
    const first = await page("?limit=2");
    const last = await page(`?limit=2&cursor=${first.next_cursor}`);
    expect([...first.deliveries, ...last.deliveries].map(({ id }) => id)).toEqual(wanted);
    expect([first.deliveries.length, last.next_cursor]).toEqual([2, null]);
  });
});
