import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { announcerOf } from "../../platform/domain-events.ts";
import { completeCall } from "./support/calls.ts";
import { api, newcomers, registered } from "./support/homes.ts";
import { newDomain } from "./support/keys.ts";

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

let events: Event[] = [];
vi.stubGlobal("fetch", async (_url: string, init: { headers: Record<string, string>; body: string }) => {
  events.push({ id: init.headers["webhook-id"] ?? "", ...(JSON.parse(init.body) as Omit<Event, "id">) });
  return new Response(null, { status: 204 });
});

const hook = (domain: string) => `/domains/${domain}/web-hooks/app`;
const wanted = ["call.started", "call.ringing", "call.answered", "call.ended", "trunk.up", "trunk.down"];
const createHook = async (domain: string) =>
  expect((await api(hook(domain), { method: "PUT", body: JSON.stringify({ url: "https://1.1.1.1/", events: wanted }) })).status).toBe(201);
const types = () => events.map(({ type }) => type);

beforeEach(() => {
  events = [];
});
afterEach(() => api(hook("localhost"), { method: "DELETE" }));

it("a call is told of when it begins, rings, is answered and ends, each with the id of its record", async () => {
  const [alice, bob] = await newcomers("alice", "bob");
  await createHook("localhost");
  const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
  const callId = await completeCall(caller, callee);
  await expect.poll(() => types().toSorted()).toEqual(["call.answered", "call.ended", "call.ringing", "call.started"]);
  const id = String(events.find(({ type }) => type === "call.ended")?.data["id"]);
  for (const { type, data, id: eventId } of events) {
    expect(eventId).toBe(type === "call.ended" ? id : `${id}-${type.slice(5)}`);
    expect(data).toMatchObject({ id, call_id: callId, domain: "localhost", caller: `${alice}@localhost`, callee: `${bob}@localhost` });
  }
});

it("a call that nobody answers, or that is refused before it rings, is neither ringing nor answered", async () => {
  const [alice, bob] = await newcomers("alice", "bob");
  await createHook("localhost");
  const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
  const sent = caller.request("INVITE", callee.aor);
  callee.reply(await callee.next("INVITE"), 486);
  expect((await caller.finalResponse(sent)).status).toBe(486);
  await expect.poll(() => types().toSorted()).toEqual(["call.ended", "call.started"]);
});

it("a home tells of 300 calls at once, and of ten more in a second; what is beyond is lost", async () => {
  const domain = await newDomain();
  await createHook(domain);
  const announcer = announcerOf(env, domain);
  const announce = (count: number, at: number) =>
    Array.from({ length: count }, (_, index) =>
      announcer.announceTo([domain], { id: `${at}-${index}`, type: "call.started", at, data: (told) => ({ told }) }),
    );
  const now = Date.now();
  announce(305, now);
  announce(15, now + 1000);
  await expect.poll(() => events.length, { timeout: 10_000 }).toBe(310);
  expect(events.every(({ data }) => data["told"] === domain)).toBe(true);
});
