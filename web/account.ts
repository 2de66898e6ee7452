import { type IceFault, readIceServers } from "./ice-servers.ts";
import type { Written } from "./remembered.ts";

/** Account and way in, from the page's form or its address. */
export interface Account {
  /** `alice@example.com` */
  readonly address: string;
  readonly password: string;
  readonly way: "direct" | "general";
  readonly ice: readonly RTCIceServer[];
}

const localHosts = ["localhost", "127.0.0.1", "[::1]"];

/** Whether the demo accounts can exist here. */
export function isLocal(): boolean {
  return localHosts.includes(location.hostname);
}

export const demoAccounts = { usernames: ["alice", "bob", "carol"], domain: "localhost", password: "offhook" } as const;

/** The account in `?account=…&password=…&way=…&ice=…`; undefined without one. */
export function accountOfPage(search: string): { readonly written: Written; readonly registersAtOnce: boolean } | undefined {
  const parameters = new URLSearchParams(search);
  const address = parameters.get("account");
  if (address === null) return undefined;
  const [password, way, ice] = ["password", "way", "ice"].map((name) => parameters.get(name) ?? "");
  const written = { address, password: password ?? "", way: way || "direct", ice: ice ?? "" };
  return { written, registersAtOnce: parameters.get("autoregister") === "1" };
}

export function readAccount({ address, password, way, ice }: Written): Account | IceFault {
  const trimmed = address.trim().replace(/^sip:/, "");
  const servers = readIceServers(ice);
  if ("fault" in servers) return servers;
  return {
    address: trimmed.includes("@") ? trimmed : `${trimmed}@${isLocal() ? demoAccounts.domain : location.hostname}`,
    password,
    way: way === "general" ? "general" : "direct",
    ice: servers,
  };
}

/** The URL that the account connects to: its own home, or the shared one. */
export function socketUrl(account: Account): string {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const path = account.way === "direct" ? `/ws/${encodeURIComponent(account.address)}` : "/ws";
  return `${scheme}://${location.host}${path}`;
}

/** A name and a password for HTTP Basic (RFC 7617). */
export function credentialsOf(name: string, password: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(`${name}:${password}`)));
}
