import { exports } from "cloudflare:workers";
import { api } from "./homes.ts";

/** A key as POST /keys answers it. */
export interface NewKey {
  readonly key: string;
  readonly id: string;
  readonly name: string;
  readonly domain: string | null;
  readonly scope: string;
  readonly created: string;
  readonly expires: string | null;
  readonly last_used: string | null;
}

let domains = 0;

/** A domain that no other test has. */
export async function newDomain(): Promise<string> {
  domains += 1;
  const domain = `keys-${domains}.example`;
  await api(`/domains/${domain}`, { method: "PUT" });
  return domain;
}

export async function newKey(body: object): Promise<NewKey> {
  const answer = await api("/keys", { method: "POST", body: JSON.stringify({ name: "test", ...body }) });
  if (answer.status !== 201) throw new Error(`no key was made: ${await answer.text()}`);
  return answer.json();
}

/** A request with a key, or any bearer token. */
export function withKey(key: string, path: string, method = "GET", body?: object): Promise<Response> {
  return exports.default.fetch(`http://localhost/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
