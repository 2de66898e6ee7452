import type { DialogIds } from "../../lib/proxy/call-name.ts";
import { readCallDetails } from "../../lib/presence/call-details.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { routeSetOf } from "../../lib/proxy/route-token.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseFromTo } from "../../lib/syntax/from-to.ts";
import { type Message, type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import type { DialogEnd } from "../../lib/transport/envelope.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";

/** An answered call. */
export interface AnsweredCall extends DialogIds {
  readonly details: CallDetails | undefined;
}

/** Characters of the Routes of a call. */
const maxRoutes = 160;

/** From a 2xx to a call that our user has placed. */
export function placedCall(keyring: Keyring, response: Response): AnsweredCall {
  return answeredCall(response, response, true, routeSetOf(keyring, response, true, maxRoutes));
}

/** From a 2xx of our user's phone. @param invite has the other side's Contact */
export function takenCall(keyring: Keyring, response: Response, invite: Request, { home, phone }: DialogEnd): AnsweredCall {
  const { routes } = routeSetOf(keyring, response, false, maxRoutes);
  return answeredCall(response, invite, false, { far: { home, phone }, ...(routes === undefined ? {} : { routes }) });
}

function answeredCall(response: Response, contactIn: Message, isCaller: boolean, way: Partial<CallDetails>): AnsweredCall {
  const known = readCallDetails(response, contactIn, isCaller);
  return { ...dialogIdsOf(response), details: known === undefined ? undefined : { ...known, ...way } };
}

/** Of the dialog that a 2xx creates. */
export function dialogIdsOf(response: Response): DialogIds {
  const callId = headerValue(response, "call-id") ?? "";
  const tag = (name: "from" | "to") => {
    const party = parseFromTo(headerValue(response, name) ?? "");
    return isFault(party) ? undefined : party.tag;
  };
  return { callId, fromTag: tag("from"), toTag: tag("to") };
}
