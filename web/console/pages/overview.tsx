import { useMemo, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { type Api, type CallPage, type CallRecord, type LiveCall, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Failure, Waiting, useAnswer } from "../parts/answer.tsx";
import { CallList } from "../parts/call-list.tsx";
import { DayPlot } from "../parts/day-plot.tsx";

const day = 86_400_000;
/** Calls that are counted at most. */
const maxCounted = 1000;
const succeeded = ["answered", "answered elsewhere", "redirected", "cancelled"];

interface TrunkStatus {
  readonly name: string;
  readonly text: string;
  readonly isWell: boolean;
}

/** The calls of the last day, what failed lately, and the trunks. */
export function OverviewPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const now = useMemo(() => Date.now(), []);
  const since = new Date(now - day).toISOString();
  const asked = useAnswer(() => api.get<CallPage>(`/domains/${part(domain)}/calls?limit=${maxCounted}&since=${since}`), [domain]);
  const trunks = useAnswer(() => trunksOf(api, domain), [domain]);
  const calls = asked.answer?.calls ?? [];
  const failed = calls.filter(({ outcome }) => !succeeded.includes(outcome));
  return (
    <>
      <h2>The last day</h2>
      {asked.failure !== undefined && <Failure failure={asked.failure} />}
      {asked.answer === undefined && asked.failure === undefined && <Waiting />}
      {asked.answer !== undefined && (
        <>
          <dl class="counts">
            <Count title="calls" count={`${calls.length}${asked.answer.next_cursor === null ? "" : "+"}`} />
            <Count title="answered" count={calls.filter(({ outcome }) => outcome === "answered").length} />
            <Count title="not answered or failed" count={failed.length} />
            <Count title="minutes" count={minutesOf(calls)} />
          </dl>
          <DayPlot calls={calls} now={now} />
          <h2>What failed lately</h2>
          <CallList calls={failed.slice(0, 10)} domain={domain} />
        </>
      )}
      <LiveCalls api={api} domain={domain} />
      <h2>Trunks</h2>
      {trunks.failure !== undefined && <Failure failure={trunks.failure} />}
      {trunks.answer?.length === 0 && <p>No trunks.</p>}
      <ul class="plain">
        {trunks.answer?.map(({ name, text, isWell }) => (
          <li key={name} data-well={isWell}>
            <strong>{name}</strong> {text}
          </li>
        ))}
      </ul>
      <p>
        <Link href={`/${part(domain)}/calls`}>All calls</Link>
      </p>
    </>
  );
}

interface LivePage {
  readonly calls: readonly (LiveCall & { readonly username: string })[];
  readonly next_cursor: string | null;
}

/** The calls at present, when they are asked for: each home of the domain wakes up for that. */
function LiveCalls({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const [calls, setCalls] = useState<LivePage["calls"]>();
  const look = async () => {
    const found = new Map<string, LivePage["calls"][number]>();
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: LivePage = await api.get<LivePage>(`/domains/${part(domain)}/live-calls?cursor=${part(cursor)}`);
      for (const call of page.calls) found.set(call.id, call);
      cursor = page.next_cursor;
    }
    setCalls([...found.values()]);
  };
  return (
    <>
      <h2>Calls now</h2>
      <ul class="plain">
        {calls?.map(({ id, username, state, direction, remote }) => (
          <li key={id}>
            <Link href={`/${part(domain)}/users/${part(username)}`}>{username}</Link> {state} {direction} {remote}
          </li>
        ))}
      </ul>
      {calls?.length === 0 && <p>None.</p>}
      <Action act={look}>Look</Action>
    </>
  );
}

function Count({ title, count }: { readonly title: string; readonly count: number | string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{count}</dd>
    </div>
  );
}

function minutesOf(calls: readonly CallRecord[]): number {
  return Math.round(calls.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
}

interface Servers {
  readonly servers: readonly { readonly host: string; readonly connected: boolean; readonly well: boolean; readonly calls: number }[];
  readonly missing?: readonly { readonly server: string; readonly why: string }[];
}

async function trunksOf(api: Api, domain: string): Promise<TrunkStatus[]> {
  const { trunks } = await api.get<{ trunks: { name: string }[] }>(`/domains/${part(domain)}/trunks`);
  return Promise.all(
    trunks.slice(0, 50).map(async ({ name }) => {
      const { servers, missing = [] } = await api.get<Servers>(`/domains/${part(domain)}/trunks/${part(name)}/status`);
      const states = servers.map(({ host, connected, well, calls }) => `${host}: ${stateOf(connected, well)}, ${calls} calls`);
      const lost = missing.map(({ server, why }) => `${server}: ${why}`);
      return { name, text: [...states, ...lost].join("; ") || "no server is known yet", isWell: servers.some(({ well }) => well) };
    }),
  );
}

function stateOf(isConnected: boolean, isWell: boolean): string {
  if (!isWell) return "does not answer";
  return isConnected ? "connected" : "not connected now";
}
