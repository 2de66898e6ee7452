import { Api, Refused, part } from "../api.ts";
import { useAct } from "../parts/act.ts";
import { Failure } from "../parts/answer.tsx";
import type { SignedIn } from "../session.ts";

/** Asks for the API key, and tries it. */
export function SignInPage({ signIn }: { readonly signIn: (signedIn: SignedIn) => void }) {
  const { failure, run } = useAct<void>();
  return (
    <main class="narrow">
      <h1>Offhook console</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const key = String(new FormData(event.currentTarget).get("key")).trim();
          run(async () => signIn(await tried(key)));
        }}
      >
        <label>
          API key
          <input name="key" type="password" autocomplete="current-password" required autofocus />
        </label>
        <button>Sign in</button>
        {failure !== undefined && <Failure failure={failure} />}
      </form>
      <p>The ADMIN_TOKEN, or a key that the API has made. It is kept in this tab until you sign out or close the tab.</p>
    </main>
  );
}

/** How the API says that a key is for one domain: with the name of that. */
const forOneDomain = /^this key is for paths of the domain (\S+) only$/;

/** What the key opens: all domains, or one. Rejects if it opens nothing, with what the API says of that. */
async function tried(key: string): Promise<SignedIn> {
  const api = new Api(key);
  try {
    await api.get("/domains?limit=1");
    return { key };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) throw new Refused(401, "This key is wrong, deleted or expired");
    const [, domain] = forOneDomain.exec(error.message) ?? [];
    if (error.status !== 403 || domain === undefined) throw error;
    await api.get(`/domains/${part(domain)}`);
    return { key, domain };
  }
}
