import { useEffect, useRef, useState } from "preact/hooks";
import { Link, Route, Router, Switch, useLocation } from "wouter-preact";
import { Api, part } from "./api.ts";
import { nameIn, useWrittenLocation } from "./location.ts";
import { Answered, useAnswer } from "./parts/answer.tsx";
import { LiveEvents } from "./parts/live.tsx";
import { type DomainList, DomainChoice, domainsOf } from "./parts/domain-choice.tsx";
import { AccessPage } from "./pages/access.tsx";
import { CallPage } from "./pages/call.tsx";
import { CallsPage } from "./pages/calls.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { RoutingPage } from "./pages/routing.tsx";
import { SetUpPage } from "./pages/set-up.tsx";
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
    <Router hook={useWrittenLocation}>
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
  const asked = useAnswer<DomainList>("domains", () => domainsOf(api, only));
  const [path, go] = useLocation();
  const [, domain = "", page = ""] = path.split("/");
  const current = nameIn(domain) || asked.answer?.names[0];
  return (
    <>
      <header>
        <h1>Offhook</h1>
        {asked.answer !== undefined && current !== undefined && (
          <DomainChoice domains={asked.answer} current={current} choose={(name) => go(`/${part(name)}`)} />
        )}
        {current !== undefined && <Pages domain={current} current={page} />}
        <button class="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main tabIndex={-1} ref={useFocusOfPage(path)}>
        <Answered asked={asked}>
          {() =>
            current === undefined ? (
              <p>There is no domain yet: PUT /api/v1/domains/… makes one.</p>
            ) : (
              <LiveEvents key={current} api={api} domain={current}>
                <Content api={api} domain={current} />
              </LiveEvents>
            )
          }
        </Answered>
      </main>
    </>
  );
}

/** A link that has gone with its page takes the focus with it: then the new page gets it. */
function useFocusOfPage(path: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  useEffect(() => {
    const isOther = shown.current !== path;
    shown.current = path;
    if (isOther && document.activeElement === document.body) main.current?.focus();
  }, [path]);
  return main;
}

/** Each with the part of its path. */
const pages = [
  ["Overview", ""],
  ["Calls", "calls"],
  ["Users", "users"],
  ["Routing", "routing"],
  ["Set-up", "set-up"],
  ["Web hooks", "web-hooks"],
  ["Access", "access"],
] as const;

function Pages({ domain, current }: { readonly domain: string; readonly current: string }) {
  const base = `/${part(domain)}`;
  return (
    <nav aria-label="Pages">
      {pages.map(([title, page]) => (
        <Link key={page} href={page === "" ? base : `${base}/${page}`} aria-current={page === current ? "page" : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  );
}

function Content({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const common = { api, domain };
  return (
    <Switch>
      <Route path="/:domain/calls">
        <CallsPage {...common} />
      </Route>
      <Route path="/:domain/calls/:id">{({ id = "" }) => <CallPage key={id} {...common} id={nameIn(id)} />}</Route>
      <Route path="/:domain/users">
        <UsersPage {...common} />
      </Route>
      <Route path="/:domain/users/:name">{({ name = "" }) => <UserPage key={name} {...common} name={nameIn(name)} />}</Route>
      <Route path="/:domain/routing">
        <RoutingPage {...common} />
      </Route>
      <Route path="/:domain/set-up">
        <SetUpPage {...common} />
      </Route>
      <Route path="/:domain/web-hooks">
        <WebHooksPage {...common} />
      </Route>
      <Route path="/:domain/access">
        <AccessPage {...common} />
      </Route>
      <Route>
        <OverviewPage {...common} />
      </Route>
    </Switch>
  );
}
