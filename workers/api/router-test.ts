import { z } from "@hono/zod-openapi";
import type { Router } from "../../lib/location/router.ts";
import { namesTrunk, planOfRouter } from "../../lib/proxy/router-plan.ts";
import type { Decision, IncomingCall } from "../../lib/routing/routing.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { routerOf } from "../../platform/router/ask-router.ts";
import { InvalidDecision } from "../../platform/router/decision.ts";

/** What a router has said of a call that is only a test. */
export const testedRouterSchema = z
  .object({
    action: z.string().openapi({ description: "What it has decided; with a why, the domain's fallback", example: "ring" }),
    decision: z.record(z.string(), z.unknown()).optional().openapi({ description: "Its decision; absent if there is none that is valid" }),
    milliseconds: z.number().openapi({ description: "How long it took" }),
    why: z.string().optional().openapi({ description: "Why there is no decision" }),
  })
  .openapi("RouterVerdict");

export interface TestedCall {
  readonly domain: string;
  readonly user: string;
  readonly uri: string;
  readonly caller: string;
  /** Without a router it would leave the server, or be redirected. */
  readonly leaves: boolean;
}

/** What the answer of a test of routes has of it: where the call goes, if the router has not let it go on. */
interface Verdict {
  readonly router: z.infer<typeof testedRouterSchema>;
  readonly outcome?: string;
  readonly target?: { kind: "trunk" | "redirect" | "refused" | "targets"; trunk?: string; uri?: string; status?: number };
}

/** Asks the router of a domain about a call, as for a real one; it is told that it is a test. */
export async function testRouter(environment: Environment, router: Router, call: TestedCall): Promise<Verdict> {
  const began = Date.now();
  try {
    const question = questionOf(call);
    const decision = await routerOf(environment)(router, question);
    const trunks = namesTrunk(decision) ? await directoryOf(environment).trunks(call.domain) : [];
    const plan = planOfRouter(decision, {
      ...{ domain: call.domain, trunks, requestUri: call.uri },
      isOutside: question.caller_kind !== "user",
    });
    if (plan.kind === "unfit") throw new InvalidDecision(plan.why);
    const written = JSON.parse(JSON.stringify(decision)) as Record<string, unknown>;
    return { router: { action: decision.action, decision: written, milliseconds: Date.now() - began }, ...targetOf(decision) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      router: { action: router.fallback, milliseconds: Date.now() - began, why },
      ...(router.fallback === "reject" ? undecided : error instanceof InvalidDecision && call.leaves ? invalid : {}),
    };
  }
}

const undecided = {
  outcome: "it is refused with 480: the router of the domain has not decided",
  target: { kind: "refused", status: 480 },
} as const;

const invalid = {
  outcome: "it is refused with 500: the decision of the domain's router is not valid",
  target: { kind: "refused", status: 500 },
} as const;

function questionOf({ domain, user, uri, caller }: TestedCall): IncomingCall {
  const isOwn = caller.slice(caller.lastIndexOf("@") + 1).toLowerCase() === domain;
  return {
    ...{ id: "test", call_id: "test", domain, from: `<sip:${caller}>`, to: `<${uri}>`, dialled: canonicalUser(user) },
    caller: caller === "" ? null : caller,
    caller_kind: isOwn || caller === "" ? "user" : "other_domain",
    ...{ trunk: null, verification: null, user_agent: null, headers: {}, time: new Date(Date.now()).toISOString(), is_test: true },
  };
}

function targetOf(decision: Decision): Pick<Verdict, "outcome" | "target"> {
  switch (decision.action) {
    case "continue":
      return {};
    case "ring":
      return { outcome: `the router rings ${decision.targets.map(({ to, uri }) => to ?? uri).join(", ")}`, target: { kind: "targets" } };
    case "trunk":
      return {
        outcome: `the router sends it to the trunk ${decision.trunk}, to ${decision.number}`,
        target: { kind: "trunk", trunk: decision.trunk },
      };
    case "redirect":
      return {
        outcome: `the router redirects the sender with 302 to ${decision.uris.join(", ")}`,
        target: { kind: "redirect", status: 302, uri: decision.uris[0] ?? "" },
      };
    case "reject":
      return { outcome: `the router refuses it with ${decision.status}`, target: { kind: "refused", status: decision.status } };
  }
}
