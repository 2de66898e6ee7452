import type { TurnstileSettings } from "../../lib/authentication/turnstile-settings.ts";
import { boundedText } from "../bounded-text.ts";

/** Milliseconds until Turnstile has to answer, and octets of its answer. */
const patience = 5000;
const maxSize = 16_384;

/** What Turnstile says of a response of its widget; `unavailable`: it cannot be asked, or does not take our secret. */
export type TurnstileVerdict =
  | { readonly kind: "passed" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "unavailable"; readonly why: string };

/** Codes of answers that concern the response of the widget: the others are faults of the administrator, or of Turnstile. */
const refusals: Readonly<Record<string, string>> = {
  "missing-input-response": "the response of Turnstile is missing",
  "invalid-input-response": "the response of Turnstile is not valid, or has expired",
  "timeout-or-duplicate": "the response of Turnstile was used before, or has expired: let the widget make a new one",
};

/** Asks Turnstile once about a response of its widget. @param url of its siteverify @param address of the client */
export async function askTurnstile(
  url: string,
  { secret, hostnames }: Pick<TurnstileSettings, "secret" | "hostnames">,
  { response, address }: { readonly response: string; readonly address: string | undefined },
): Promise<TurnstileVerdict> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    const body = JSON.stringify({ secret, response, ...(address === undefined ? {} : { remoteip: address }) });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: timeout.signal });
    return readAnswer(await boundedText(answer, maxSize), answer.status, hostnames);
  } catch (error) {
    console.error(JSON.stringify({ note: "Turnstile could not be asked", url, error: String(error) }));
    return unavailable(
      timeout.signal.aborted ? `no answer in ${patience / 1000} seconds` : "the connection could not be made, or was lost",
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Fails closed: what cannot be read has not passed. */
function readAnswer(text: string | undefined, status: number, hostnames: readonly string[] | undefined): TurnstileVerdict {
  const answer = text === undefined ? undefined : membersOf(text);
  if (answer === undefined) return unavailable(`its answer, with the status ${status}, cannot be read`);
  const { success, hostname, "error-codes": codes } = answer;
  if (success === true) {
    const isOwn = hostnames === undefined || (typeof hostname === "string" && hostnames.includes(hostname.toLowerCase()));
    return isOwn ? { kind: "passed" } : { kind: "refused", why: "the response of Turnstile is of a page of another host" };
  }
  const [code] = Array.isArray(codes) ? codes.map(String) : [];
  const why = code === undefined ? undefined : refusals[code];
  return why === undefined ? unavailable(`it answered with ${code ?? `the status ${status}`}`.slice(0, 200)) : { kind: "refused", why };
}

function membersOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function unavailable(why: string): TurnstileVerdict {
  return { kind: "unavailable", why };
}
