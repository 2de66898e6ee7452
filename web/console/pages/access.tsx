import { useState } from "preact/hooks";
import { type Api, type ApiRequest, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Answered, useGet } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";
import { MadeNote, useMaking } from "../parts/making.tsx";
import { When } from "../parts/when.tsx";

const scopes = ["read", "calls", "provisioning", "everything"];

interface Key {
  readonly id: string;
  readonly name: string;
  readonly domain: string | null;
  readonly scope: string;
  readonly expires: string | null;
  readonly last_used: string | null;
}

interface AuditEntry {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly kind: string; readonly name?: string };
  readonly action: string;
  readonly target: string;
  readonly status: number;
}

/** Changes that are shown. */
const maxChanges = 50;

/** API keys, and the changes that were made with them. */
export function AccessPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const keys = useGet<{ keys: readonly Key[] }>(api, "/keys");
  return (
    <>
      <h2>API keys</h2>
      <Answered asked={keys}>
        {({ keys: found }) =>
          found.length === 0 ? (
            <p>None: only the ADMIN_TOKEN opens the API.</p>
          ) : (
            <KeyList keys={found} remove={(id) => api.send({ method: "DELETE", path: `/keys/${part(id)}` }).then(keys.again)} />
          )
        }
      </Answered>
      {keys.answer !== undefined && <NewKey api={api} domain={domain} changed={keys.again} />}
      <h2>Changes in {domain}</h2>
      <Changes api={api} domain={domain} />
    </>
  );
}

function KeyList({ keys, remove }: { readonly keys: readonly Key[]; readonly remove: (id: string) => Promise<unknown> }) {
  return (
    <ul class="plain">
      {keys.map(({ id, name, domain, scope, expires, last_used: used }) => (
        <li key={id}>
          <strong>{name}</strong> {scope}, {domain ?? "all domains"}, {used === null ? "never used" : `last used ${used}`}
          {expires !== null && (
            <>
              , until <When at={expires} />
            </>
          )}{" "}
          <Action confirm={`Delete the key ${name}?`} act={() => remove(id)}>
            Delete
          </Action>
        </li>
      ))}
    </ul>
  );
}

function Changes({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const asked = useGet<{ entries: readonly AuditEntry[]; next_cursor: string | null }>(
    api,
    `/domains/${part(domain)}/audit?limit=${maxChanges}`,
  );
  return (
    <Answered asked={asked}>
      {({ entries, next_cursor: next }) => (
        <>
          {entries.length === 0 && <p>None.</p>}
          <ul class="plain">
            {entries.map(({ id, at, actor, action, target, status }) => (
              <li key={id} data-well={status < 400}>
                <When at={at} /> <strong>{action}</strong> <code>{target}</code> by {actor.name ?? actor.kind} ({status})
              </li>
            ))}
          </ul>
          {next !== null && <p>These are the last {maxChanges}: the API has those before.</p>}
        </>
      )}
    </Answered>
  );
}

function NewKey({ api, domain, changed }: { readonly api: Api; readonly domain: string; readonly changed: () => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState("read");
  const [isForAll, setForAll] = useState(false);
  const making = useMaking<{ readonly key: string }>(api, changed);
  const request: ApiRequest = { method: "POST", path: "/keys", body: { name, scope, ...(isForAll ? {} : { domain }) } };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        making.make(request);
      }}
    >
      <h3>New key</h3>
      <label>
        What it is for <input value={name} required maxLength={64} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label>
        Scope{" "}
        <select value={scope} onChange={(event) => setScope(event.currentTarget.value)}>
          {scopes.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        <input type="checkbox" class="check" checked={isForAll} onChange={(event) => setForAll(event.currentTarget.checked)} /> For all
        domains
      </label>
      <button>Make a key</button>
      <MadeNote making={making}>
        {({ key }) => (
          <>
            Copy it now, it is not shown again: <code>{key}</code>
          </>
        )}
      </MadeNote>
      <Curl {...request} />
    </form>
  );
}
