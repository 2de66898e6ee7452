import { useState } from "preact/hooks";
import { type Api, type ApiRequest, part } from "../api.ts";
import { Failure, textOf, useAnswer } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";

interface Verdict {
  readonly outcome: string;
  readonly trace: readonly { readonly route: string; readonly why: string }[];
}

/** The routes of a domain, and a test of what would happen to a call. */
export function RoutingPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const routes = useAnswer(() => api.get<{ routes: { name: string }[] }>(`/domains/${part(domain)}/routes`), [domain]);
  const [uri, setUri] = useState(`sip:alice@${domain}`);
  const [caller, setCaller] = useState("");
  const [verdict, setVerdict] = useState<Verdict | string>();
  const request: ApiRequest = { method: "POST", path: "/routes/test", body: { domain, uri, ...(caller === "" ? {} : { caller }) } };
  const test = () =>
    api.send<Verdict>(request).then(setVerdict, (error: unknown) => {
      setVerdict(textOf(error));
    });
  return (
    <>
      <h2>What would happen to a call?</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void test();
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
      {typeof verdict === "string" && <Failure failure={verdict} />}
      {typeof verdict === "object" && (
        <div role="status">
          <p class="why">{verdict.outcome}</p>
          <ol>
            {verdict.trace.map(({ route, why }, index) => (
              <li key={index}>
                <strong>{route}</strong>: {why}
              </li>
            ))}
          </ol>
        </div>
      )}
      <Curl {...request} />
      <h2>Routes</h2>
      {routes.failure !== undefined && <Failure failure={routes.failure} />}
      {routes.answer?.routes.length === 0 && <p>No routes: calls go to users, and by the prefixes of trunks.</p>}
      {routes.answer?.routes.map((route) => (
        <details key={route.name}>
          <summary>{route.name}</summary>
          <pre tabIndex={0}>{JSON.stringify(route, undefined, 2)}</pre>
        </details>
      ))}
    </>
  );
}
