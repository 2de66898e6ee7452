import { type Fault, fault } from "../syntax/fault.ts";
import type { PushProvider, PushRequest } from "./push-device.ts";

/** A push notification service that a domain uses, as phones may know it. */
export interface OfferedService {
  readonly provider: PushProvider;
  /** The public key that subscriptions of Web Push are bound to (RFC 8292 §3.2). */
  readonly vapidKey?: string;
}

/** Seconds before its end that a registration is to be refreshed by a phone that does so itself (RFC 8599 §5.6.1.1). */
const refreshBefore = 121;

/**
 * The Feature-Caps lines for a REGISTER that asks for push notifications, or about them (RFC 8599 §5.4, §5.6.1): one line for each service.
 * @param offered undefined if that is not known now
 * @returns 555 if none of the asked services is used here
 */
export function featureCaps(
  { asked, device }: Pick<PushRequest, "asked" | "device">,
  offered: readonly OfferedService[] | undefined,
): string | Fault {
  if (asked === undefined || offered === undefined) return "";
  const told = asked === "" ? offered : offered.filter(({ provider }) => provider === asked.toLowerCase());
  if (told.length === 0) return fault(555, "this domain does not use the push notification service");
  return told.map((service) => line(service, device?.refreshesItself === true)).join("");
}

function line({ provider, vapidKey }: OfferedService, refreshesItself: boolean): string {
  const vapid = vapidKey === undefined ? "" : `;+sip.vapid="${vapidKey}"`;
  const refresh = refreshesItself ? `;+sip.pnsreg="${refreshBefore}"` : "";
  return `Feature-Caps: *;+sip.pns="${provider}"${vapid}${refresh}\r\n`;
}
