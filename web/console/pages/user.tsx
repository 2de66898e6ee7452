import { Link, useLocation } from "wouter-preact";
import { type Api, type Binding, type CallPage, type LiveCall, type User, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Failure, Waiting, useAnswer } from "../parts/answer.tsx";
import { CallList } from "../parts/call-list.tsx";
import { Curl } from "../parts/curl.tsx";

/** One user: phones, calls at present, which can be ended, and the calls that are over. */
export function UserPage({ api, domain, name }: { readonly api: Api; readonly domain: string; readonly name: string }) {
  const path = `/domains/${part(domain)}/subscribers/${part(name)}`;
  const [, go] = useLocation();
  const user = useAnswer(() => api.get<User>(path), [path]);
  const live = useAnswer(() => api.get<{ calls: LiveCall[] }>(`${path}/calls`), [path]);
  const bindings = useAnswer(() => bindingsOf(api, path), [path]);
  const calls = useAnswer(() => api.get<CallPage>(`/domains/${part(domain)}/calls?limit=20&user=${part(name)}`), [path]);
  if (user.failure !== undefined) return <Failure failure={user.failure} />;
  if (user.answer === undefined) return <Waiting />;
  const { displayName, aliases } = user.answer;
  const end = async (rest: string, then: () => void) => {
    await api.send({ method: "DELETE", path: `${path}${rest}` });
    then();
  };
  return (
    <>
      <p>
        <Link href={`/${part(domain)}/users`}>All users</Link>
      </p>
      <h2>
        {name} {displayName}
      </h2>
      {aliases.length > 0 && <p>Also called {aliases.join(", ")}</p>}
      <h3>Calls now</h3>
      {live.answer?.calls.length === 0 && <p>None.</p>}
      <ul class="plain">
        {live.answer?.calls.map(({ id, state, direction, remote }) => (
          <li key={id}>
            {state} {direction} {remote} <Action act={() => end(`/calls/${part(id)}`, live.again)}>End</Action>
          </li>
        ))}
      </ul>
      <h3>Phones</h3>
      {bindings.answer?.length === 0 && <p>None is registered.</p>}
      <ul class="plain">
        {bindings.answer?.map(({ id, contact, reachable, expires }) => (
          <li key={id} data-well={reachable}>
            <code>{contact}</code> {reachable ? "connected" : "not connected"}, {expires} s left{" "}
            <Action act={() => end(`/bindings/${part(id)}`, bindings.again)}>Remove</Action>
          </li>
        ))}
      </ul>
      <h3>Calls that are over</h3>
      {calls.answer !== undefined && <CallList calls={calls.answer.calls} domain={domain} />}
      <p class="row">
        <button
          class="quiet"
          onClick={() => {
            for (const asked of [live, bindings, calls]) asked.again();
          }}
        >
          Refresh
        </button>
        <Action act={() => api.send({ method: "PUT", path: `${path}/trace`, body: { minutes: 10 } })}>
          Keep all messages for 10 minutes
        </Action>
        <Action confirm={`Delete ${name}?`} act={() => end("", () => go(`/${part(domain)}/users`))}>
          Delete user
        </Action>
      </p>
      <Curl method="GET" path={`${path}/calls`} />
    </>
  );
}

async function bindingsOf(api: Api, path: string): Promise<readonly Binding[]> {
  const { bindings } = await api.get<{ bindings: readonly Binding[] }>(`${path}/bindings`);
  return bindings;
}
