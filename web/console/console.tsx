import { useState } from "preact/hooks";
import { Link, Route, Router, Switch, useLocation } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import { Api, part } from "./api.ts";
import { Failure, Waiting, useAnswer } from "./parts/answer.tsx";
import { AccessPage } from "./pages/access.tsx";
import { CallPage } from "./pages/call.tsx";
import { CallsPage } from "./pages/calls.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { RoutingPage } from "./pages/routing.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { UserPage } from "./pages/user.tsx";
import { UsersPage } from "./pages/users.tsx";
import { WebHooksPage } from "./pages/web-hooks.tsx";
import { type SignedIn, rememberSignIn, rememberedSignIn } from "./session.ts";

/** The console: the sign-in, or the pages of a domain. */
export function Console() {
  const [signedIn, setSignedIn] = useState(rememberedSignIn());
  const signIn = (given: SignedIn | undefined) => {
    rememberSignIn(given);
    setSignedIn(given);
  };
  if (signedIn === undefined) return <SignInPage signIn={signIn} />;
  return (
    <Router hook={useHashLocation}>
      <Domains api={new Api(signedIn.key)} only={signedIn.domain} signOut={() => signIn(undefined)} />
    </Router>
  );
}

interface DomainsProps {
  readonly api: Api;
  /** The domain of a key for one domain. */
  readonly only: string | undefined;
  readonly signOut: () => void;
}

function Domains({ api, only, signOut }: DomainsProps) {
  const { answer, failure } = useAnswer(() => domainsOf(api, only), [only]);
  const [path, go] = useLocation();
  const names = answer ?? [];
  const current = decodeURIComponent(path.split("/")[1] ?? "") || names[0];
  return (
    <>
      <header>
        <h1>Offhook</h1>
        {names.length > 0 && (
          <label>
            Domain{" "}
            <select value={current} onChange={(event) => go(`/${part(event.currentTarget.value)}`)}>
              {names.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        {current !== undefined && <Pages domain={current} />}
        <button class="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main tabIndex={-1}>
        {failure !== undefined && <Failure failure={failure} />}
        {answer === undefined && failure === undefined && <Waiting />}
        {answer !== undefined && names.length === 0 && <p>There is no domain yet: PUT /api/v1/domains/… makes one.</p>}
        {current !== undefined && answer !== undefined && <Content api={api} domain={current} />}
      </main>
    </>
  );
}

async function domainsOf(api: Api, only: string | undefined): Promise<readonly string[]> {
  if (only !== undefined) return [only];
  const { domains } = await api.get<{ domains: { domain: string }[] }>("/domains?limit=1000");
  return domains.map(({ domain }) => domain);
}

function Pages({ domain }: { readonly domain: string }) {
  const base = `/${part(domain)}`;
  const pages = [
    ["Overview", base],
    ["Calls", `${base}/calls`],
    ["Users", `${base}/users`],
    ["Routing", `${base}/routing`],
    ["Web hooks", `${base}/web-hooks`],
    ["Access", `${base}/access`],
  ] as const;
  const [path] = useLocation();
  return (
    <nav aria-label="Pages">
      {pages.map(([title, to]) => {
        const isHere = to === base ? path === base || path === "/" : path.startsWith(to);
        return (
          <Link key={to} href={to} aria-current={isHere ? "page" : undefined}>
            {title}
          </Link>
        );
      })}
    </nav>
  );
}

function Content({ api, domain }: { readonly api: Api; readonly domain: string }) {
  return (
    <Switch>
      <Route path="/:domain/calls">
        <CallsPage key={domain} api={api} domain={domain} />
      </Route>
      <Route path="/:domain/calls/:id">{({ id = "" }) => <CallPage key={id} api={api} domain={domain} id={id} />}</Route>
      <Route path="/:domain/users">
        <UsersPage key={domain} api={api} domain={domain} />
      </Route>
      <Route path="/:domain/users/:name">
        {({ name = "" }) => <UserPage key={name} api={api} domain={domain} name={decodeURIComponent(name)} />}
      </Route>
      <Route path="/:domain/routing">
        <RoutingPage key={domain} api={api} domain={domain} />
      </Route>
      <Route path="/:domain/web-hooks">
        <WebHooksPage key={domain} api={api} domain={domain} />
      </Route>
      <Route path="/:domain/access">
        <AccessPage key={domain} api={api} domain={domain} />
      </Route>
      <Route>
        <OverviewPage key={domain} api={api} domain={domain} />
      </Route>
    </Switch>
  );
}
