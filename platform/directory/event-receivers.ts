import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type WebHook, readWebHook } from "../../lib/web-hooks/web-hook.ts";
import { answerOf } from "./answer-of.ts";

/** Who is told of the events of a domain. */
export interface EventReceivers {
  /** By name. */
  readonly hooks: readonly WebHook[];
  /** Whether there are watchers, who are told of them as they happen. */
  readonly isWatched: boolean;
}

/** A web hook, and its settings as they are stored. */
interface StoredHook {
  readonly settings: string;
  readonly hook: WebHook;
}

/** The web hooks of a domain, by name, and whether there are watchers. @param keyring opens the secrets; undefined if there is no key */
export async function readEventReceivers(
  database: D1Database,
  domain: string,
  keyring: Keyring | undefined,
): Promise<readonly (StoredHook | "watchers")[]> {
  const query = `SELECT name, settings FROM web_hooks WHERE domain = ?1
    UNION ALL SELECT NULL, NULL FROM event_watches WHERE domain = ?1 ORDER BY name`;
  const { results } = await answerOf(database.prepare(query).bind(domain).all<{ settings: string | null }>());
  return results.map(({ settings }) => (settings === null ? "watchers" : { settings, hook: readWebHook(settings, keyring) }));
}
