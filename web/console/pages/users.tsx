import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { type Api, type ApiRequest, type User, part } from "../api.ts";
import { Failure, Waiting, textOf, useAnswer } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";

interface UserPageAnswer {
  readonly subscribers: readonly User[];
  readonly next_cursor: string | null;
}

/** The users of a domain: search, pages, and a form for a new one. */
export function UsersPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const [search, setSearch] = useState("");
  const [cursor, setCursor] = useState("");
  const path = `/domains/${part(domain)}/subscribers?limit=50&search=${part(search)}&cursor=${part(cursor)}`;
  const { answer, failure, again } = useAnswer(() => api.get<UserPageAnswer>(path), [path]);
  return (
    <>
      <h2>Users</h2>
      <label>
        Search{" "}
        <input
          type="search"
          onChange={(event) => {
            setCursor("");
            setSearch(event.currentTarget.value);
          }}
        />
      </label>
      {failure !== undefined && <Failure failure={failure} />}
      {answer === undefined && failure === undefined && <Waiting />}
      <ul class="plain">
        {answer?.subscribers.map(({ username, displayName, aliases, opened }) => (
          <li key={username}>
            <Link href={`/${part(domain)}/users/${part(username)}`}>{username}</Link> {displayName} <small>{aliases.join(", ")}</small>
            {!opened && <small> has never registered</small>}
          </li>
        ))}
      </ul>
      <button class="quiet" disabled={(answer?.next_cursor ?? null) === null} onClick={() => setCursor(answer?.next_cursor ?? "")}>
        More
      </button>
      <NewUser api={api} domain={domain} changed={again} />
    </>
  );
}

function NewUser({ api, domain, changed }: { readonly api: Api; readonly domain: string; readonly changed: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [message, setMessage] = useState<string>();
  const request: ApiRequest = { method: "PUT", path: `/domains/${part(domain)}/subscribers/${part(name)}`, body: { password } };
  const make = async () => {
    try {
      await api.send(request);
      setMessage(`${name} is there`);
      changed();
    } catch (error) {
      setMessage(textOf(error));
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <h3>New user</h3>
      <label>
        Name <input value={name} required onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" />
      </label>
      <label>
        Password{" "}
        <input
          type="password"
          value={password}
          required
          minLength={8}
          autocomplete="new-password"
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
      <button>Create</button>
      <p role="status">{message}</p>
      <Curl {...request} body={{ password: "…" }} path={`/domains/${part(domain)}/subscribers/${name === "" ? "NAME" : part(name)}`} />
    </form>
  );
}
