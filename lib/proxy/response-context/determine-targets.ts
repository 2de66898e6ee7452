import type { Rules } from "../../location/rules.ts";
import type { RequestEnvelope, SentRequest } from "../../transport/envelope.ts";
import type { RouterQuestion } from "../../transport/routed-call.ts";
import type { Preferred } from "../caller-preferences.ts";
import type { ReachableTarget, Search } from "./context.ts";
import { maxForwards } from "./forwards.ts";
import { addressTarget } from "./search.ts";
import { type ExternalTarget, groupsOf, portions } from "./target-set.ts";
import type { RequestDisposition } from "../request-disposition.ts";

/** The first targets of a request for the user, and how the search continues; or the status that refuses it. */
export type Plan =
  | { readonly kind: "refuse"; readonly status: number; readonly why: string }
  | {
      readonly kind: "search";
      readonly first: readonly ReachableTarget[];
      readonly search: Search | undefined;
      /** There are no targets yet: the router of the domain is asked. */
      readonly asks?: RouterQuestion;
    };

interface SearchInput {
  readonly envelope: SentRequest;
  readonly disposition: RequestDisposition;
  readonly settings: SearchSettings;
  /** Milliseconds. */
  readonly now: number;
}

export interface PlanInput extends SearchInput {
  readonly method: string;
  readonly envelope: RequestEnvelope;
  readonly rules: Rules;
  /** Best first. */
  readonly targets: readonly Preferred<ReachableTarget>[];
  /** The number of the user's calls, ringing or in progress. */
  readonly calls: number;
  /** The caller states preferences (RFC 3841). A phone that registers later was not checked against them. */
  readonly hasCallerPreferences: boolean;
}

export interface SearchSettings {
  /** Milliseconds that a group of targets rings while another one waits. */
  readonly groupTime: number;
  readonly recurses: boolean;
}

const nobodyThere: Plan & { kind: "refuse" } = { kind: "refuse", status: 480, why: "no phone of this user is registered" };
const tooManyCalls = "this user has the maximum number of calls (maximum_calls)";

/** Plans the search for a target that answers: the user's rules, then RFC 3261 §16.5 and §16.6. */
export function determineTargetsOfSearch(input: PlanInput): Plan {
  const { envelope, rules, method, targets } = input;
  // Rules are for calls to the user. A call to a GRUU is for one certain phone, and ignores them.
  const areRulesAsked = method === "INVITE" && envelope.to.kind === "address" && envelope.to.instance === undefined;
  if (!areRulesAsked) return targets.length === 0 ? nobodyThere : searchAt(input, {});
  const { always, busy, noAnswer, notRegistered } = rules.forward;
  if (always !== undefined) return sentOn(input, always, "unconditional");
  if (rules.doNotDisturb || input.calls >= (rules.maximumCalls ?? Number.POSITIVE_INFINITY)) {
    const why = rules.doNotDisturb ? "this user does not accept calls now (do_not_disturb)" : tooManyCalls;
    return busy === undefined ? { kind: "refuse", status: 486, why } : sentOn(input, busy, "user-busy", 486);
  }
  // The user may have phones, though none matches the caller's preferences: so the rule for an absent user does not apply.
  if (targets.length === 0 && input.hasCallerPreferences) return { ...nobodyThere, why: "no phone matches the caller's preferences" };
  if (targets.length === 0) {
    return notRegistered === undefined ? nobodyThere : sentOn(input, notRegistered, "unavailable");
  }
  const onNoAnswer = noAnswer === undefined ? undefined : { to: noAnswer.to, at: input.now + noAnswer.after * 1000 };
  return searchAt(input, { onBusy: busy, onUnregistered: notRegistered, onNoAnswer });
}

/** A request for another domain has one target, which no rule changes. */
export function determineExternalTarget(
  input: SearchInput,
  { uri, trunk, keepsRequestUri, skipsCallOutCheck }: ExternalTarget,
): Plan & { kind: "search" } {
  const how = {
    ...(trunk === undefined ? {} : { trunk }),
    ...(keepsRequestUri ? { keepsRequestUri } : {}),
    ...(skipsCallOutCheck ? { skipsCallOutCheck } : {}),
  };
  return {
    kind: "search",
    first: [addressTarget(uri, { cause: "route", ...how })],
    search: { ...searchOf(input), isClosed: true },
  };
}

/** The router of the domain decides where the request goes, and no phone that registers later gets it. */
export function planQuestion(input: SearchInput, asks: RouterQuestion): Plan & { kind: "search" } {
  return { kind: "search", first: [], search: { ...searchOf(input), isClosed: true }, asks };
}

function sentOn(input: PlanInput, to: string, cause: "unconditional" | "user-busy" | "unavailable", status?: number): Plan {
  const target = addressTarget(to, status === undefined ? { cause } : { cause, status });
  return { kind: "search", first: [target], search: { ...searchOf(input), isClosed: true } };
}

function searchAt(input: PlanInput, more: Pick<Search, "onBusy" | "onUnregistered" | "onNoAnswer">): Plan {
  const { disposition, envelope } = input;
  const targets = disposition.fork ? input.targets : input.targets.slice(0, 1);
  const [first = [], ...waiting] = disposition.parallel
    ? groupsOf(targets).flatMap((group) => portions(group, breadthOf(envelope)))
    : targets.map(({ target }) => [target]);
  const search = { ...searchOf(input), ...more, waiting, isClosed: isClosedTo(input) };
  return { kind: "search", first, search: isPlain(search, first) ? undefined : search };
}

/** Whether phones that register later are not added: the request names one instance, or excludes forking. */
function isClosedTo({ envelope: { to }, disposition, hasCallerPreferences }: PlanInput): boolean {
  return !disposition.fork || !disposition.parallel || hasCallerPreferences || (to.kind === "address" && to.instance !== undefined);
}

function searchOf({ envelope, settings, disposition, now }: SearchInput): Search {
  return {
    waiting: [],
    groupTime: settings.groupTime,
    groupUntil: now + settings.groupTime,
    isClosed: false,
    cancelsNobody: !disposition.cancel,
    recurses: settings.recurses && disposition.recurse,
    caller: envelope.caller,
    forwardingTrail: envelope.forwardingTrail ?? [],
    breadth: breadthOf(envelope),
    forwards: envelope.forwards ?? maxForwards,
    identity: envelope.identity,
    ...(envelope.verification === undefined ? {} : { verification: envelope.verification }),
  };
}

/** RFC 5393 §5.3.3.1 recommends 60 if the request names none. */
function breadthOf({ breadth = 60 }: SentRequest): number {
  return Math.max(1, breadth);
}

/** A call that goes to some phones at once, as most do: its row needs no search state. */
function isPlain(search: Search, first: readonly ReachableTarget[]): boolean {
  const { waiting, onBusy, onUnregistered, onNoAnswer, isClosed, cancelsNobody, recurses, caller, forwardingTrail } = search;
  const hasRules = (onBusy ?? onUnregistered ?? onNoAnswer) !== undefined;
  const isDirect = caller === undefined && forwardingTrail.length === 0 && first.every((target) => target.retarget === undefined);
  return isDirect && !hasRules && waiting.length === 0 && !isClosed && !cancelsNobody && !recurses;
}
