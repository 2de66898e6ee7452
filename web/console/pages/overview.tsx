import { useMemo, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { type Api, type LiveCall, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Answered, useAnswer } from "../parts/answer.tsx";
import { LastDay, lastDayOf } from "../parts/last-day.tsx";
import { TrunkList } from "../parts/trunk-list.tsx";

/** The calls of the last day, what failed lately, and the trunks. */
export function OverviewPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const now = useMemo(() => Date.now(), []);
  const asked = useAnswer(domain, () => lastDayOf(api, domain, now));
  return (
    <>
      <h2>The last day</h2>
      <Answered asked={asked}>{(calls) => <LastDay domain={domain} calls={calls} now={now} />}</Answered>
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
