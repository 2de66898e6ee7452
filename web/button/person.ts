/** The functions of Turnstile's script that are used (https://developers.cloudflare.com/turnstile/). */
interface Turnstile {
  render(container: HTMLElement, options: Readonly<Record<string, unknown>>): string | undefined;
  remove(widget: string): void;
}

declare global {
  interface Window {
    turnstile?: Turnstile;
  }
}

/** What decides that the visitor is a person, and who gives them a token for it. */
export interface PersonCheck {
  /** The key of the site at Turnstile. */
  readonly siteKey: string;
  /** Where a token is asked for: `https://sip.example.com/api/v1/domains/example.com/turnstile/tokens` */
  readonly tokens: string;
  /** Where Turnstile may show a question, in the page itself: it does not work in a shadow tree. */
  readonly place: HTMLElement;
}

const script = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit";
/** Milliseconds until the script has to be there. */
const patience = 10_000;

/** The token of a guest, for a visitor whom Turnstile takes for a person. @throws Error with a text for the visitor */
export async function tokenForPerson({ siteKey, tokens, place }: PersonCheck): Promise<string> {
  const turnstile = window.turnstile ?? (await load());
  const response = await responseOf(turnstile, siteKey, place);
  const answer = await fetch(tokens, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ response }),
  }).catch(() => {
    throw new Error("The server cannot be reached");
  });
  const { token } = (await answer.json().catch(() => ({}))) as { readonly token?: string };
  if (!answer.ok || token === undefined) throw new Error(`The server gives no token for a call (${answer.status})`);
  return token;
}

async function load(): Promise<Turnstile> {
  const element = Object.assign(document.createElement("script"), { src: script, async: true });
  const loaded = new Promise<void>((resolve, reject) => {
    element.addEventListener("load", () => resolve());
    element.addEventListener("error", () => reject(unavailable()));
    setTimeout(() => reject(unavailable()), patience);
  });
  document.head.append(element);
  await loaded;
  if (window.turnstile === undefined) throw unavailable();
  return window.turnstile;
}

function unavailable(): Error {
  return new Error("Turnstile, which protects this button, cannot be loaded");
}

function responseOf(turnstile: Turnstile, sitekey: string, place: HTMLElement): Promise<string> {
  return new Promise((resolve, reject) => {
    let widget: string | undefined;
    const end = (then: () => void) => {
      if (widget !== undefined) turnstile.remove(widget);
      then();
    };
    const fail = () => end(() => reject(new Error("Turnstile does not take you for a person: try again")));
    widget = turnstile.render(place, {
      ...{ sitekey, appearance: "interaction-only" },
      callback: (response: string) => end(() => resolve(response)),
      ...{ "error-callback": fail, "timeout-callback": fail, "expired-callback": fail },
    });
  });
}
