import type { Contact } from "../syntax/contact.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { type PushDevice, type PushProvider, readPush } from "./push-device.ts";

/** A push notification service that a domain uses, as phones may know it. */
export interface OfferedService {
  readonly provider: PushProvider;
  /** The public key that subscriptions of Web Push are bound to (RFC 8292 §3.2). */
  readonly vapidKey?: string;
}

/** How a Contact is registered. */
export interface PushRegistration {
  readonly contact: Contact;
  /** The device that push notifications wake; undefined without one. */
  readonly device: PushDevice | undefined;
  /** Feature-Caps lines for the answer (RFC 8599 §5.4). */
  readonly featureCaps: string;
}

/** Seconds before its end that a registration is to be refreshed by a phone that does so itself (RFC 8599 §5.6.1.1). */
const refreshBefore = 121;

/**
 * What a Contact asks of push notifications, and what the domain offers (RFC 8599 §5.6.1). A phone that names a service which the domain
 * does not use is registered without it; a question about such a service is refused with 555.
 * @param offered undefined if that is not known now
 */
export function registerForPush(contact: Contact, offered: readonly OfferedService[] | undefined): PushRegistration | Fault {
  const request = readPush(contact);
  if (request === undefined) return { contact, device: undefined, featureCaps: "" };
  const { asked, namesDevice, device } = request;
  const told = (offered ?? []).filter(({ provider }) => asked === "" || provider === asked);
  const isKnown = offered !== undefined;
  if (isKnown && told.length === 0 && !namesDevice) return fault(555, "this domain does not use the push notification service");
  if (device === undefined || (isKnown && told.length === 0)) return { contact, device: undefined, featureCaps: linesOf(told, false) };
  if (isFault(device)) return device;
  return { contact: request.contact, device, featureCaps: linesOf(told, device.refreshesItself === true) };
}

/** One line for each service. */
function linesOf(services: readonly OfferedService[], refreshesItself: boolean): string {
  const refresh = refreshesItself ? `;+sip.pnsreg="${refreshBefore}"` : "";
  return services.map((service) => `Feature-Caps: *;+sip.pns="${service.provider}"${vapid(service)}${refresh}\r\n`).join("");
}

function vapid({ vapidKey }: OfferedService): string {
  return vapidKey === undefined ? "" : `;+sip.vapid="${vapidKey}"`;
}
