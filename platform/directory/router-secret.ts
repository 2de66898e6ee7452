import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { Router } from "../../lib/location/router.ts";
import { answerOf } from "./answer-of.ts";
import { DirectoryUnavailable } from "./errors.ts";

/** Seals the secret of a domain's router with the first key, if it is sealed with an older one, and has not been changed meanwhile. */
export async function resealRouter(
  database: D1Database,
  domain: string,
  router: Router | undefined,
  keyring: Keyring | undefined,
): Promise<void> {
  const secret = router?.kind === "http" ? keyring?.open("router-secret", router.secret, domain) : undefined;
  if (router?.kind !== "http" || keyring === undefined || secret === undefined) return;
  const sealed = keyring.seal("router-secret", secret, domain);
  if (sealed === router.secret) return;
  const query = "UPDATE domains SET settings = json_set(settings, ?1, ?2) WHERE name = ?3 AND json_extract(settings, ?1) = ?4";
  try {
    await answerOf(database.prepare(query).bind("$.router.secret", sealed, domain, router.secret).run());
  } catch (error) {
    // The next read tries again.
    if (!(error instanceof DirectoryUnavailable)) throw error;
  }
}
