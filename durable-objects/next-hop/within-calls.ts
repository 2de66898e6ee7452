import { isLikeTarget } from "../../lib/proxy/bye.ts";
import { isForbidden, mayCall } from "../../lib/routing/destinations.ts";
import { isHomeOfUser } from "../../lib/routing/hop-name.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import { isPlainNumber, notAllowed, numberAtTheBeginning, numbersIn, referredTo, targetsWithin } from "../shared/trunk-destinations.ts";
import type { KnownDialog } from "./known-call.ts";

/** Requests that may cost something. */
export const chargeable: readonly string[] = ["INVITE", "MESSAGE", "REFER"];

/** RFC 3261 §12.2.2: another server may take it for the beginning of a new call, and look at its Request-URI only. */
export const noSuchCall = fault(481, "there is no such call over this trunk");

/** With another status than 481, which ends the dialog at the phone. */
const notKnown = fault(403, "nothing is known of this call any more, and the token of its user has limits");

/**
 * Refuses a request within a call that could begin something new at the other server of a trunk: it has to be of a dialog that is known
 * there, and name no other number than that of the other end. If the memory of the calls is lost, a user may do within a call what
 * they may do in a new one, and others name no number.
 */
export function refuseOverTrunk(trunk: Trunk, envelope: RequestEnvelope, request: Request, dialog: KnownDialog): Fault | undefined {
  if (dialog.kind === "none") return noSuchCall;
  if (dialog.kind === "unknown" && envelope.within?.isLimited === true) return notKnown;
  const isOutside = !isHomeOfUser(envelope.answerTo.home, trunk.domain);
  if (request.method === "REFER") return isOutside ? refuseReferral(trunk, request) : undefined;
  const targets = targetsWithin(request, request.requestUri, 0);
  const isRefused = (uri: string) => {
    const [number, numbers] = [numberAt(trunk, uri), numbersIn(uri)];
    const isDialled = isPlainNumber(uri) && dialog.kind === "known" && number === dialog.dialled;
    if (numbers.length === 0 || isDialled) return false;
    if (dialog.kind === "known") return !isLikeTarget(uri, dialog.targets);
    if (number === undefined) return false;
    // The Contact of a server that has called us may have any number.
    if (isOutside || numbers.some((one) => isForbidden(trunk, one))) return true;
    return envelope.within?.isFromCaller !== false && !mayCall(trunk, number);
  };
  return targets.some(isRefused) ? notAllowed(trunk) : undefined;
}

/** The number in a URI at a trunk, in its international form. */
export function numberAt({ format }: Pick<Trunk, "format">, uri: string): string | undefined {
  const number = numberAtTheBeginning(uri);
  return number === undefined ? undefined : numberFrom(format, number);
}

/** Who is no user of the trunk's domain may not have it call others. */
function refuseReferral(trunk: Trunk, refer: Request): Fault | undefined {
  const to = referredTo(refer);
  if (isFault(to)) return to;
  return numberAtTheBeginning(to) === undefined ? undefined : notAllowed(trunk);
}
