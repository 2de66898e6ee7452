import { useState } from "preact/hooks";
import { type Api, part } from "../api.ts";
import { Failure } from "./answer.tsx";
import { useAct } from "./act.ts";

interface Result {
  readonly created: number;
  readonly existing: number;
  readonly failed: number;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

/** Many users from a file, CSV or JSON lines, as the API takes it. */
export function ImportUsers({ api, domain, changed }: { readonly api: Api; readonly domain: string; readonly changed: () => void }) {
  const [file, setFile] = useState<File>();
  const { isBusy, outcome, failure, run } = useAct<Result>();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (file === undefined) return;
        run(async () => {
          const type = /\.(?:ndjson|jsonl)$/i.test(file.name) ? "application/x-ndjson" : "text/csv";
          const result = await api.upload<Result>(`/domains/${part(domain)}/subscribers/import`, file, type);
          changed();
          return result;
        });
      }}
    >
      <h3>Import users</h3>
      <label>
        A file, CSV or JSON lines{" "}
        <input type="file" accept=".csv,.ndjson,.jsonl" required onChange={(event) => setFile(event.currentTarget.files?.[0])} />
      </label>
      <button disabled={isBusy}>Import</button>
      <div role="status">
        {isBusy && <p>Waiting for the server…</p>}
        {outcome !== undefined && (
          <p>
            {outcome.created} made, {outcome.existing} there already, {outcome.failed} lines that could not be used
          </p>
        )}
      </div>
      {outcome !== undefined && outcome.problems.length > 0 && (
        <ul>
          {outcome.problems.slice(0, 20).map(({ line, problem }) => (
            <li key={line}>
              line {line}: {problem}
            </li>
          ))}
        </ul>
      )}
      {failure !== undefined && <Failure failure={failure} />}
    </form>
  );
}
