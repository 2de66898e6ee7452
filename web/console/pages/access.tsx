import { useState } from "preact/hooks";
import { type Api, type ApiRequest, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Failure, textOf, useAnswer } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";
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

/** API keys, and the changes that were made with them. */
export function AccessPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const keys = useAnswer(() => api.get<{ keys: readonly Key[] }>("/keys"), []);
  const audit = useAnswer(() => api.get<{ entries: readonly AuditEntry[] }>(`/domains/${part(domain)}/audit?limit=50`), [domain]);
  return (
    <>
      <h2>API keys</h2>
      {keys.failure !== undefined && <Failure failure={keys.failure} />}
      {keys.answer?.keys.length === 0 && <p>None: only the ADMIN_TOKEN opens the API.</p>}
      <ul class="plain">
        {keys.answer?.keys.map(({ id, name, domain: only, scope, expires, last_used: used }) => (
          <li key={id}>
            <strong>{name}</strong> {scope}, {only ?? "all domains"}, {used === null ? "never used" : `last used ${used}`}
            {expires !== null && (
              <>
                , until <When at={expires} />
              </>
            )}{" "}
            <Action
              confirm={`Delete the key ${name}?`}
              act={() => api.send({ method: "DELETE", path: `/keys/${part(id)}` }).then(keys.again)}
            >
              Delete
            </Action>
          </li>
        ))}
      </ul>
      {keys.answer !== undefined && <NewKey api={api} domain={domain} changed={keys.again} />}
      <h2>Changes in {domain}</h2>
      {audit.failure !== undefined && <Failure failure={audit.failure} />}
      {audit.answer?.entries.length === 0 && <p>None.</p>}
      <ul class="plain">
        {audit.answer?.entries.map(({ id, at, actor, action, target, status }) => (
          <li key={id} data-well={status < 400}>
            <When at={at} /> <strong>{action}</strong> <code>{target}</code> by {actor.name ?? actor.kind} ({status})
          </li>
        ))}
      </ul>
    </>
  );
}

function NewKey({ api, domain, changed }: { readonly api: Api; readonly domain: string; readonly changed: () => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState("read");
  const [isForAll, setForAll] = useState(false);
  const [{ key, failure }, set] = useState<{ key?: string; failure?: string }>({});
  const body = { name, scope, ...(isForAll ? {} : { domain }) };
  const request: ApiRequest = { method: "POST", path: "/keys", body };
  const make = async () => {
    try {
      const made = await api.send<{ key: string }>(request);
      set({ key: made.key });
      changed();
    } catch (error) {
      set({ failure: textOf(error) });
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void make();
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
      <div role="status">
        {key !== undefined && (
          <p>
            Copy it now, it is not shown again: <code>{key}</code>
          </p>
        )}
        {failure !== undefined && <Failure failure={failure} />}
      </div>
      <Curl {...request} />
    </form>
  );
}
