import { z } from "@hono/zod-openapi";
import type { Environment } from "../../platform/environment.ts";
import type { Actor, Identity } from "./actor.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { inQuery } from "./query-parameters.ts";
import { domainName } from "./schemas.ts";

/** The user in the credentials that an administrator gets, to try them. */
const administrator = "administrator";

/** The query of a path that is for each user, without a name in the path. */
export const ownQuery = z.object({
  domain: domainName
    .optional()
    .openapi(inQuery("domain", "The domain, if the name in the credentials is not an address; for administrators and keys always")),
});

/** For whom such a path is asked: a user for themselves. */
export async function ownIdentity(environment: Environment, actor: Actor, domain: string | undefined): Promise<Identity> {
  if (actor.kind === "subscriber") {
    if (actor.identity === undefined) throw new Problem(403, "the credentials are for another path");
    return actor.identity;
  }
  if (domain === undefined) throw new Problem(400, "domain: is missing");
  await requireDomain(environment, domain);
  return { user: administrator, domain };
}
