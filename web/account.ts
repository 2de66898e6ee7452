/** Which account on which way in, as the page's form or its address says it. */
export interface Account {
  /** `alice@example.com` */
  readonly address: string;
  readonly password: string;
  readonly way: "direct" | "general";
  readonly ice: readonly string[];
}

const localHosts = ["localhost", "127.0.0.1", "[::1]"];

/** Whether the demo accounts can exist here. */
export function isLocal(): boolean {
  return localHosts.includes(location.hostname);
}

export const demoAccounts = { usernames: ["alice", "bob", "carol"], domain: "localhost", password: "offhook" } as const;

/** The account in `?account=…&password=…&way=…&ice=…`; undefined without one. */
export function accountOfPage(search: string): { readonly account: Account; readonly registersAtOnce: boolean } | undefined {
  const parameters = new URLSearchParams(search);
  const address = parameters.get("account");
  if (address === null) return undefined;
  const account = readAccount(address, parameters.get("password") ?? "", parameters.get("way") ?? "direct", parameters.get("ice") ?? "");
  return { account, registersAtOnce: parameters.get("autoregister") === "1" };
}

export function readAccount(address: string, password: string, way: string, ice: string): Account {
  const trimmed = address.trim().replace(/^sip:/, "");
  return {
    address: trimmed.includes("@") ? trimmed : `${trimmed}@${isLocal() ? demoAccounts.domain : location.hostname}`,
    password,
    way: way === "general" ? "general" : "direct",
    ice: ice.split(/[\s,]+/).filter((server) => server !== ""),
  };
}

/** Where the account connects: DESIGN's two ways in. */
export function socketUrl(account: Account): string {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const path = account.way === "direct" ? `/ws/${encodeURIComponent(account.address)}` : "/ws";
  return `${scheme}://${location.host}${path}`;
}

/** One phone for each tab: a reload is the same phone (RFC 5626 §4.1). */
export function instanceOfTab(): string {
  const known = sessionStorage.getItem("offhook-instance");
  const instance = known ?? crypto.randomUUID();
  sessionStorage.setItem("offhook-instance", instance);
  return instance;
}
