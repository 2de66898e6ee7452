import { readConfiguration } from "../configuration.ts";
import type { Environment } from "../environment.ts";
import { oneInIsolate } from "../isolate.ts";
import { Resolver } from "./resolver.ts";

/** The resolver of an isolate, so that each question is sent once. */
export const resolverOf = oneInIsolate((environment: Environment) => new Resolver(readConfiguration(environment).dnsUrl));
