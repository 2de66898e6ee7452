import { useState } from "preact/hooks";
import { type Api, type ApiRequest, part } from "../api.ts";
import { Answered, useAnswer, useGet } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";

interface Verdict {
  readonly outcome: string;
  readonly trace: readonly { readonly route: string; readonly why: string }[];
}

/** The routes of a domain, and a test of what would happen to a call. */
export function RoutingPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const routes = useGet<{ routes: readonly { name: string }[] }>(api, `/domains/${part(domain)}/routes`);
  return (
    <>
      <h2>What would happen to a call?</h2>
      <RouteTest api={api} domain={domain} />
      <h2>Routes</h2>
      <Answered asked={routes}>
        {({ routes: found }) =>
          found.length === 0 ? (
            <p>No routes: calls go to users, and by the prefixes of trunks.</p>
          ) : (
            found.map((route) => (
              <details key={route.name}>
                <summary>{route.name}</summary>
                <pre tabIndex={0}>{JSON.stringify(route, undefined, 2)}</pre>
              </details>
            ))
          )
        }
      </Answered>
    </>
  );
}

function RouteTest({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const [uri, setUri] = useState(`sip:alice@${domain}`);
  const [caller, setCaller] = useState("");
  /** Each test is a question of its own, also if it is the same as the last. */
  const [tests, setTests] = useState<readonly ApiRequest[]>([]);
  const request: ApiRequest = { method: "POST", path: "/routes/test", body: { domain, uri, ...(caller === "" ? {} : { caller }) } };
  const tested = tests.at(-1);
  return (
    <>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setTests([...tests, request]);
        }}
      >
        <label>
          Called <input value={uri} required onInput={(event) => setUri(event.currentTarget.value)} />
        </label>
        <label>
          Caller <input value={caller} placeholder={`bob@${domain}`} onInput={(event) => setCaller(event.currentTarget.value)} />
        </label>
        <button>Test</button>
      </form>
      {tested !== undefined && <TestResult key={tests.length} api={api} request={tested} />}
      <Curl {...request} />
    </>
  );
}

function TestResult({ api, request }: { readonly api: Api; readonly request: ApiRequest }) {
  const asked = useAnswer(JSON.stringify(request), () => api.send<Verdict>(request));
  return (
    <Answered asked={asked}>
      {({ outcome, trace }) => (
        <div role="status">
          <p class="why">{outcome}</p>
          <ol>
            {trace.map(({ route, why }, index) => (
              <li key={index}>
                <strong>{route}</strong>: {why}
              </li>
            ))}
          </ol>
        </div>
      )}
    </Answered>
  );
}
