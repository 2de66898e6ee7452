import { createHash } from "node:crypto";

/** A subscriber as tests have it. */
export interface Subscription {
  readonly domain: string;
  readonly username: string;
  readonly password: string;
  readonly aliases?: readonly string[];
}

/** Makes the domains and the subscribers through the HTTP API, as an administrator does it. */
export async function provision(url: string, token: string, subscriptions: readonly Subscription[]): Promise<void> {
  for (const domain of new Set(subscriptions.map((subscription) => subscription.domain))) {
    await succeed(callApi(url, token, "PUT", `/domains/${domain}`, {}));
  }
  for (const { domain, username, password, ...subscriber } of subscriptions) {
    const body = { ha1: hashesOf(username, domain, password), ...subscriber };
    await succeed(callApi(url, token, "PUT", `/domains/${domain}/subscribers/${encodeURIComponent(username)}`, body));
  }
}

/** HA1 of both algorithms (RFC 7616 §3.4.2): the tests' passwords may be shorter than those that the API takes. */
export function hashesOf(username: string, domain: string, password: string): { readonly md5: string; readonly sha256: string } {
  const hash = (algorithm: string) => createHash(algorithm).update(`${username}:${domain}:${password}`).digest("hex");
  return { md5: hash("md5"), sha256: hash("sha256") };
}

export function callApi(url: string, token: string, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function succeed(calling: Promise<Response>): Promise<void> {
  const response = await calling;
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}
