import { isFault } from "../syntax/fault.ts";
import { canonicalUser, nameOfUser, parseUri } from "../syntax/uri.ts";
import { compileExtended } from "./regular-expression.ts";

/** Where requests of a domain's users, and calls that come in, go before anybody is looked up. */
export interface Route {
  readonly domain: string;
  readonly name: string;
  /** The smallest is asked first; of equal ones the first by name. */
  readonly order: number;
  readonly match: RouteMatch;
  readonly action: RouteAction;
}

/** All members that are present must fit. Users are compared by their names, without escapes. */
export interface RouteMatch {
  /** If absent: those that mean somebody (calls and messages), and not what keeps a server busy with itself. */
  readonly methods?: readonly string[];
  /** Of the Request-URI; if absent the route's own. */
  readonly domain?: string;
  readonly user?: Pattern;
  /** `user@domain` of the caller. */
  readonly caller?: Pattern;
}

/** How a text begins, or a POSIX extended regular expression for it. What follows the prefix, or stands in parentheses, is captured. */
export type Pattern = { readonly prefix: string } | { readonly pattern: string };

/** What is to be done; `\1` to `\9` in a user or URI stand for what the user's pattern has captured. */
export type RouteAction =
  | { readonly kind: "local"; readonly user: string }
  | TrunkAction
  | { readonly kind: "retarget"; readonly uri: string }
  | { readonly kind: "redirect"; readonly status: 301 | 302 | 305; readonly uri: string }
  | { readonly kind: "reject"; readonly status: number; readonly reason?: string | undefined };

interface TrunkAction {
  readonly kind: "trunk";
  readonly trunk: string;
  readonly user?: string | undefined;
  /** The Request-URI keeps its domain, and does not name the trunk's server: that serves the domain itself. */
  readonly keeps_domain?: boolean | undefined;
}

/** An action with the captures put in. */
export type Outcome =
  | { readonly kind: "local"; readonly user: string }
  | { readonly kind: "trunk"; readonly trunk: string; readonly user: string; readonly keepsDomain: boolean }
  | { readonly kind: "retarget"; readonly uri: string }
  | { readonly kind: "redirect"; readonly status: 301 | 302 | 305; readonly uri: string }
  | { readonly kind: "reject"; readonly status: number; readonly reason: string | undefined };

/** What a request is about. */
export interface RouteQuestion {
  readonly method: string;
  /** Canonical user part and lower-case domain of the Request-URI. */
  readonly user: string;
  readonly domain: string;
  /** `user@domain`. */
  readonly caller: string;
}

export interface Routing {
  readonly outcome: Outcome | undefined;
  /** The routes that were asked, in their order, and why each was or was not taken. */
  readonly trace: readonly { readonly route: string; readonly why: string }[];
}

const usualMethods = ["INVITE", "MESSAGE", "OPTIONS", "REFER"];
/** Characters: on longer texts an expression could take its time. */
const maxMatched = 64;

/** The first route that fits a request. */
export function chooseRoute(routes: readonly Route[], question: RouteQuestion): Routing {
  const trace: { route: string; why: string }[] = [];
  for (const route of [...routes].sort(byOrder)) {
    const fit = fitOf(route, question);
    if (typeof fit === "string") {
      trace.push({ route: route.name, why: fit });
      continue;
    }
    const outcome = carryOut(route.action, question.user, fit);
    trace.push({ route: route.name, why: outcome === undefined ? "it fits, but what it makes is no URI" : "it fits" });
    if (outcome !== undefined) return { outcome, trace };
  }
  return { outcome: undefined, trace };
}

/** Whether a pattern can be used at all. */
export function isPattern(pattern: Pattern): boolean {
  return "prefix" in pattern || compileExtended(pattern.pattern, false) !== undefined;
}

function byOrder(one: Route, other: Route): number {
  return one.order - other.order || (one.name < other.name ? -1 : 1);
}

/** What was captured, or why the route does not fit. */
function fitOf({ domain, match }: Route, question: RouteQuestion): readonly string[] | string {
  const { methods = usualMethods, domain: wanted = domain } = match;
  if (!methods.includes(question.method)) return `the method is ${question.method}`;
  if (question.domain !== wanted) return `the domain is ${question.domain}`;
  const [user, caller] = [nameOfUser(question.user) ?? question.user, nameOfUser(question.caller) ?? question.caller];
  if (match.caller !== undefined && capture(match.caller, caller) === undefined) return `the caller is ${caller}`;
  const captured = match.user === undefined ? [] : capture(match.user, user);
  return captured ?? `the user is ${user}`;
}

function capture(pattern: Pattern, text: string): readonly string[] | undefined {
  if ("prefix" in pattern) return text.startsWith(pattern.prefix) ? [text.slice(pattern.prefix.length)] : undefined;
  const found = text.length > maxMatched ? null : compileExtended(pattern.pattern, false)?.exec(text);
  return found === null || found === undefined ? undefined : found.slice(1).map((part: string | undefined) => part ?? "");
}

function carryOut(action: RouteAction, user: string, captured: readonly string[]): Outcome | undefined {
  const filled = (template: string, parts: readonly string[]) =>
    template.replace(/\\([1-9])/g, (_whole, digit: string) => parts[Number(digit) - 1] ?? "");
  const fill = (template: string) => filled(template, captured);
  // A name may have characters that are escaped where it stands in a URI.
  const fillUri = (template: string) => filled(template, captured.map(canonicalUser));
  switch (action.kind) {
    case "local":
      return usable({ kind: "local", user: canonicalUser(fill(action.user)) });
    case "trunk":
      return usable({
        kind: "trunk",
        trunk: action.trunk,
        user: action.user === undefined ? user : canonicalUser(fill(action.user)),
        keepsDomain: action.keeps_domain === true,
      });
    case "retarget":
      return usable({ kind: "retarget", uri: fillUri(action.uri) });
    case "redirect":
      return usable({ kind: "redirect", status: action.status, uri: fillUri(action.uri) });
    case "reject":
      return { kind: "reject", status: action.status, reason: action.reason };
  }
}

function usable(outcome: Exclude<Outcome, { kind: "reject" }>): Outcome | undefined {
  const uri = parseUri("uri" in outcome ? outcome.uri : `sip:${outcome.user}@offhook.invalid`);
  return isFault(uri) || uri.kind === "other" || (uri.kind === "sip" && uri.user === undefined) ? undefined : outcome;
}
