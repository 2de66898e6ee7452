import type { PushParameters } from "./push-parameters.ts";

/** With what a user signs in. */
export type Credentials = { readonly password: string } | { readonly token: string };

/** An account, and the server at which it signs in. */
export interface Account {
  /** The origin of the server: `https://sip.example.com` */
  readonly server: string;
  /** `alice@example.com` */
  readonly address: string;
  readonly credentials: Credentials;
  /** The dedicated connection, or the shared one. */
  readonly way: "direct" | "general";
  /** STUN and TURN servers besides those of the domain. */
  readonly ice: readonly RTCIceServer[];
  /** Push notifications wake the phone when its page is closed. */
  readonly push?: PushParameters;
}

/** The URL that an account connects to: its own home, or the shared one. */
export function socketUrl({ server, way, address }: Account): string {
  const path = way === "direct" ? `/ws/${encodeURIComponent(address)}` : "/ws";
  return server.replace(/^http/, "ws") + path;
}

export function tokenOf({ credentials }: Pick<Account, "credentials">): string | undefined {
  return "token" in credentials ? credentials.token : undefined;
}

/** The header Authorization for the API, with a password (HTTP Basic, RFC 7617) or a token. */
export function authorizationOf({ address, credentials }: Pick<Account, "address" | "credentials">): string {
  if ("token" in credentials) return `Bearer ${credentials.token}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${address}:${credentials.password}`)))}`;
}

/** Milliseconds until an answer of the API is given up. */
const answerLimit = 10_000;

/** A request to the API, without credentials of the browser: it would open a window for them after a 401. */
export function askApi(
  account: Pick<Account, "server" | "address" | "credentials">,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${account.server}/api/v1${path}`, {
    ...init,
    headers: { ...(init.headers as Record<string, string> | undefined), Authorization: authorizationOf(account) },
    credentials: "omit",
    signal: AbortSignal.timeout(answerLimit),
  });
}
