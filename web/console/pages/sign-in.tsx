import { useState } from "preact/hooks";
import { Api, Refused } from "../api.ts";
import { Failure, textOf } from "../parts/answer.tsx";

/** Asks for the API key, and tries it. */
export function SignInPage({ signIn }: { readonly signIn: (key: string) => void }) {
  const [failure, setFailure] = useState<string>();
  const submit = async (form: HTMLFormElement) => {
    const key = String(new FormData(form).get("key")).trim();
    try {
      await new Api(key).get("/domains?limit=1");
      signIn(key);
    } catch (error) {
      setFailure(error instanceof Refused && error.status === 401 ? "This key is wrong" : textOf(error));
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
          API key (ADMIN_TOKEN)
          <input name="key" type="password" autocomplete="current-password" required autofocus />
        </label>
        <button>Sign in</button>
        {failure !== undefined && <Failure failure={failure} />}
      </form>
      <p>The key stays in this tab, until the tab is closed.</p>
    </main>
  );
}
