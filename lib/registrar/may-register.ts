import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import type { Request } from "../syntax/message.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";

/** The authenticated user, and the host by which the phone reached us. */
export interface Registrant {
  readonly user: string;
  readonly domain: string;
  readonly host: string;
}

/** RFC 3261 §10.3 steps 1, 4 and 5: whether the REGISTER is for this registrar, and for the sender's own address of record. */
export function mayRegister({ requestUri }: Request, { to }: MandatoryHeaders, { user, domain, host }: Registrant): Fault | undefined {
  const registrar = parseUri(requestUri);
  if (isFault(registrar)) return registrar;
  if (registrar.kind !== "sip") return fault(416, "REGISTER needs a SIP URI");
  const named = registrar.host.toLowerCase();
  if (named !== domain && named !== host.replace(/:\d+$/, "").toLowerCase())
    return fault(403, "registrations are not relayed to other domains");
  const whose = parseUri(to.uri);
  if (isFault(whose)) return whose;
  const isOwn =
    whose.kind === "sip" && whose.host.toLowerCase() === domain && whose.user !== undefined && canonicalUser(whose.user) === user;
  return isOwn ? undefined : fault(403, "users can register only their own address of record");
}
