import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { patience } from "../support/patience.ts";
import { startSipServer } from "../support/sip-server.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { METRICS_TOKEN: "only-for-metrics", ALLOWED_NETWORKS: "127.0.0.0/8" } });
});
afterAll(() => serverUnderTest.close());

const scrape = (token: string): Promise<Response> =>
  fetch(`${serverUnderTest.server.url}/metrics`, { headers: { Authorization: `Bearer ${token}` } });

interface Read {
  readonly kinds: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** A strict reader of the text format (version 0.0.4): each metric has its help and type before its samples. */
function readMetrics(text: string): Read {
  const kinds: Record<string, string> = {};
  const samples: Read["samples"][number][] = [];
  for (const line of text.trimEnd().split("\n")) {
    const [, name, kind = ""] = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (name !== undefined) kinds[name] = kind;
    else if (!/^# HELP [a-z_]+ \S/.test(line)) samples.push(readSample(line, kinds));
  }
  return { kinds, samples };
}

function readSample(line: string, kinds: Read["kinds"]): Read["samples"][number] {
  const [, name = "", inside = "", value] = /^([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)*)\} (\d+(?:\.\d+)?)$/.exec(line) ?? [];
  const kind = kinds[name] ?? kinds[name.replace(/_(?:bucket|sum|count)$/, "")];
  if (value === undefined || kind === undefined) throw new Error(`this is no sample of a metric that was announced: ${line}`);
  const labels = Object.fromEntries([...inside.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = "", written = ""]) => [key, written]));
  return { name, labels, value: Number(value) };
}

describe("/metrics", () => {
  it("counts calls by outcome, their time, and how long they took to ring, to be answered and to be kept", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const call = await establish(alice, bob);
    await hangUp(alice, call.callerSide, bob);
    await alice.finalResponse(alice.request("INVITE", "sip:nobody@localhost"));
    const outcomes = async () => {
      const { calls } = (await (await serverUnderTest.server.api("GET", "/domains/localhost/calls")).json()) as {
        calls: { outcome: string }[];
      };
      return calls.map(({ outcome }) => outcome).sort();
    };
    await expect.poll(outcomes).toEqual(["answered", "failed"]);
    const response = await scrape("only-for-metrics");
    expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const { kinds, samples } = readMetrics(await response.text());
    expect(kinds).toEqual({
      ...{ offhook_calls_total: "counter", offhook_call_seconds_total: "counter", offhook_subscribers: "gauge" },
      ...{ offhook_trunk_failing_servers: "gauge" },
      ...{
        offhook_call_setup_seconds: "histogram",
        offhook_call_ring_seconds: "histogram",
        offhook_call_record_delay_seconds: "histogram",
      },
    });
    const of = (name: string, labels: object) =>
      samples.filter((one) => one.name === name).find((one) => expect.objectContaining(labels).asymmetricMatch(one.labels))?.value;
    expect([of("offhook_calls_total", { outcome: "answered" }), of("offhook_calls_total", { outcome: "failed" })]).toEqual([1, 1]);
    expect([
      of("offhook_call_ring_seconds_count", { outcome: "answered" }),
      of("offhook_call_ring_seconds_count", { outcome: "failed" }),
    ]).toEqual([1, 0]);
    expect(of("offhook_call_setup_seconds_bucket", { outcome: "answered", le: "+Inf" })).toBe(1);
    expect(of("offhook_call_record_delay_seconds_bucket", { outcome: "answered", le: "60" })).toBe(1);
    expect(of("offhook_subscribers", { domain: "localhost", registered: "ever" })).toBeGreaterThanOrEqual(2);
    for (const one of samples.filter(({ name }) => name.endsWith("_bucket"))) {
      const inf = samples.find(
        ({ name, labels }) => name === one.name && labels["outcome"] === one.labels["outcome"] && labels["le"] === "+Inf",
      );
      expect(one.value).toBeLessThanOrEqual(inf?.value ?? 0);
    }
  });

  it("have the trunks whose servers do not answer, until they have others", async () => {
    const put = (server: string) =>
      serverUnderTest.server.api("PUT", "/domains/localhost/trunks/watched", { server, prefixes: ["+1"], options_interval: 60 });
    const failing = async () => {
      const { samples } = readMetrics(await (await scrape("only-for-metrics")).text());
      return samples.filter(({ name }) => name === "offhook_trunk_failing_servers").map(({ labels, value }) => [labels["trunk"], value]);
    };
    expect((await put("sip:127.0.0.1:9;transport=tcp")).status).toBe(200);
    await expect.poll(failing, { timeout: patience }).toEqual([["watched", 1]]);
    const server = await startSipServer();
    expect((await put(`sip:127.0.0.1:${server.port};transport=tcp`)).status).toBe(200);
    await expect.poll(failing, { timeout: patience }).toEqual([["watched", 0]]);
    server.close();
  });

  it("are for the administrator, and for those who have their own token, which opens nothing else", async () => {
    expect([(await scrape("wrong")).status, (await scrape(serverUnderTest.server.adminToken)).status]).toEqual([401, 200]);
    const api = await fetch(`${serverUnderTest.server.url}/api/v1/domains`, { headers: { Authorization: "Bearer only-for-metrics" } });
    expect(api.status).toBe(401);
  });
});
