import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { type Api, type ApiRequest, type Binding, type CallPage, type LiveCall, type User, part } from "../api.ts";
import { useAct } from "../parts/act.ts";
import { Action } from "../parts/action.tsx";
import { Answered, type Asked, Failure, useGet } from "../parts/answer.tsx";
import { CallList } from "../parts/call-list.tsx";
import { Curl } from "../parts/curl.tsx";
import { Editor } from "../parts/editor.tsx";
import { useAgain } from "../parts/live.tsx";
import { NewPasswordField } from "../parts/new-password.tsx";

interface UserPageProps {
  readonly api: Api;
  readonly domain: string;
  readonly name: string;
}

/** Calls that are over, and are shown. */
const maxCalls = 20;

/** One user: phones, calls at present, which can be ended, and the calls that are over. */
export function UserPage({ api, domain, name }: UserPageProps) {
  const asked = useGet<User>(api, `/domains/${part(domain)}/subscribers/${part(name)}`);
  return (
    <>
      <p>
        <Link href={`/${part(domain)}/users`}>All users</Link>
      </p>
      <Answered asked={asked}>
        {({ displayName, aliases }) => (
          <>
            <h2>
              {name} {displayName}
            </h2>
            {aliases.length > 0 && <p>Also called {aliases.join(", ")}</p>}
            <Activity api={api} domain={domain} name={name} />
          </>
        )}
      </Answered>
    </>
  );
}

function Activity({ api, domain, name }: UserPageProps) {
  const path = `/domains/${part(domain)}/subscribers/${part(name)}`;
  const [, go] = useLocation();
  const live = useGet<{ calls: readonly LiveCall[] }>(api, `${path}/calls`);
  const bindings = useGet<{ bindings: readonly Binding[] }>(api, `${path}/bindings`);
  const calls = useGet<CallPage>(api, `/domains/${part(domain)}/calls?limit=${maxCalls}&user=${part(name)}`);
  const remove = (rest: string) => api.send({ method: "DELETE", path: `${path}${rest}` });
  const refresh = () => {
    for (const asked of [live, bindings, calls]) asked.again();
  };
  useAgain(["call.started", "call.ringing", "call.answered", "call.ended", "registered", "unregistered"], refresh);
  return (
    <>
      <details>
        <summary>Rules</summary>
        <Editor api={api} path={`${path}/rules`} title={`Rules of ${name}`} shown={[]} example={{}} mayDelete />
      </details>
      <NewPassword api={api} path={path} />
      <Connect api={api} path={`${path}/calls`} name={name} done={live.again} />
      <h3>Calls now</h3>
      <LiveCalls asked={live} end={(id) => remove(`/calls/${part(id)}`)} />
      <h3>Phones</h3>
      <Phones asked={bindings} remove={(id) => remove(`/bindings/${part(id)}`)} />
      <h3>Calls that are over</h3>
      <Answered asked={calls}>
        {({ calls: ended, next_cursor: next }) => (
          <>
            <CallList calls={ended} domain={domain} />
            {next !== null && <p>These are the last {maxCalls}. The page Calls finds all of them.</p>}
          </>
        )}
      </Answered>
      <p class="row">
        <button class="quiet" onClick={refresh}>
          Refresh
        </button>
        <Action act={() => api.send({ method: "PUT", path: `${path}/trace`, body: { minutes: 10 } })}>
          Keep all messages for 10 minutes
        </Action>
        <Action confirm={`Delete ${name}?`} act={() => remove("").then(() => go(`/${part(domain)}/users`))}>
          Delete user
        </Action>
      </p>
      <Curl method="GET" path={`${path}/calls`} />
    </>
  );
}

function NewPassword({ api, path }: { readonly api: Api; readonly path: string }) {
  const [password, setPassword] = useState("");
  const request: ApiRequest = { method: "PUT", path, body: { password } };
  const { isBusy, outcome, failure, run } = useAct<string>();
  return (
    <details>
      <summary>New password</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(() => api.send(request).then(() => "The password was changed; the user's connections have to authenticate again."));
        }}
      >
        <NewPasswordField value={password} change={setPassword} />
        <button disabled={isBusy}>Change the password</button>
        <div role="status">{outcome !== undefined && <p>{outcome}</p>}</div>
        {failure !== undefined && <Failure failure={failure} />}
        <Curl {...request} body={{ password: "…" }} />
      </form>
    </details>
  );
}

interface ConnectProps {
  readonly api: Api;
  readonly path: string;
  readonly name: string;
  readonly done: () => void;
}

/** Calls the user, and connects them to another one. */
function Connect({ api, path, name, done }: ConnectProps) {
  const [to, setTo] = useState("");
  const request: ApiRequest = { method: "POST", path, body: { to } };
  const { isBusy, outcome, failure, run } = useAct<string>();
  return (
    <details>
      <summary>Connect {name} with another one</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => {
            await api.send(request);
            done();
            return `The phones of ${name} ring. When one is answered, ${to} is called.`;
          });
        }}
      >
        <label>
          A user, a number or an address{" "}
          <input value={to} required maxLength={300} autocapitalize="none" onInput={(event) => setTo(event.currentTarget.value)} />
        </label>
        <button disabled={isBusy}>Call</button>
        <div role="status">{outcome !== undefined && <p>{outcome}</p>}</div>
        {failure !== undefined && <Failure failure={failure} />}
        <Curl {...request} />
      </form>
    </details>
  );
}

interface LiveCallsProps {
  readonly asked: Asked<{ readonly calls: readonly LiveCall[] }>;
  readonly end: (id: string) => Promise<unknown>;
}

function LiveCalls({ asked, end }: LiveCallsProps) {
  return (
    <Answered asked={asked}>
      {({ calls }) =>
        calls.length === 0 ? (
          <p>None.</p>
        ) : (
          <ul class="plain">
            {calls.map(({ id, state, direction, remote }) => (
              <li key={id}>
                {state} {direction} {remote} <Action act={() => end(id).then(asked.again)}>End</Action>
              </li>
            ))}
          </ul>
        )
      }
    </Answered>
  );
}

interface PhonesProps {
  readonly asked: Asked<{ readonly bindings: readonly Binding[] }>;
  readonly remove: (id: string) => Promise<unknown>;
}

function Phones({ asked, remove }: PhonesProps) {
  return (
    <Answered asked={asked}>
      {({ bindings }) =>
        bindings.length === 0 ? (
          <p>None is registered.</p>
        ) : (
          <ul class="plain">
            {bindings.map(({ id, contact, reachable, expires }) => (
              <li key={id} data-well={reachable}>
                <code>{contact}</code> {reachable ? "connected" : "not connected"}, {expires} s left{" "}
                <Action act={() => remove(id).then(asked.again)}>Remove</Action>
              </li>
            ))}
          </ul>
        )
      }
    </Answered>
  );
}
