import { isRouterBinding, type Router } from "../../lib/location/router.ts";
import type { Decision, IncomingCall } from "../../lib/routing/routing.ts";
import { boundedText } from "../bounded-text.ts";
import { keyringFor } from "../directory/directory.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";
import { signedHeaders } from "../web-hook-sender.ts";
import { within } from "../within.ts";
import { InvalidDecision, maxDecision, readDecision } from "./decision.ts";

/** What a customer's Worker offers. */
export interface CallRouter {
  route(call: IncomingCall): Decision | Promise<Decision>;
}

/** Asks a router about a call. @throws Error with the reason if there is no decision, InvalidDecision if there is one that is not valid */
export type AskRouter = (router: Router, call: IncomingCall) => Promise<Decision>;

/** The part of its time in which a router may fail and be asked again. */
const atOnce = 0.2;

/** Asks once, and once more if the first attempt has failed at once; both within the time that the router has. */
export function routerOf(environment: Environment): AskRouter {
  return async (router, call) => {
    const giveUp = new AbortController();
    const began = Date.now();
    const attempt = () =>
      router.kind === "http" ? askByHttp(environment, router, call, giveUp.signal) : askWorker(environment, router, call);
    const both = async () => {
      try {
        return await attempt();
      } catch (error) {
        const failedAt = Date.now();
        if (failedAt - began > atOnce * router.timeout || giveUp.signal.aborted) throw error;
        return attempt();
      }
    };
    try {
      return await within(router.timeout, both(), `no decision in ${router.timeout} ms`);
    } finally {
      giveUp.abort();
    }
  };
}

/** The customer's Worker, by its binding. */
async function askWorker(environment: Environment, { binding }: Router & { kind: "service" }, call: IncomingCall): Promise<Decision> {
  const worker = workerOf(environment, binding);
  if (worker === undefined) throw new Error(`this deployment has no service binding ${binding}`);
  const decision: unknown = await worker.route(call);
  if ((JSON.stringify(decision) ?? "").length > maxDecision) throw new InvalidDecision(tooLong);
  return readDecision(decision);
}

/** Whether the deployment has such a service binding. */
export function isBound(environment: Environment, binding: string): boolean {
  return workerOf(environment, binding) !== undefined;
}

/** Only what is named like a router: other bindings lead to the directory and to homes. */
function workerOf(environment: Environment, binding: string): CallRouter | undefined {
  const found = isRouterBinding(binding) ? (environment as unknown as Readonly<Record<string, unknown>>)[binding] : undefined;
  const isService = (typeof found === "object" && found !== null) || typeof found === "function";
  return isService ? (found as CallRouter) : undefined;
}

/** Signed like a web hook (Standard Webhooks). */
async function askByHttp(
  environment: Environment,
  { url, secret: sealed }: Router & { kind: "http" },
  call: IncomingCall,
  signal: AbortSignal,
): Promise<Decision> {
  const secret = keyringFor(environment)?.open("router-secret", sealed, call.domain);
  if (secret === undefined) throw new Error("no key in SEAL_KEYS opens its secret: PUT the router again, which makes a new one");
  const why = await whyUnreachable(environment, url);
  if (why !== undefined) throw new Error(`its URL ${why}`);
  const payload = JSON.stringify(call);
  const headers = signedHeaders([secret], { id: call.id, payload }, Date.now());
  const answer = await fetch(url, { method: "POST", headers, body: payload, redirect: "manual", signal });
  if (answer.status === 200) {
    const text = await boundedText(answer, maxDecision);
    if (text === undefined) throw new InvalidDecision(tooLong);
    return readDecision(parsed(text));
  }
  await answer.body?.cancel();
  throw new Error(`it answered with the status ${answer.status}`);
}

const tooLong = `its decision is longer than ${maxDecision} characters`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidDecision("its answer is not JSON");
  }
}
