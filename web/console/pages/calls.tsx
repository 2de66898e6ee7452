import { useState } from "preact/hooks";
import { type Api, type CallPage, type Outcome, part } from "../api.ts";
import { Answered, useGet } from "../parts/answer.tsx";
import { CallList } from "../parts/call-list.tsx";
import { Curl } from "../parts/curl.tsx";
import { useAgain } from "../parts/live.tsx";

const outcomes: readonly Outcome[] = ["answered", "missed", "busy", "declined", "cancelled", "redirected", "failed", "answered elsewhere"];
const fields = ["user", "number", "outcome", "since", "until"] as const;

/** The calls of a domain: search and pages. */
export function CallsPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const [query, setQuery] = useState("");
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const path = `/domains/${part(domain)}/calls?limit=50${query}${cursor === undefined ? "" : `&cursor=${cursor}`}`;
  const asked = useGet<CallPage>(api, path);
  // A page of older calls stays as it is.
  useAgain(["call.ended"], () => cursor === undefined && asked.again());
  const next = asked.answer?.next_cursor;
  const search = (form: HTMLFormElement) => {
    const given = new FormData(form);
    const filters = fields.flatMap((name) => {
      const value = String(given.get(name) ?? "").trim();
      const isTime = name === "since" || name === "until";
      return value === "" ? [] : [`&${name}=${part(isTime ? new Date(value).toISOString() : value)}`];
    });
    setCursors([]);
    setQuery(filters.join(""));
  };
  return (
    <>
      <h2>Calls</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          search(event.currentTarget);
        }}
      >
        <label>
          User <input name="user" placeholder="alice" />
        </label>
        <label>
          Number or text <input name="number" />
        </label>
        <label>
          Outcome{" "}
          <select name="outcome">
            <option value="">any</option>
            {outcomes.map((outcome) => (
              <option key={outcome}>{outcome}</option>
            ))}
          </select>
        </label>
        <label>
          From <input name="since" type="datetime-local" />
        </label>
        <label>
          To <input name="until" type="datetime-local" />
        </label>
        <button>Search</button>
      </form>
      <Answered asked={asked}>{({ calls }) => <CallList calls={calls} domain={domain} />}</Answered>
      <p class="row">
        <button class="quiet" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
          Newer
        </button>
        <button class="quiet" disabled={next === null} onClick={() => setCursors(next ? [...cursors, next] : cursors)}>
          Older
        </button>
        <button class="quiet" onClick={asked.again}>
          Refresh
        </button>
      </p>
      <Curl method="GET" path={path} />
    </>
  );
}
