/** A user's decision on a watcher (RFC 5025 §3.2.1). */
export type Permission = "allow" | "block" | "polite-block" | "confirm";

/** Who may watch a user: by address of record, by domain (`*@example.org`), or by the rule for all others. */
export interface WatcherRules {
  readonly default?: Permission;
  readonly watchers: Readonly<Record<string, Permission>>;
}

export const noWatcherRules: WatcherRules = { watchers: {} };

/**
 * The permission of a watcher, by the most specific rule (RFC 5025 §3.2.1, RFC 4745 §7.1).
 * @param isUser false for the server of a trunk, which is no user of the domain
 */
export function permissionOf(
  { watchers, default: other }: WatcherRules,
  watcher: string,
  owner: { user: string; domain: string },
  isUser = true,
): Permission {
  if (watcher === `${owner.user}@${owner.domain}`) return "allow";
  const domain = !isUser ? "" : watcher.slice(watcher.lastIndexOf("@") + 1);
  return watchers[watcher] ?? watchers[`*@${domain}`] ?? other ?? (domain === owner.domain ? "allow" : "confirm");
}
