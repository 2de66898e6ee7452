import { calledMark } from "../../lib/proxy/route-token.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { isHopName, readHopName } from "../../lib/routing/hop-name.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import { chooseRoute } from "../../lib/routing/route.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import { isPlainNumber, numberAtTheBeginning, referredTo, refuseDestinationWithin, targetsWithin } from "../shared/trunk-destinations.ts";
import { decideTarget, readingsAt } from "../shared/target-selection.ts";
import type { Room } from "./room.ts";

type Surroundings = Pick<Room, "directory" | "home" | "keyring">;
type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/**
 * Refuses a request within a call over a trunk that asks the other server to call a number which a route of the domain or the trunk refuses. What that
 * server does with an unknown To tag is not known here, so the call has to be one that could be placed. The number that was called is not
 * asked about again. While the directory is away calls go on.
 */
export async function refuseNumberWithin(room: Surroundings, request: Request, way: WithinDialog): Promise<Fault | undefined> {
  const named = isHopName(way.receiver.home) ? urisAskedFor(request, way) : [];
  if (isFault(named)) return named;
  try {
    for (const uri of named) {
      const number = numberAtTheBeginning(uri);
      // Only the connection to the server knows whether its Contact is meant, which may have digits in its name.
      const readings = request.method === "REFER" ? await readingsOf(room, uri) : [];
      if (number === undefined && readings.length === 0 && request.method !== "REFER") continue;
      const refusal = await refusalOf(room, request, { number, readings, isPlain: isPlainNumber(uri) }, way);
      if (refusal !== undefined) return refusal;
    }
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
  }
  return undefined;
}

/** Besides REFER. */
const isNew = ["INVITE", "MESSAGE"];

/** What may have a number, as the trunk writes it: the targets of the caller's INVITE or MESSAGE, or whom a REFER names. */
function urisAskedFor(request: Request, { isFromCaller, alterations }: WithinDialog): readonly string[] | Fault {
  const referred = request.method === "REFER" ? referredTo(request) : undefined;
  if (referred !== undefined) return isFault(referred) ? referred : [referred];
  if (!isNew.includes(request.method) || !isFromCaller) return [];
  const { requestUri = request.requestUri, popRoutes = 0 } = alterations;
  return targetsWithin(request, requestUri, popRoutes);
}

/** Why the user could call none of these; undefined if one of them. The router of a domain is asked about calls only. */
async function refusalOfCall(room: Surroundings, forms: readonly string[], domain: string): Promise<Fault | undefined> {
  if (room.directory.routerOf(domain) !== undefined) return undefined;
  let refusal: Fault | undefined;
  for (const user of forms) {
    const address = { user, domain, instance: undefined, registration: undefined };
    const caller = `${room.home.user}@${room.home.domain}`;
    const target = await decideTarget(room, { method: "INVITE", requestUri: `sip:${user}@${domain}`, address, caller, callId: undefined });
    // A user without a phone is one whom the user could call.
    if (!isFault(target) || target.status === 480) return undefined;
    refusal ??= target;
  }
  return refusal;
}

/** What another server may read in a URI that it is asked to call. */
interface NumbersOf {
  readonly number: string | undefined;
  readonly readings: readonly string[];
  /** There is nothing else. */
  readonly isPlain: boolean;
}

async function readingsOf({ directory }: Surroundings, written: string): Promise<readonly string[]> {
  const uri = parseUri(written);
  if (isFault(uri) || uri.kind !== "sip") return [];
  return readingsAt({ directory }, { user: canonicalUser(uri.user ?? ""), domain: uri.host.toLowerCase() });
}

async function refusalOf(
  room: Surroundings,
  request: Request,
  { number, readings, isPlain }: NumbersOf,
  { receiver, called }: WithinDialog,
): Promise<Fault | undefined> {
  const { directory, home } = room;
  const { trunk: owner } = readHopName(receiver.home);
  const [name, domain] = [owner.slice(0, owner.lastIndexOf("@")), owner.slice(owner.lastIndexOf("@") + 1)];
  if (owner === "") return undefined;
  const routes = await directory.routes(domain);
  const trunk = (await directory.trunks(domain)).find((one) => one.name === name);
  const hasRejects = routes.some(({ action }) => action.kind === "reject");
  const formsOf = (one: string) => [...new Set([numberFrom(trunk?.format ?? "e164", one), one])];
  const forms = number === undefined ? [] : formsOf(number);
  // Whom a REFER names is asked about in any case.
  if (request.method !== "REFER" && isPlain && forms.some((user) => calledMark(user) === called)) return undefined;
  for (const user of [...forms, ...readings.flatMap(formsOf)]) {
    const { outcome } = chooseRoute(routes, { method: "INVITE", user, domain, caller: `${home.user}@${home.domain}` });
    if (outcome?.kind === "reject") return fault(outcome.status, toOctets(outcome.reason ?? "refused by a route of the domain"));
  }
  const nowhere = request.method === "REFER" && forms.length > 0 ? await refusalOfCall(room, forms, domain) : undefined;
  if (nowhere !== undefined) return nowhere;
  return trunk === undefined ? undefined : refuseDestinationWithin(directory, trunk, request, [...forms, ...readings], hasRejects);
}
