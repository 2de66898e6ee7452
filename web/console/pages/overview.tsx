import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { type Api, type LiveCall, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Answered, useAnswer } from "../parts/answer.tsx";
import { type CallNow, callsAfter, foundCall } from "../calls-now.ts";
import { LiveMark, useAgain, useEvents } from "../parts/live.tsx";
import { LastDay, lastDayOf } from "../parts/last-day.tsx";
import { TrunkList } from "../parts/trunk-list.tsx";

/** The calls of the last day, what failed lately, and the trunks. */
export function OverviewPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const asked = useAnswer(domain, async () => {
    const now = Date.now();
    return { calls: await lastDayOf(api, domain, now), now };
  });
  useAgain(["call.ended"], asked.again);
  return (
    <>
      <LiveMark />
      <h2>The last day</h2>
      <Answered asked={asked}>{({ calls, now }) => <LastDay domain={domain} calls={calls} now={now} />}</Answered>
      <h2>Calls now</h2>
      <LiveCalls api={api} domain={domain} />
      <h2>Trunks</h2>
      <TrunkList api={api} domain={domain} />
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

/** The calls that have begun since the page was opened, and when they are asked for all others: each home of the domain wakes up for that. */
function LiveCalls({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const [calls, setCalls] = useState<readonly CallNow[]>([]);
  const [hasLooked, setLooked] = useState(false);
  useEvents((event) => setCalls((before) => callsAfter(before, event, domain)));
  const look = async () => {
    const found = new Map<string, CallNow>();
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: LivePage = await api.get<LivePage>(`/domains/${part(domain)}/live-calls?cursor=${part(cursor)}`);
      for (const call of page.calls) found.set(call.id, foundCall(call));
      cursor = page.next_cursor;
    }
    setCalls([...found.values()]);
    setLooked(true);
  };
  return (
    <>
      <ul class="plain">
        {calls.map(({ key, username, text }) => (
          <li key={key}>
            {username !== undefined && <Link href={`/${part(domain)}/users/${part(username)}`}>{username}</Link>} {text}
          </li>
        ))}
      </ul>
      {calls.length === 0 && <p>{hasLooked ? "None." : "None has begun since this page was opened."}</p>}
      <Action act={look}>Look for older ones</Action>
    </>
  );
}
