import { isFault } from "../syntax/fault.ts";
import { canonicalUser, nameOfUser, parseUri } from "../syntax/uri.ts";
import { compileExtended } from "./regular-expression.ts";

/** A rule for requests of a domain's users, and for incoming calls, applied before the user is looked up. */
export interface Route {
  readonly domain: string;
  readonly name: string;
  /** The smallest is tried first; of equal ones the first by name. */
  readonly order: number;
  readonly match: RouteMatch;
  readonly action: RouteAction;
}

/** All present members must match. Users are compared by their names, without escapes. */
export interface RouteMatch {
  /** If absent: INVITE, MESSAGE, OPTIONS and REFER. */
  readonly methods?: readonly string[];
  /** The domain of the Request-URI; if absent the route's own. */
  readonly domain?: string;
  readonly user?: Pattern;
  /** `user@domain` of the caller. */
  readonly caller?: Pattern;
}

/** A prefix of a text, or a POSIX extended regular expression for it. The text after the prefix, or in parentheses, is captured. */
export type Pattern = { readonly prefix: string } | { readonly pattern: string };

/** The action; `\1` to `\9` in a user or URI stand for the captures of the user's pattern. */
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
  /** The Request-URI keeps its domain instead of the trunk server's: the server itself serves the domain. */
  readonly keeps_domain?: boolean | undefined;
}

/** An action with the captures filled in. */
export type Outcome =
  | { readonly kind: "local"; readonly user: string }
  | { readonly kind: "trunk"; readonly trunk: string; readonly user: string; readonly keepsDomain: boolean }
  | { readonly kind: "retarget"; readonly uri: string }
  | { readonly kind: "redirect"; readonly status: 301 | 302 | 305; readonly uri: string }
  | { readonly kind: "reject"; readonly status: number; readonly reason: string | undefined };

/** The request's values that routes match. */
export interface RouteQuestion {
  readonly method: string;
  /** Canonical user part and lower-case domain of the Request-URI. */
  readonly user: string;
  readonly domain: string;
  /** `user@domain`. */
  readonly caller: string;
  /** Numbers that another server may read in the user part: what refuses one of them refuses the request. */
  readonly readings?: readonly string[];
}

export interface Routing {
  readonly outcome: Outcome | undefined;
  /** The routes that were tried, in order, and why each did or did not match. */
  readonly trace: readonly { readonly route: string; readonly why: string }[];
}

const usualMethods = ["INVITE", "MESSAGE", "OPTIONS", "REFER"];
/** Characters of a text, by how many repetitions an expression has at most: it could be slow on a longer text. */
const maxMatched = [1024, 1024, 512, 128];
const leastMatched = 64;

/** The first route that matches a request. */
export function chooseRoute(routes: readonly Route[], question: RouteQuestion): Routing {
  const { readings = [], ...plain } = question;
  if (readings.length > 0) {
    const named = chooseRoute(routes, plain);
    // Who is a user here is no number elsewhere.
    if (named.outcome?.kind === "local") return named;
  }
  const trace: { route: string; why: string }[] = [];
  for (const route of [...routes].sort(byOrder)) {
    const unread = unreadOf(route, question);
    if (unread !== undefined)
      return { outcome: unread, trace: [...trace, { route: route.name, why: "the text is too long for its pattern" }] };
    const fit = fitOf(route, question);
    const isRefused = typeof fit === "string" && route.action.kind === "reject" && isOfReading(route, question);
    if (isRefused) return { outcome: carryOut(route.action, question.user, []), trace: [...trace, { route: route.name, why: byReading }] };
    if (typeof fit === "string") {
      trace.push({ route: route.name, why: fit });
      continue;
    }
    const outcome = carryOut(route.action, question.user, fit);
    trace.push({ route: route.name, why: outcome === undefined ? "it matches, but its result is not a URI" : "it matches" });
    if (outcome !== undefined) return { outcome, trace };
  }
  return { outcome: undefined, trace };
}

const byReading = "it matches a number that another server may read in the name";

function isOfReading(route: Route, { readings = [], ...question }: RouteQuestion): boolean {
  return readings.some((user) => typeof fitOf(route, { ...question, user }) !== "string");
}

/** Whether a route is for users of its domain by their names, and for this one. One for all names is for none in particular. */
export function isForUser({ domain, match }: Route, user: string): boolean {
  const { domain: wanted = domain, user: pattern } = match;
  if (wanted !== domain || pattern === undefined || ("prefix" in pattern && pattern.prefix === "")) return false;
  const name = nameOfUser(user) ?? user;
  return !isReadable(pattern, name) || capture(pattern, name) !== undefined;
}

/** Whether a pattern is valid. */
export function isPattern(pattern: Pattern): boolean {
  return "prefix" in pattern || compileExtended(pattern.pattern, false) !== undefined;
}

function byOrder(one: Route, other: Route): number {
  return one.order - other.order || (one.name < other.name ? -1 : 1);
}

/** A refusal if a pattern cannot be tried because the text is too long: such a request may not slip by the route. */
function unreadOf({ domain, match }: Route, question: RouteQuestion): Outcome | undefined {
  if (elsewhere(domain, match, question) !== undefined) return undefined;
  const { user, caller } = namesIn(question);
  if (isRefuted(match.user, user) || isRefuted(match.caller, caller)) return undefined;
  if (!isReadable(match.user, user)) return { kind: "reject", status: 484, reason: "The called number is too long" };
  return isReadable(match.caller, caller) ? undefined : { kind: "reject", status: 403, reason: "The name of the caller is too long" };
}

function isRefuted(pattern: Pattern | undefined, text: string): boolean {
  return pattern !== undefined && isReadable(pattern, text) && capture(pattern, text) === undefined;
}

function isReadable(pattern: Pattern | undefined, text: string): boolean {
  if (pattern === undefined || "prefix" in pattern) return true;
  const repetitions = pattern.pattern.replace(/[^*+?{]/g, "").length;
  return text.length <= (maxMatched[repetitions] ?? leastMatched);
}

/** Users are compared by their names. */
function namesIn({ user, caller }: RouteQuestion): { readonly user: string; readonly caller: string } {
  return { user: nameOfUser(user) ?? user, caller: nameOfUser(caller) ?? caller };
}

/** Why a route is not for such a request, whatever its user and caller. */
function elsewhere(domain: string, { methods = usualMethods, domain: wanted = domain }: RouteMatch, question: RouteQuestion) {
  if (!methods.includes(question.method)) return `the method is ${question.method}`;
  return question.domain === wanted ? undefined : `the domain is ${question.domain}`;
}

/** The captures, or why the route does not match. */
function fitOf({ domain, match }: Route, question: RouteQuestion): readonly string[] | string {
  const other = elsewhere(domain, match, question);
  if (other !== undefined) return other;
  const { user, caller } = namesIn(question);
  if (match.caller !== undefined && capture(match.caller, caller) === undefined) return `the caller is ${caller}`;
  const captured = match.user === undefined ? [] : capture(match.user, user);
  return captured ?? `the user is ${user}`;
}

function capture(pattern: Pattern, text: string): readonly string[] | undefined {
  if ("prefix" in pattern) return text.startsWith(pattern.prefix) ? [text.slice(pattern.prefix.length)] : undefined;
  const found = compileExtended(pattern.pattern, false)?.exec(text);
  return found === null || found === undefined ? undefined : found.slice(1).map((part: string | undefined) => part ?? "");
}

function carryOut(action: RouteAction, user: string, captured: readonly string[]): Outcome | undefined {
  const filled = (template: string, parts: readonly string[]) =>
    template.replace(/\\([1-9])/g, (_whole, digit: string) => parts[Number(digit) - 1] ?? "");
  const fill = (template: string) => filled(template, captured);
  // A name may have characters that a URI must escape.
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
