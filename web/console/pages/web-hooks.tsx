import { useState } from "preact/hooks";
import type { EventType } from "../../../lib/web-hooks/web-hook.ts";
import { type Api, type ApiRequest, part } from "../api.ts";
import { Action } from "../parts/action.tsx";
import { Answered, useGet } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";
import { MadeNote, useMaking } from "../parts/making.tsx";
import { When } from "../parts/when.tsx";

/** All that there are: one that is left out does not compile. */
const known = {
  "call.started": true,
  "call.ringing": true,
  "call.answered": true,
  "call.ended": true,
  registered: true,
  unregistered: true,
  "message.stored": true,
  "trunk.up": true,
  "trunk.down": true,
} as const satisfies Record<EventType, true>;
const events = Object.keys(known);

interface WebHook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly disabled: string | null;
}

/** As the answer to the request that made it has it. */
interface CreatedWebHook extends WebHook {
  readonly secret?: string;
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
  const asked = useGet<{ web_hooks: readonly WebHook[] }>(api, path);
  return (
    <>
      <h2>Web hooks</h2>
      <Answered asked={asked}>
        {({ web_hooks: hooks }) =>
          hooks.length === 0 ? (
            <p>None: no application is told of calls and registrations.</p>
          ) : (
            hooks.map((hook) => <Hook key={hook.name} api={api} path={`${path}/${part(hook.name)}`} hook={hook} changed={asked.again} />)
          )
        }
      </Answered>
      <NewHook api={api} path={path} changed={asked.again} />
    </>
  );
}

interface HookProps {
  readonly api: Api;
  readonly path: string;
  readonly hook: WebHook;
  readonly changed: () => void;
}

/** The id of the section of a web hook. */
function sectionOf(name: string): string {
  return `web-hook-${name}`;
}

function Hook({ api, path, hook: { name, url, events: wanted, disabled }, changed }: HookProps) {
  const asked = useGet<{ deliveries: readonly Delivery[]; next_cursor: string | null }>(api, `${path}/deliveries`);
  return (
    <section id={sectionOf(name)} tabIndex={-1} aria-labelledby={`${sectionOf(name)}-name`}>
      <h3 id={`${sectionOf(name)}-name`}>{name}</h3>
      <p>
        <code>{url}</code> {wanted.join(", ")}
        {disabled !== null && (
          <strong>
            {" "}
            disabled since <When at={disabled} />: the receiver answered 410
          </strong>
        )}
      </p>
      <Answered asked={asked}>
        {({ deliveries, next_cursor: next }) => (
          <>
            <Deliveries
              deliveries={deliveries}
              replay={(id) => api.send({ method: "POST", path: `${path}/deliveries/${part(id)}/replay` }).then(asked.again)}
            />
            {next !== null && <p>These are the oldest {deliveries.length}: there are more.</p>}
          </>
        )}
      </Answered>
      <p class="row">
        {disabled !== null && (
          <Action act={() => api.send({ method: "PUT", path, body: { url, events: wanted } }).then(changed)}>Enable again</Action>
        )}
        <Action act={() => api.send({ method: "POST", path: `${path}/test` })}>Send a test</Action>
        <button class="quiet" onClick={asked.again}>
          Refresh
        </button>
        <Action confirm={`Delete ${name}?`} act={() => api.send({ method: "DELETE", path }).then(changed)}>
          Delete
        </Action>
      </p>
    </section>
  );
}

interface DeliveriesProps {
  readonly deliveries: readonly Delivery[];
  readonly replay: (id: string) => Promise<unknown>;
}

function Deliveries({ deliveries, replay }: DeliveriesProps) {
  if (deliveries.length === 0) return <p>Nothing waits.</p>;
  return (
    <ul class="plain">
      {deliveries.map(({ id, type, at, attempts, next, last }) => (
        <li key={id} data-well={next !== null}>
          <strong>{type}</strong> of <When at={at} />, {attempts} failed attempts{last === null ? "" : `, ${last.error ?? last.status}`}
          {next === null ? ", given up " : ", waits "}
          <Action act={() => replay(id)}>Send again</Action>
        </li>
      ))}
    </ul>
  );
}

function NewHook({ api, path, changed }: { readonly api: Api; readonly path: string; readonly changed: () => void }) {
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [wanted, setWanted] = useState<readonly string[]>(["call.ended"]);
  const making = useMaking<CreatedWebHook>(api, changed);
  const request: ApiRequest = { method: "PUT", path: `${path}/${part(name || "NAME")}`, body: { url, events: wanted } };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        making.make(request);
      }}
    >
      <h3>New web hook</h3>
      <label>
        Name <input value={name} required pattern="[a-z0-9\-]{1,64}" onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label>
        URL <input type="url" value={url} required onInput={(event) => setUrl(event.currentTarget.value)} />
      </label>
      <EventChoice wanted={wanted} choose={setWanted} />
      <button>Make a web hook</button>
      <MadeNote making={making} linkTo={({ name: existing }) => <HookLink name={existing} />}>
        {({ name: made, secret }) =>
          secret === undefined ? (
            `${made} was made by another administrator at the same time, and has these settings now`
          ) : (
            <>
              Copy its secret now, it is not shown again: <code>{secret}</code>
            </>
          )
        }
      </MadeNote>
      <Curl {...request} />
    </form>
  );
}

/** Leads to the section of a web hook on this page. */
function HookLink({ name }: { readonly name: string }) {
  return (
    <a
      href={location.hash}
      onClick={(event) => {
        event.preventDefault();
        document.getElementById(sectionOf(name))?.focus();
      }}
    >
      {name}
    </a>
  );
}

interface EventChoiceProps {
  readonly wanted: readonly string[];
  readonly choose: (wanted: readonly string[]) => void;
}

function EventChoice({ wanted, choose }: EventChoiceProps) {
  return (
    <fieldset>
      <legend>Events</legend>
      {events.map((type) => (
        <label key={type}>
          <input
            type="checkbox"
            class="check"
            checked={wanted.includes(type)}
            onChange={(event) => choose(event.currentTarget.checked ? [...wanted, type] : wanted.filter((one) => one !== type))}
          />{" "}
          {type}
        </label>
      ))}
    </fieldset>
  );
}
