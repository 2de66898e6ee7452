import { readConfiguration } from "../configuration.ts";
import type { Environment } from "../environment.ts";
import { oneInIsolate } from "../isolate.ts";
import { fetchChain } from "./certificate-fetch.ts";
import { Signers } from "./signers.ts";
import { type VerifyCaller, verifyInTime } from "./verify-caller.ts";

/** The signers that an isolate knows. */
const signersOf = oneInIsolate((environment: Environment) => {
  return new Signers(readConfiguration(environment).stirRoots, (url) => fetchChain(environment, url));
});

/** Verifies callers with the authorities that this deployment trusts, and within the time that it gives. */
export function verifierOf(environment: Environment): VerifyCaller {
  const signers = signersOf(environment);
  const deadline = readConfiguration(environment).verificationTimeout * 1000;
  return (call, now) => verifyInTime((url, at) => signers.of(url, at), call, now, deadline);
}
