import { readConfiguration } from "../platform/configuration.ts";
import { isSameText } from "../platform/crypto/same-text.ts";
import { type CallCounts, CallStore, type Durations, delayBuckets, ringBuckets, setupBuckets } from "../platform/directory/call-store.ts";
import { DirectoryUnavailable } from "../platform/directory/errors.ts";
import { TrunkFaultStore, type TrunkFaults } from "../platform/directory/trunk-fault-store.ts";
import { Store } from "../platform/directory/store.ts";
import type { Environment } from "../platform/environment.ts";
import { oneInIsolate } from "../platform/isolate.ts";
import { type Metric, type Sample, contentType, histogram, writeMetrics } from "./prometheus.ts";
import { Shared } from "../platform/shared.ts";
import { plain } from "./upgrade.ts";

const day = 86_400_000;
/** Milliseconds that counts are used again, also those that are still on their way: several scrapers must not multiply the queries. */
const lifetime = { calls: 10_000, trunks: 10_000, subscribers: 300_000 };

const countsOf = oneInIsolate(({ DIRECTORY }: Environment) => ({
  calls: new Shared(lifetime.calls, (now) => new CallStore(DIRECTORY).countsSince(now - (now % day))),
  trunks: new Shared(lifetime.trunks, () => new TrunkFaultStore(DIRECTORY).list()),
  subscribers: new Shared(lifetime.subscribers, () => new Store(DIRECTORY).countSubscribers()),
}));

/**
 * `/metrics`, in the text format of Prometheus: of the whole deployment, because all counts come from the directory. Counters begin anew at
 * midnight (UTC), which Prometheus takes for a restart.
 */
export async function metrics(environment: Environment, request: Request, now: number): Promise<Response> {
  const { adminToken, metricsToken } = readConfiguration(environment);
  const tokens = [adminToken, metricsToken].filter((token) => token !== undefined);
  if (tokens.length === 0) return plain(503, "The metrics are closed: neither METRICS_TOKEN nor ADMIN_TOKEN is configured.");
  const given = /^Bearer (.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (given === undefined || !tokens.some((token) => isSameText(given, token)))
    return plain(401, "The bearer token is missing or wrong.", { "WWW-Authenticate": "Bearer" });
  try {
    return new Response(await textOf(environment, now), { headers: { "Content-Type": contentType } });
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return plain(503, "The database cannot be reached: try again.", { "Retry-After": "5" });
  }
}

async function textOf(environment: Environment, now: number): Promise<string> {
  const { calls, trunks, subscribers } = countsOf(environment);
  const [counts, faults, users] = await Promise.all([calls.at(now), trunks.at(now), subscribers.at(now)]);
  return writeMetrics([...callMetrics(counts), trunkMetric(faults), subscriberMetric(users)]);
}

function callMetrics(counts: readonly CallCounts[]): Metric[] {
  const samples = (value: (one: CallCounts) => number): Sample[] =>
    counts.map((one) => ({ labels: { domain: one.domain, outcome: one.outcome }, value: value(one) }));
  const durations = (of: (one: CallCounts) => Durations, bounds: readonly number[]): Sample[] =>
    counts.flatMap((one) => histogram({ domain: one.domain, outcome: one.outcome }, bounds, of(one)));
  return [
    {
      name: "offhook_calls_total",
      help: "Calls that are over, since midnight (UTC)",
      kind: "counter",
      samples: samples(({ calls }) => calls),
    },
    {
      ...{ name: "offhook_call_seconds_total", help: "Seconds from the answer to the end of these calls", kind: "counter" },
      samples: samples(({ seconds }) => seconds),
    },
    {
      ...{ name: "offhook_call_setup_seconds", help: "Seconds from the INVITE to the first ringing", kind: "histogram" },
      samples: durations(({ setup }) => setup, setupBuckets),
    },
    {
      ...{ name: "offhook_call_ring_seconds", help: "Seconds from the first ringing to the answer", kind: "histogram" },
      samples: durations(({ ring }) => ring, ringBuckets),
    },
    {
      ...{ name: "offhook_call_record_delay_seconds", help: "Seconds from the end of a call until its record is kept", kind: "histogram" },
      samples: durations(({ delay }) => delay, delayBuckets),
    },
  ];
}

function trunkMetric(faults: readonly TrunkFaults[]): Metric {
  const samples = faults.map(({ domain, trunk, servers }) => ({ labels: { domain, trunk }, value: servers }));
  const help = "Servers of a trunk that do not register us, or do not answer OPTIONS";
  return { name: "offhook_trunk_failing_servers", help, kind: "gauge", samples };
}

function subscriberMetric(counts: readonly { readonly domain: string; readonly all: number; readonly opened: number }[]): Metric {
  const samples = counts.flatMap(({ domain, all, opened }) => [
    { labels: { domain, registered: "ever" }, value: opened },
    { labels: { domain, registered: "never" }, value: all - opened },
  ]);
  return { name: "offhook_subscribers", help: "Users, by whether a phone of theirs has ever registered", kind: "gauge", samples };
}
