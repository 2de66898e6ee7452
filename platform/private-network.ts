import type { Environment } from "./environment.ts";

/** Connects to servers in the private network of a binding. @throws Error if the deployment has no such network */
export type NetworkOf = (binding: string) => Fetcher;

/** A private network that the deployment is bound to (Workers VPC), by the name of the binding. @throws Error if there is none */
export function privateNetwork(environment: Environment, binding: string): Fetcher {
  const network = boundNetwork(environment, binding);
  if (network === undefined) throw new Error(`this deployment has no network ${binding}`);
  return network;
}

export function hasNetwork(environment: Environment, binding: string): boolean {
  return boundNetwork(environment, binding) !== undefined;
}

/** Only what is named like a network: other bindings lead to the directory and to homes. */
function boundNetwork(environment: Environment, binding: string): Fetcher | undefined {
  if (!/^NETWORK(?:_[A-Z0-9_]{1,56})?$/.test(binding)) return undefined;
  const found = (environment as unknown as Readonly<Record<string, unknown>>)[binding];
  const isObject = (typeof found === "object" && found !== null) || typeof found === "function";
  return isObject ? (found as Fetcher) : undefined;
}
