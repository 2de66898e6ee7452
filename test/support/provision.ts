/** A subscriber as the API takes it. */
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
  for (const { domain, username, ...subscriber } of subscriptions) {
    await succeed(callApi(url, token, "PUT", `/domains/${domain}/subscribers/${encodeURIComponent(username)}`, subscriber));
  }
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
