import { describe, expect, it, vi } from "vitest";
import { completeCall } from "./support/calls.ts";
import { api, connect, forgetEverything, homes, newcomers, registered, ringAlarm, rowsOf, spentBy } from "./support/homes.ts";

interface Traced {
  readonly at: number;
  readonly direction: string;
  readonly flow: string;
  readonly text: string;
  readonly home?: string;
}

const path = (username: string): string => `/domains/localhost/subscribers/${username}/trace`;
const keep = (username: string, body: unknown) => api(path(username), { method: "PUT", body: JSON.stringify(body) });
const traced = async (username: string): Promise<Traced[]> => ((await (await api(path(username))).json()) as { entries: Traced[] }).entries;
const firstLines = (all: readonly Traced[]): string[] => all.map(({ text }) => text.split("\r\n", 1)[0] ?? "");

/** A call that is answered and ended. @returns its Call-ID */
async function call(alice: string, bob: string): Promise<string> {
  const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
  return completeCall(caller, callee, {
    headers: [["Proxy-Authorization", 'Digest username="x", response="0123456789abcdef0123456789abcdef"']],
  });
}

async function recordOf(callId: string): Promise<string> {
  const find = async () => {
    const { calls } = (await (await api("/domains/localhost/calls")).json()) as { calls: { id: string; call_id: string }[] };
    return calls.find((one) => one.call_id === callId)?.id;
  };
  await expect.poll(find).toBeDefined();
  return (await find()) ?? "";
}

describe("the messages of a user, if an administrator wants them", () => {
  it("are kept for a day, in spite of sleep, and without secrets; before that none costs a row", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    for (const account of [alice, bob]) await registered({ account, way: "direct" });
    await spentBy(alice);
    expect((await keep(alice, { minutes: 10 })).status).toBe(200);
    await call(alice, bob);
    await forgetEverything();
    const kept = await traced(alice);
    expect(firstLines(kept)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^INVITE /), "SIP/2.0 180 Whatever", expect.stringMatching(/^BYE /)]),
    );
    expect(kept.some(({ text }) => text.includes("0123456789abcdef0123456789abcdef"))).toBe(false);
    expect(await rowsOf(bob, "kept_trace")).toBe(0);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 26 * 3_600_000);
    await ringAlarm(alice);
    vi.useRealTimers();
    expect(await rowsOf(alice, "kept_trace")).toBe(0);
  });

  it("are kept for so long only, and are deleted on demand", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await registered({ account: alice, way: "direct" });
    const { until } = (await (await keep(alice, { minutes: 1 })).json()) as { until: string };
    expect(Math.round((Date.parse(until) - Date.now()) / 1000)).toBeLessThanOrEqual(60);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 61_000);
    await call(alice, bob);
    vi.useRealTimers();
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(0);
    await keep(alice, { minutes: 1 });
    await call(alice, bob);
    expect(await rowsOf(alice, "kept_trace")).toBeGreaterThan(5);
    expect((await api(path(alice), { method: "DELETE" })).status).toBe(204);
    expect(await rowsOf(alice, "kept_trace")).toBe(0);
    await call(alice, bob);
    expect(await rowsOf(alice, "kept_trace")).toBe(0);
  });

  it("are 2,000 at most", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    await keep(alice, { minutes: 1 });
    for (let count = 0; count < 1100; count += 1) await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"));
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(2000);
  });

  it("are 400 at most of connections that have not authenticated, and leave room for the user's own", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    await keep(alice, { minutes: 1 });
    for (let connections = 0; connections < 50; connections += 1) {
      const other = await connect({ account: alice, way: "direct" });
      for (let count = 0; count < 5; count += 1) await other.finalResponse(other.request("OPTIONS", "sip:localhost"));
    }
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(400);
    await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"));
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(402);
  });

  it("are those of the last time that was asked for, and each goes after its day", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    const ask = () => phone.finalResponse(phone.request("OPTIONS", "sip:localhost"));
    const hour = 3_600_000;
    vi.useFakeTimers({ toFake: ["Date"] });
    await keep(alice, { minutes: 60 * 24 });
    await ask();
    vi.setSystemTime(Date.now() + 23 * hour);
    await ask();
    vi.setSystemTime(Date.now() + 3 * hour);
    await ringAlarm(alice);
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(2);
    await keep(alice, { minutes: 1 });
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(0);
    await ask();
    expect(await rowsOf(alice, "kept_trace WHERE number > 0")).toBe(2);
    vi.setSystemTime(Date.now() + 26 * hour);
    await ringAlarm(alice);
    vi.useRealTimers();
    expect(await rowsOf(alice, "kept_trace")).toBe(0);
  });

  it.each([[{}], [{ minutes: 0 }], [{ minutes: 1441 }], [{ minutes: 1.5 }], [{ minutes: 10, user: "x" }], ["ten"]])(
    "are not asked for by %j: 400",
    async (body) => {
      const [alice] = await newcomers("alice");
      await registered({ account: alice, way: "direct" });
      expect((await keep(alice, body)).status).toBe(400);
    },
  );

  it("are not there for a user who has never registered (409), or does not exist (404), and make no home", async () => {
    const [alice] = await newcomers("alice");
    const before = await homes();
    expect([(await keep(alice, { minutes: 1 })).status, (await keep("nobody", { minutes: 1 })).status]).toEqual([409, 404]);
    expect((await api(path(alice), { method: "DELETE" })).status).toBe(204);
    expect(await homes()).toEqual(before);
  });
});

describe("the messages of a call", () => {
  it("are those of both homes, as JSON, as text, as a diagram and as a capture", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const callId = await call(alice, bob);
    const at = `/domains/localhost/calls/${await recordOf(callId)}/trace`;
    const { messages } = (await (await api(at)).json()) as { messages: Traced[] };
    expect(new Set(messages.map(({ home }) => home))).toEqual(new Set([`${alice}@localhost`, `${bob}@localhost`]));
    expect(messages.map(({ at: time }) => time)).toEqual(messages.map(({ at: time }) => time).sort((one, other) => one - other));
    expect(messages.every(({ text }) => text.includes(callId))).toBe(true);
    const text = await (await api(`${at}?format=text`)).text();
    expect(text).toContain(`# at the home of ${bob}@localhost`);
    const diagram = await (await api(`${at}?format=mermaid`)).text();
    expect(diagram).toMatch(/^sequenceDiagram\n {2}participant A as alice.*\n {2}participant S as Offhook\n {2}participant B0 as sip:bob/);
    expect(diagram).toContain("B0-->>S: 180");
    const file = await api(`${at}?format=pcapng`);
    expect(file.headers.get("Content-Type")).toBe("application/x-pcapng");
    const octets = new Uint8Array(await file.arrayBuffer());
    expect([...octets.slice(0, 4)]).toEqual([0x0a, 0x0d, 0x0d, 0x0a]);
    expect([(await api(`${at}?format=xml`)).status, (await api("/domains/localhost/calls/x/trace")).status]).toEqual([400, 404]);
  });
});
