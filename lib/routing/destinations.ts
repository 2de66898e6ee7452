import { canonicalNumber } from "../syntax/telephone-number.ts";
import { nameOfUser } from "../syntax/uri.ts";
import { numberReadings } from "./number-readings.ts";
import { type NumberFormat, numberFrom, numberTowards } from "./number-format.ts";
import type { Trunk } from "./trunk.ts";

/** The prefixes of numbers that a trunk may call, and its format of numbers. */
export type Destinations = Pick<Trunk, "format" | "allowed_destinations" | "forbidden_destinations">;

/**
 * Whether calls to a number may go to the trunk: the longest of its prefixes that fits decides, and a forbidden one wins over an equal
 * allowed one. If no prefix fits, all is allowed unless there are allowed prefixes.
 * @param user a user part, as it was dialled or as the trunk writes it
 */
export function mayCall(trunk: Destinations, user: string): boolean {
  const verdict = verdictOn(trunk, user);
  return verdict === "unlisted" ? trunk.allowed_destinations === undefined : verdict === "allowed";
}

/** Whether a forbidden prefix decides. */
export function isForbidden(trunk: Destinations, user: string): boolean {
  return verdictOn(trunk, user) === "forbidden";
}

type Verdict = "allowed" | "forbidden" | "unlisted";

/** A number without a plus may be one of the trunk's format. What is forbidden in any form, or as another server may read it, is forbidden. */
function verdictOn(
  { format, allowed_destinations: allowed = [], forbidden_destinations: forbidden = [] }: Destinations,
  user: string,
): Verdict {
  const canonical = canonicalNumber(user) ?? user;
  const number = nameOfUser(canonical) ?? canonical;
  const verdictOf = (form: string): Verdict => {
    const [yes, no] = [lengthOfPrefix(allowed, form), lengthOfPrefix(forbidden, form)];
    return yes === 0 && no === 0 ? "unlisted" : no >= yes ? "forbidden" : "allowed";
  };
  const formsOf = (one: string) => [one, numberFrom(format, one), asHeard(format, one)];
  if ([number, ...numberReadings(withParameters(canonical, user))].flatMap(formsOf).some((form) => verdictOf(form) === "forbidden"))
    return "forbidden";
  const verdicts = [number, numberFrom(format, number)].map(verdictOf);
  return verdicts.find((verdict) => verdict === "allowed") ?? "unlisted";
}

/** A number without separators, with the parameters that it is written with. */
function withParameters(canonical: string, user: string): string {
  const at = user.indexOf(";");
  return canonical === user || at < 0 ? canonical : `${canonical}${user.slice(at)}`;
}

/**
 * As the trunk's network may read what it is sent. In North America no national number begins with 1: without a prefix, `+1 1900…` is sent
 * as `1900…`, and read as `+1 900…`. Ten digits are a national number there, with or without a prefix.
 */
function asHeard(format: NumberFormat, number: string): string {
  const sent = numberTowards(format, number);
  const isAmerican = typeof format !== "string" && format.country_code === "1";
  if (isAmerican && /^[2-9]\d{9}$/.test(sent)) return `+1${sent}`;
  return isAmerican && format.prefix === "" && sent.startsWith("1") ? `+${sent}` : numberFrom(format, sent);
}

/** The length of the longest prefix that a number begins with; 0 if there is none. */
function lengthOfPrefix(prefixes: readonly string[], number: string): number {
  return Math.max(0, ...prefixes.filter((prefix) => number.startsWith(prefix)).map(({ length }) => length));
}
