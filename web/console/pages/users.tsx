import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { type Api, type ApiRequest, type User, part } from "../api.ts";
import { Answered, useGet } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";
import { ImportUsers } from "../parts/import-users.tsx";
import { MadeNote, useMaking } from "../parts/making.tsx";
import { NewPasswordField } from "../parts/new-password.tsx";

interface UserPageAnswer {
  readonly subscribers: readonly User[];
  readonly next_cursor: string | null;
}

/** The users of a domain: search, pages, and a form for a new one. */
export function UsersPage({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const [search, setSearch] = useState("");
  const [cursor, setCursor] = useState("");
  const asked = useGet<UserPageAnswer>(api, `/domains/${part(domain)}/subscribers?limit=50&search=${part(search)}&cursor=${part(cursor)}`);
  const next = asked.answer?.next_cursor;
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
      <Answered asked={asked}>{({ subscribers }) => <UserList domain={domain} users={subscribers} />}</Answered>
      <button class="quiet" disabled={next === null} onClick={() => setCursor(next ?? cursor)}>
        More
      </button>
      <NewUser api={api} domain={domain} changed={asked.again} />
      <ImportUsers api={api} domain={domain} changed={asked.again} />
    </>
  );
}

function UserList({ domain, users }: { readonly domain: string; readonly users: readonly User[] }) {
  if (users.length === 0) return <p>None.</p>;
  return (
    <ul class="plain">
      {users.map(({ username, displayName, aliases, opened }) => (
        <li key={username}>
          <UserLink domain={domain} name={username} /> {displayName} <small>{aliases.join(", ")}</small>
          {!opened && <small> has never registered</small>}
        </li>
      ))}
    </ul>
  );
}

function UserLink({ domain, name }: { readonly domain: string; readonly name: string }) {
  return <Link href={`/${part(domain)}/users/${part(name)}`}>{name}</Link>;
}

function NewUser({ api, domain, changed }: { readonly api: Api; readonly domain: string; readonly changed: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const making = useMaking<User>(api, changed);
  const request = (username: string, secret: string): ApiRequest => ({
    method: "PUT",
    path: `/domains/${part(domain)}/subscribers/${part(username)}`,
    body: { password: secret },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        making.make(request(name, password));
      }}
    >
      <h3>New user</h3>
      <label>
        Name <input value={name} required onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" />
      </label>
      <NewPasswordField value={password} change={setPassword} />
      <button>Create</button>
      <MadeNote making={making} linkTo={({ username }) => <UserLink domain={domain} name={username} />}>
        {({ username }) => `${username} is there`}
      </MadeNote>
      <Curl {...request(name || "NAME", "…")} />
    </form>
  );
}
