import { useState } from "preact/hooks";
import { type Api, part } from "../api.ts";
import { Answered, useGet } from "../parts/answer.tsx";
import { Editor } from "../parts/editor.tsx";

interface Named {
  readonly name: string;
}

/** What a domain has several of, each with a name. */
interface Kind {
  readonly title: string;
  /** The end of the path, and the member of the list. */
  readonly path: string;
  /** What the server shows, and does not take. */
  readonly shown: readonly string[];
  readonly example: object;
}

const server = { server: "sip:pbx.example.com;transport=tls", prefixes: ["+"] };
const kinds: readonly Kind[] = [
  { title: "Trunks", path: "trunks", shown: ["name", "lost"], example: server },
  {
    title: "Routes",
    path: "routes",
    shown: ["name"],
    example: { order: 100, match: { user: { prefix: "00" } }, action: { kind: "reject", status: 403 } },
  },
  {
    title: "Peers",
    path: "peers",
    shown: ["name", "has_token"],
    example: { domains: ["partner.example"], token: "REPLACE-BY-A-LONG-SECRET" },
  },
  { title: "Lists", path: "lists", shown: ["name", "uri"], example: { entries: [] } },
  {
    title: "Issuers of tokens",
    path: "issuers",
    shown: ["name", "keys_fetched"],
    example: { issuer: "https://login.example.com/", jwks_uri: "https://login.example.com/.well-known/jwks.json", audience: ["offhook"] },
  },
];

/** What a domain has one of. */
const singles = [
  { title: "Settings", path: "settings", shown: [], example: {} },
  {
    title: "STUN and TURN servers",
    path: "ice",
    shown: ["lost"],
    example: { kind: "static", servers: [{ urls: ["stun:stun.example.com"] }] },
  },
  { title: "Router", path: "router", shown: ["secret"], example: { kind: "http", url: "https://app.example.com/route" } },
] as const satisfies readonly Kind[];

interface Props {
  readonly api: Api;
  readonly domain: string;
}

/** All that an administrator sets for a domain, as the API takes it. */
export function SetUpPage({ api, domain }: Props) {
  const base = `/domains/${part(domain)}`;
  return (
    <>
      <h2>Set-up</h2>
      <p>
        Each is edited as the API takes it. A password or token that is left out is kept. A change is refused if it was changed meanwhile.
      </p>
      {singles.map(({ title, path, shown, example }) => (
        <details key={path}>
          <summary>{title}</summary>
          <Editor api={api} path={`${base}/${path}`} title={title} shown={shown} example={example} mayDelete={path !== "settings"} />
        </details>
      ))}
      {kinds.map((kind) => (
        <KindList key={kind.path} api={api} base={base} kind={kind} />
      ))}
    </>
  );
}

function KindList({ api, base, kind }: { readonly api: Api; readonly base: string; readonly kind: Kind }) {
  const { title, path, shown, example } = kind;
  const asked = useGet<Readonly<Record<string, readonly Named[]>>>(api, `${base}/${path}`);
  const [added, setAdded] = useState<readonly string[]>([]);
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <Answered asked={asked}>
        {(lists) => {
          const known = (lists[path] ?? []).map(({ name }) => name);
          const names = [...known, ...added.filter((name) => !known.includes(name))];
          return names.length === 0 ? (
            <p>None.</p>
          ) : (
            names.map((name) => (
              <details key={name} open={!known.includes(name)}>
                <summary>{name}</summary>
                <Editor
                  api={api}
                  path={`${base}/${path}/${part(name)}`}
                  title={name}
                  shown={shown}
                  example={example}
                  mayDelete
                  deleted={() => {
                    setAdded(added.filter((one) => one !== name));
                    asked.again();
                  }}
                />
              </details>
            ))
          );
        }}
      </Answered>
      <NewName title={title} add={(name) => setAdded([...added, name])} />
    </section>
  );
}

function NewName({ title, add }: { readonly title: string; readonly add: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        add(name);
        setName("");
      }}
    >
      <label>
        New, with the name <input value={name} required onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" />
      </label>
      <button aria-label={`Add to ${title}`}>Add</button>
    </form>
  );
}
