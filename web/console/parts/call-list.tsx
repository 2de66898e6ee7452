import { Link } from "wouter-preact";
import { type CallRecord, part } from "../api.ts";
import { duration, explainCall, shortName } from "../explain.ts";
import { When } from "./when.tsx";

/** Calls, each with what became of it, and a link to its page. */
export function CallList({ calls, domain }: { readonly calls: readonly CallRecord[]; readonly domain: string }) {
  if (calls.length === 0) return <p>No calls.</p>;
  return (
    <ul class="calls">
      {calls.map((call) => (
        <li key={call.id} data-outcome={call.outcome}>
          <Link href={`/${part(domain)}/calls/${call.id}`}>
            <When at={call.started} />
            <strong>
              {call.caller ?? shortName(call.from)} → {call.callee ?? shortName(call.dialled)}
            </strong>
            <span class="outcome">
              {call.outcome}
              {call.outcome === "answered" ? ` ${duration(call.seconds)}` : ` ${call.status}`}
            </span>
            <small>{explainCall(call)}</small>
          </Link>
        </li>
      ))}
    </ul>
  );
}
