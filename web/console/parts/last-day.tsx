import { type Api, type CallPage, type CallRecord, part } from "../api.ts";
import { CallList } from "./call-list.tsx";
import { DayPlot } from "./day-plot.tsx";
import { When } from "./when.tsx";

const day = 86_400_000;
/** Calls of a page, and pages that are read at most. */
const [pageSize, maxPages] = [1000, 5];
const succeeded = ["answered", "answered elsewhere", "redirected", "cancelled"];

/** The calls of a day, the newest first. */
interface DayOfCalls {
  readonly calls: readonly CallRecord[];
  /** Whether there were more, before these. */
  readonly hasMore: boolean;
}

/** @param now in milliseconds */
export async function lastDayOf(api: Api, domain: string, now: number): Promise<DayOfCalls> {
  const path = `/domains/${part(domain)}/calls?limit=${pageSize}&since=${new Date(now - day).toISOString()}`;
  const calls: CallRecord[] = [];
  let cursor: string | null = null;
  for (let count = 0; count < maxPages; count += 1) {
    const page: CallPage = await api.get<CallPage>(cursor === null ? path : `${path}&cursor=${part(cursor)}`);
    calls.push(...page.calls);
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return { calls, hasMore: cursor !== null };
}

interface LastDayProps {
  readonly domain: string;
  readonly calls: DayOfCalls;
  readonly now: number;
}

/** How many calls there were, by hour, and those that failed. */
export function LastDay({ domain, calls: { calls, hasMore }, now }: LastDayProps) {
  const failed = calls.filter(({ outcome }) => !succeeded.includes(outcome));
  const oldest = calls.at(-1);
  return (
    <>
      {hasMore && oldest !== undefined && (
        <p class="note">
          There were more calls than are counted here: these are the last {written(calls.length)}, since <When at={oldest.started} />.
        </p>
      )}
      <dl class="counts">
        <Count title="calls" count={calls.length} />
        <Count title="answered" count={calls.filter(({ outcome }) => outcome === "answered").length} />
        <Count title="not answered or failed" count={failed.length} />
        <Count title="minutes" count={minutesOf(calls)} />
      </dl>
      <DayPlot calls={calls} now={now} label={`${hasMore ? "The last " : ""}${written(calls.length)} calls of the last day, by hour`} />
      <h2>What failed lately</h2>
      <CallList calls={failed.slice(0, 10)} domain={domain} />
    </>
  );
}

function Count({ title, count }: { readonly title: string; readonly count: number }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{written(count)}</dd>
    </div>
  );
}

function written(count: number): string {
  return count.toLocaleString("en");
}

function minutesOf(calls: readonly CallRecord[]): number {
  return Math.round(calls.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
}
