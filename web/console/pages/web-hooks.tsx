import { useState } from "preact/hooks";
import { type Api, type ApiRequest, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Failure, textOf, useAnswer } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";
import { When } from "../parts/when.tsx";

const events = ["call.ended", "registered", "unregistered", "message.stored"];

interface WebHook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly disabled: string | null;
}

interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly attempts: number;
  readonly next: string | null;
  readonly last: { readonly status: number | null; readonly error: string | null } | null;
}

/** The web hooks of a domain, and what waits for them or was given up. */
export function WebHooksPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const path = `/domains/${part(domain)}/web-hooks`;
  const { answer, failure, again } = useAnswer(() => api.get<{ web_hooks: readonly WebHook[] }>(path), [path]);
  return (
    <>
      <h2>Web hooks</h2>
      {failure !== undefined && <Failure failure={failure} />}
      {answer?.web_hooks.length === 0 && <p>None: no application is told of calls and registrations.</p>}
      {answer?.web_hooks.map((hook) => (
        <Hook key={hook.name} api={api} path={`${path}/${part(hook.name)}`} hook={hook} changed={again} />
      ))}
      <NewHook api={api} path={path} changed={again} />
    </>
  );
}

interface HookProps {
  readonly api: Api;
  readonly path: string;
  readonly hook: WebHook;
  readonly changed: () => void;
}

function Hook({ api, path, hook: { name, url, events: wanted, disabled }, changed }: HookProps) {
  const { answer, failure, again } = useAnswer(() => api.get<{ deliveries: readonly Delivery[] }>(`${path}/deliveries`), [path]);
  return (
    <section>
      <h3>{name}</h3>
      <p>
        <code>{url}</code> {wanted.join(", ")}
        {disabled !== null && (
          <strong>
            {" "}
            disabled since <When at={disabled} />: the receiver answered 410
          </strong>
        )}
      </p>
      {failure !== undefined && <Failure failure={failure} />}
      <ul class="plain">
        {answer?.deliveries.map(({ id, type, at, attempts, next, last }) => (
          <li key={id} data-well={next !== null}>
            <strong>{type}</strong> of <When at={at} />, {attempts} failed attempts{last === null ? "" : `, ${last.error ?? last.status}`}
            {next === null ? ", given up " : ", waits "}
            <Action act={() => api.send({ method: "POST", path: `${path}/deliveries/${part(id)}/replay` }).then(again)}>Send again</Action>
          </li>
        ))}
      </ul>
      {answer?.deliveries.length === 0 && <p>Nothing waits.</p>}
      <p class="row">
        <Action act={() => api.send({ method: "POST", path: `${path}/test` })}>Send a test</Action>
        <button class="quiet" onClick={again}>
          Refresh
        </button>
        <Action confirm={`Delete ${name}?`} act={() => api.send({ method: "DELETE", path }).then(changed)}>
          Delete
        </Action>
      </p>
    </section>
  );
}

function NewHook({ api, path, changed }: { readonly api: Api; readonly path: string; readonly changed: () => void }) {
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [wanted, setWanted] = useState<readonly string[]>(["call.ended"]);
  const [{ secret, failure }, set] = useState<{ secret?: string; failure?: string }>({});
  const request: ApiRequest = { method: "PUT", path: `${path}/${name === "" ? "NAME" : part(name)}`, body: { url, events: wanted } };
  const make = async () => {
    try {
      const made = await api.send<{ secret?: string }>(request);
      set(made.secret === undefined ? {} : { secret: made.secret });
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
      <h3>New web hook</h3>
      <label>
        Name <input value={name} required pattern="[a-z0-9\-]{1,64}" onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label>
        URL <input type="url" value={url} required onInput={(event) => setUrl(event.currentTarget.value)} />
      </label>
      <fieldset>
        <legend>Events</legend>
        {events.map((type) => (
          <label key={type}>
            <input
              type="checkbox"
              class="check"
              checked={wanted.includes(type)}
              onChange={(event) => setWanted(event.currentTarget.checked ? [...wanted, type] : wanted.filter((one) => one !== type))}
            />{" "}
            {type}
          </label>
        ))}
      </fieldset>
      <button>Make a web hook</button>
      <div role="status">
        {secret !== undefined && (
          <p>
            Copy its secret now, it is not shown again: <code>{secret}</code>
          </p>
        )}
        {failure !== undefined && <Failure failure={failure} />}
      </div>
      <Curl {...request} />
    </form>
  );
}
