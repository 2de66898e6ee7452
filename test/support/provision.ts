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
    await put(`${url}/api/v1/domains/${domain}`, token, {});
  }
  for (const { domain, username, ...subscriber } of subscriptions) {
    await put(`${url}/api/v1/domains/${domain}/subscribers/${encodeURIComponent(username)}`, token, subscriber);
  }
}

async function put(url: string, token: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: "PUT",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
}
