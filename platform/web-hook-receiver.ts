import { isFault } from "../lib/syntax/fault.ts";
import { checkReceiver } from "../lib/web-hooks/receiver.ts";
import { readConfiguration } from "./configuration.ts";
import { resolverOf } from "./dns/shared-resolver.ts";
import type { Environment } from "./environment.ts";

/**
 * Why deliveries must not go to a URL, as a predicate of it; undefined if they may.
 * @param chosenBy who has chosen the URL: one of a stranger leads to no private network, whatever ALLOWED_NETWORKS says
 */
export async function whyUnreachable(
  environment: Environment,
  url: string,
  chosenBy: "administrator" | "stranger" = "administrator",
): Promise<string | undefined> {
  const parsed = URL.parse(url);
  if (parsed === null) return "is not a URL";
  const { localDevelopment, allowedNetworks } = readConfiguration(environment);
  const isTrusted = chosenBy === "administrator";
  const allowsPlain = localDevelopment && isTrusted;
  const networks = isTrusted || localDevelopment ? allowedNetworks : [];
  const result = await resolverOf(environment).settle((known) => checkReceiver(parsed, { allowsPlain, networks }, known));
  if (isFault(result)) throw new Error("the inquiry about a receiver has no faults");
  return result.kind === "unreachable" ? result.why : undefined;
}
