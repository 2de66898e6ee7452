import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../../workers/index.ts";
import { hashesOf } from "../../support/provision.ts";
import { api } from "./homes.ts";

let domains = 0;

export const putIce = (domain: string, body: object) => api(`/domains/${domain}/ice`, { method: "PUT", body: JSON.stringify(body) });

/** A domain that no other test has, with a user, and perhaps servers. */
export async function newIceDomain(ice?: object, username = "alice"): Promise<string> {
  domains += 1;
  const domain = `ice-${domains}.example`;
  await api(`/domains/${domain}`, { method: "PUT" });
  const ha1 = hashesOf(username, domain, "offhook");
  await api(`/domains/${domain}/subscribers/${encodeURIComponent(username)}`, { method: "PUT", body: JSON.stringify({ ha1 }) });
  const answer = ice === undefined ? undefined : await putIce(domain, ice);
  if (answer?.ok === false) throw new Error(`no servers were set: ${await answer.text()}`);
  return domain;
}

/** A request for servers, straight to the Worker, perhaps with other settings. */
export function askForServers(
  headers: Record<string, string>,
  query = "",
  settings: object = {},
  init: RequestInit = {},
  scheme = "http",
): Promise<Response> {
  const request = new Request(`${scheme}://localhost/api/v1/ice-servers${query}`, { headers, ...init });
  return worker.fetch(request, { ...env, ...settings }, createExecutionContext());
}

export const basic = (name: string, password = "offhook") => `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

export const secret = "hush-hush-shared-secret";
export const turn = { urls: ["turn:turn.example.com:3478?transport=udp"], username: "all", credential: "hush-hush-credential" };
export const shared = {
  ...{ kind: "shared_secret", urls: ["turn:turn.example.com", "turns:turn.example.com:443?transport=tcp"] },
  ...{ secret, ttl: 3600 },
};
export const cloudflare = {
  ...{ kind: "cloudflare", key_id: "key1", api_token: "hush-hush-api-token" },
  ...{ endpoint: "https://1.1.1.1/", ttl: 600 },
};
