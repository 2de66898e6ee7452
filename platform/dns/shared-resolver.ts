import { readConfiguration } from "../configuration.ts";
import type { Environment } from "../environment.ts";
import { oneInIsolate } from "../isolate.ts";
import { Resolver } from "./resolver.ts";

/** The resolver that all in an isolate use, so that each answer is asked for once. */
export const resolverOf = oneInIsolate((environment: Environment) => new Resolver(readConfiguration(environment).dnsUrl));
