import { dialledMark } from "../../lib/proxy/route-token.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { isHopName, readHopName } from "../../lib/routing/hop-name.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import { chooseRoute } from "../../lib/routing/route.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import { canonicalNumber } from "../../lib/syntax/telephone-number.ts";
import { canonicalUser, dialledNumber, parseUri } from "../../lib/syntax/uri.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import type { Room } from "./room.ts";

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/**
 * Refuses a request within a call over a trunk that asks the other server to call a number which a route of the domain refuses. What that
 * server does with an unknown To tag is not known here, so the call has to be one that could be placed. The number that was dialled is not
 * asked about again. While the directory is away calls go on.
 */
export async function refuseNumberWithin(
  room: Pick<Room, "directory" | "home">,
  request: Request,
  way: WithinDialog,
): Promise<Fault | undefined> {
  const number = isHopName(way.receiver.home) ? numberAskedFor(request, way) : undefined;
  if (number === undefined) return undefined;
  try {
    return await refusalOf(room, number, way);
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return undefined;
  }
}

/** As the trunk writes it: the Request-URI of the caller's INVITE, or whom a REFER names. */
function numberAskedFor(request: Request, { isFromCaller, alterations }: WithinDialog): string | undefined {
  // A strict router has put the target elsewhere.
  if (request.method === "INVITE") return isFromCaller ? numberIn(alterations.requestUri ?? request.requestUri) : undefined;
  if (request.method !== "REFER") return undefined;
  const target = parseNameAddress(headerValue(request, "refer-to") ?? "");
  return isFault(target) ? undefined : numberIn(target.uri);
}

function numberIn(written: string): string | undefined {
  const uri = parseUri(written);
  if (isFault(uri) || uri.kind === "other") return undefined;
  return uri.kind === "tel" ? dialledNumber(uri) : canonicalNumber(canonicalUser(uri.user ?? ""));
}

async function refusalOf(
  { directory, home }: Pick<Room, "directory" | "home">,
  written: string,
  { receiver, dialled }: WithinDialog,
): Promise<Fault | undefined> {
  const { trunk } = readHopName(receiver.home);
  const [name, domain] = [trunk.slice(0, trunk.lastIndexOf("@")), trunk.slice(trunk.lastIndexOf("@") + 1)];
  const routes = trunk === "" ? [] : await directory.routes(domain);
  if (routes.length === 0) return undefined;
  const { format = "e164" } = (await directory.trunks(domain)).find((one) => one.name === name) ?? {};
  const forms = [...new Set([numberFrom(format, written), written])];
  if (forms.some((user) => dialledMark(`sip:${user}@${domain}`) === dialled)) return undefined;
  for (const user of forms) {
    const { outcome } = chooseRoute(routes, { method: "INVITE", user, domain, caller: `${home.user}@${home.domain}` });
    if (outcome?.kind === "reject") return fault(outcome.status, toOctets(outcome.reason ?? "refused by a route of the domain"));
  }
  return undefined;
}
