import type { Account } from "./phone/account.ts";
import { type IceFault, readIceServers } from "./phone/ice-servers.ts";
import type { Written } from "./phone/remembered.ts";

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
    server: location.origin,
    address: trimmed.includes("@") ? trimmed : `${trimmed}@${isLocal() ? demoAccounts.domain : location.hostname}`,
    credentials: { password },
    way: way === "general" ? "general" : "direct",
    ice: servers,
  };
}
