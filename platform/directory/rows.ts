import { type DomainSettings, defaultDomainSettings } from "../../lib/location/domain-settings.ts";
import { type Rules, noRules } from "../../lib/location/rules.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";

/** A row of the table of subscribers. */
export interface SubscriberColumns {
  /** Without escapes, as are the aliases. */
  readonly username: string;
  readonly domain: string;
  readonly md5: string;
  readonly sha256: string;
  /** Of the escaped spelling; "" if that is the name itself. */
  readonly escaped_md5: string;
  readonly escaped_sha256: string;
  readonly aliases: string;
  readonly rules: string;
  readonly generation: number;
  readonly version: number;
  readonly opened_at: number | null;
  readonly tokens_since: number | null;
}

/** The settings of a domain as its row has them; what it lacks has its default. */
export function domainSettingsOf(stored: string): DomainSettings {
  return { ...defaultDomainSettings, ...(JSON.parse(stored) as Partial<DomainSettings>) };
}

/** A row as the server uses it: names in their canonical spelling. */
export function subscriberOf(row: SubscriberColumns): Subscriber {
  const { domain, md5, sha256, generation, version } = row;
  const hasEscaped = row.escaped_md5 !== "" || row.escaped_sha256 !== "";
  return {
    username: canonicalUser(row.username),
    domain,
    md5,
    sha256,
    ...(hasEscaped ? { escaped: { md5: row.escaped_md5, sha256: row.escaped_sha256 } } : {}),
    generation,
    version,
    aliases: (JSON.parse(row.aliases) as string[]).map(canonicalUser),
    rules: { ...noRules, ...(JSON.parse(row.rules) as Partial<Rules>) },
    opened: row.opened_at !== null,
    ...(row.tokens_since === null ? {} : { tokensSince: row.tokens_since }),
  };
}
