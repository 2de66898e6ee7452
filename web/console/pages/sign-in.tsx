import { useState } from "preact/hooks";
import { Api, Refused, part } from "../api.ts";
import { Failure, textOf } from "../parts/answer.tsx";
import type { SignedIn } from "../session.ts";

/** Asks for the API key, and tries it; a key for one domain also needs the name of that. */
export function SignInPage({ signIn }: { readonly signIn: (signedIn: SignedIn) => void }) {
  const [failure, setFailure] = useState<string>();
  const [needsDomain, setNeedsDomain] = useState(false);
  const submit = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const [key, domain] = [String(given.get("key")).trim(), String(given.get("domain") ?? "").trim()];
    try {
      await new Api(key).get(domain === "" ? "/domains?limit=1" : `/domains/${part(domain)}`);
      signIn({ key, ...(domain === "" ? {} : { domain }) });
    } catch (error) {
      const status = error instanceof Refused ? error.status : undefined;
      if (status === 403 && domain === "") setNeedsDomain(true);
      setFailure(status === 401 ? "This key is wrong" : status === 403 ? "This key is for one domain: which?" : textOf(error));
    }
  };
  return (
    <main class="narrow">
      <h1>Offhook console</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label>
          API key
          <input name="key" type="password" autocomplete="current-password" required autofocus />
        </label>
        {needsDomain && (
          <label>
            Domain
            <input name="domain" required />
          </label>
        )}
        <button>Sign in</button>
        {failure !== undefined && <Failure failure={failure} />}
      </form>
      <p>The ADMIN_TOKEN, or a key that the API has made. It stays in this tab, until the tab is closed.</p>
    </main>
  );
}
