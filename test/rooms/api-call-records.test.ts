import { env } from "cloudflare:workers";
import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { CallRecord } from "../../lib/proxy/call-record/call-record.ts";
import { CallStore } from "../../platform/directory/call-store.ts";
import worker from "../../workers/index.ts";
import { completeCall } from "./support/calls.ts";
import { api, newcomers, registered } from "./support/homes.ts";

interface Page {
  readonly calls: readonly { readonly id: string; readonly [member: string]: unknown }[];
  readonly next_cursor: string | null;
}

const started = Date.UTC(2026, 0, 5, 12);
let domains = 0;

/** A domain of its own. */
async function newDomain(settings?: object): Promise<string> {
  domains += 1;
  const domain = `records-${domains}.example`;
  await api(`/domains/${domain}`, { method: "PUT" });
  if (settings !== undefined) await api(`/domains/${domain}/settings`, { method: "PUT", body: JSON.stringify(settings) });
  return domain;
}

function record(domain: string, number: number, changes: Partial<CallRecord> = {}): CallRecord {
  const at = started + number * 1000;
  return {
    ...{ id: `${at.toString(36)}-${"A".repeat(11)}${number % 10}`, callId: `call-${number}`, domains: [domain] },
    ...{ from: `<sip:alice@${domain}>;tag=1`, to: `<sip:bob@${domain}>`, dialled: `sip:bob@${domain}`, forwarded: [] },
    ...{ caller: `alice@${domain}`, callee: `bob@${domain}`, started: at, ended: at + 30_000, answered: at + 5000 },
    ...{ outcome: "answered", status: 200, reason: "OK", endedBy: "caller", devices: [], timeline: [{ at, event: "invite" }] },
    ...changes,
  };
}

const keep = (...records: readonly CallRecord[]): Promise<unknown> => new CallStore(env.DIRECTORY).insert(records, Date.now());
const page = async (domain: string, query = ""): Promise<Page> => (await api(`/domains/${domain}/calls${query}`)).json();
const callIds = ({ calls }: Page): unknown[] => calls.map(({ call_id: callId }) => callId);

describe("the records of calls", () => {
  it("have a call that was answered on real phones, in the domains of both users, once", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "general" })];
    const callId = await completeCall(caller, callee);
    await expect.poll(async () => callIds(await page("localhost", `?user=${alice}`))).toEqual([callId]);
    const [call] = (await page("localhost", `?user=${bob}`)).calls;
    expect(call).toMatchObject({
      ...{ caller: `${alice}@localhost`, callee: `${bob}@localhost`, outcome: "answered", status: 200, ended_by: "caller", seconds: 0 },
      ...{ devices: [{ branch: 0, user_agent: null, way: "shared" }], trunk: null, forwarded: [], why: null },
    });
    expect((await api(`/domains/localhost/calls/${call?.id}`)).status).toBe(200);
  });

  it("are pages, the newest first", async () => {
    const domain = await newDomain();
    await keep(...Array.from({ length: 5 }, (_, number) => record(domain, number)));
    const first = await page(domain, "?limit=2");
    const second = await page(domain, `?limit=2&cursor=${first.next_cursor}`);
    const last = await page(domain, `?limit=2&cursor=${second.next_cursor}`);
    expect([first, second, last].map(callIds)).toEqual([["call-4", "call-3"], ["call-2", "call-1"], ["call-0"]]);
    expect(last.next_cursor).toBeNull();
    expect((await api(`/domains/${domain}/calls?cursor=x`)).status).toBe(400);
  });

  it("are filtered by user, outcome, number and time", async () => {
    const domain = await newDomain();
    await keep(
      record(domain, 0, { caller: `jos%C3%A9@${domain}` }),
      record(domain, 1, { outcome: "missed", status: 480 }),
      record(domain, 2, { dialled: `sip:+493012345@${domain}` }),
      record(domain, 3, { from: `"x" <sip:+4940777@${domain}>` }),
    );
    const at = (number: number) => new Date(started + number * 1000).toISOString();
    const found = async (query: string) => callIds(await page(domain, query));
    expect(await found("?user=jos%C3%A9")).toEqual(["call-0"]);
    expect(await found("?outcome=missed")).toEqual(["call-1"]);
    expect(await found("?number=3012345")).toEqual(["call-2"]);
    expect(await found("?number=4940")).toEqual(["call-3"]);
    expect(await found(`?since=${at(1)}&until=${at(2)}`)).toEqual(["call-2", "call-1"]);
    expect((await page(domain, "?user=jos%C3%A9")).calls[0]?.["caller"]).toBe(`josé@${domain}`);
    for (const query of ["?outcome=lost", "?since=yesterday", "?limit=0", "?number=", "?callee=bob"])
      expect((await api(`/domains/${domain}/calls${query}`)).status).toBe(400);
  });

  it("are exported as CSV, all of them, and run nothing in a spreadsheet", async () => {
    const domain = await newDomain();
    await keep(
      ...Array.from({ length: 1100 }, (_, number) => record(domain, number)),
      record(domain, 2000, { from: '=HYPERLINK("http://x","a")', callerDevice: "+1,2", forwarded: ["sip:a@b", "sip:c@d"] }),
    );
    const response = await api(`/domains/${domain}/calls.csv`);
    expect(response.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    const lines = (await response.text()).split("\r\n");
    expect(lines).toHaveLength(1 + 1101 + 1);
    expect(lines[0]).toMatch(/^id,call_id,started,/);
    expect(lines[1]).toContain(`"'=HYPERLINK(""http://x"",""a"")"`);
    expect(lines[1]).toContain(`sip:a@b sip:c@d,,"'+1,2"`);
    expect((await (await api(`/domains/${domain}/calls.csv?outcome=busy`)).text()).split("\r\n")).toHaveLength(2);
  });

  it("are 404 for an unknown domain or call", async () => {
    const domain = await newDomain();
    await keep(record(domain, 1));
    const other = await newDomain();
    const { id } = record(domain, 1);
    for (const path of [
      "/domains/none.example/calls",
      "/domains/none.example/calls.csv",
      `/domains/${other}/calls/${id}`,
      `/domains/${domain}/calls/x`,
    ])
      expect((await api(path)).status).toBe(404);
  });

  it("are kept once, however often they come, also from a queue, and only where they are wanted", async () => {
    const [domain, other, none] = [await newDomain(), await newDomain(), await newDomain({ call_record_days: 0 })];
    const records = [record(domain, 1, { domains: [domain, other, none, "foreign.example"] }), record(domain, 1), record(domain, 2)];
    const messages = records.map((body, index) => ({ id: String(index), timestamp: new Date(), attempts: 1, body }));
    const batch = createMessageBatch<CallRecord>("offhook-calls", messages);
    const context = createExecutionContext();
    await worker.queue(batch, env);
    expect((await getQueueResult(batch, context)).retryBatch).toMatchObject({ retry: false });
    const kept = await Promise.all([domain, other, none].map(async (one) => callIds(await page(one))));
    expect(kept).toEqual([["call-2", "call-1"], ["call-1"], []]);
  });

  it("are deleted when they are older than their domain keeps them", async () => {
    const [domain, short] = [await newDomain(), await newDomain({ call_record_days: 3 })];
    const recent = Date.now() - 5 * 86_400_000;
    for (const one of [domain, short])
      await keep(record(one, 1), record(one, 2, { id: `${recent.toString(36)}-${"B".repeat(12)}`, started: recent }));
    const context = createExecutionContext();
    await worker.scheduled(createScheduledController(), env);
    await waitOnExecutionContext(context);
    expect([callIds(await page(domain)), callIds(await page(short))]).toEqual([["call-2"], []]);
  });

  it("are deleted with their user if that is asked for, and with their domain", async () => {
    const domain = await newDomain();
    const user = async (name: string) =>
      api(`/domains/${domain}/subscribers/${name}`, { method: "PUT", body: JSON.stringify({ password: "password" }) });
    const remove = (path: string) => api(path, { method: "DELETE" });
    await user("alice");
    await user("carol");
    await keep(record(domain, 1), record(domain, 2, { caller: `carol@${domain}` }));
    expect((await remove(`/domains/${domain}/subscribers/alice`)).status).toBe(204);
    expect(callIds(await page(domain))).toEqual(["call-2", "call-1"]);
    expect((await remove(`/domains/${domain}/subscribers/carol?call_records=delete`)).status).toBe(204);
    expect(callIds(await page(domain))).toEqual(["call-1"]);
    await remove(`/domains/${domain}`);
    await api(`/domains/${domain}`, { method: "PUT" });
    expect(callIds(await page(domain))).toEqual([]);
  });
});
