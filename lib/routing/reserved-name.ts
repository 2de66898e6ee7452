import { canonicalNumber, isBrokenNumber } from "../syntax/telephone-number.ts";
import { canonicalUser } from "../syntax/uri.ts";
import { type Route, isForUser } from "./route.ts";
import { type Trunk, chooseTrunk } from "./trunk.ts";

/**
 * Whether a user who has this name would get calls that are meant for another: it is a telephone number, or a trunk, or a route of the domain,
 * has it. Trunks and routes for all names (the prefix "") reserve none.
 * @param user canonical
 */
export function isReservedName(user: string, routes: readonly Route[], trunks: readonly Trunk[]): boolean {
  if (canonicalNumber(user) !== undefined || isBrokenNumber(user)) return true;
  const named = trunks.map((trunk) => ({ ...trunk, prefixes: trunk.prefixes.filter((prefix) => prefix !== "") }));
  if (chooseTrunk(named, user) !== undefined) return true;
  return routes.some((route) => isForUser(route, user) || (route.action.kind === "local" && canonicalUser(route.action.user) === user));
}
