import type { Contact } from "../syntax/contact.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { type Parameters, parameter, unquote } from "../syntax/parameters.ts";
import { parseUri, serialiseUri, unescape } from "../syntax/uri.ts";

/** The push notification services (RFC 8599 §10, §11, §12). */
export const pushProviders = ["webpush", "fcm", "apns"] as const;

export type PushProvider = (typeof pushProviders)[number];

/** Where a push notification for one device goes (RFC 8599 §8.7). */
export interface PushDevice {
  readonly provider: PushProvider;
  /** pn-prid: a URL (`webpush`), a registration token (`fcm`), a device token (`apns`). */
  readonly prid: string;
  /** pn-param: the project (`fcm`), team and topic (`apns`). */
  readonly param?: string;
  /** The keys of a Web Push subscription, base64url (RFC 8291 §2.1). Without them its notifications are empty. */
  readonly p256dh?: string;
  readonly auth?: string;
  /** It refreshes its registration by itself (RFC 8599 §8.5). */
  readonly refreshesItself?: true;
}

/** What a Contact of a REGISTER asks of push notifications. */
export interface PushRequest {
  /** The value of pn-provider in lower case: "" asks about all services. */
  readonly asked: string;
  /** It names a device, which push notifications are to wake. */
  readonly namesDevice: boolean;
  /** The device; a fault if its parameters are malformed. Undefined for a service that is not known here. */
  readonly device: PushDevice | Fault | undefined;
  /** The Contact without the parameters for push notifications: no other user may see them (RFC 8599 §13). */
  readonly contact: Contact;
}

/** The parameters of RFC 8599 §8.7, and two of our own for the keys of a Web Push subscription. */
const names = ["pn-provider", "pn-prid", "pn-param", "pn-purr", "x-pn-p256dh", "x-pn-auth"];

/** Characters of a pn-prid. */
const maxPrid = 1200;

/** What each service's pn-prid and pn-param look like (RFC 8599 §10 to §12). */
const forms: Readonly<Record<PushProvider, { readonly prid: RegExp; readonly param: RegExp }>> = {
  webpush: { prid: /^https?:\/\/(?:[\w-]+(?:\.[\w-]+)*|\[[\d.:a-fA-F]+\])(?::\d{1,5})?(?:[/?][\x21-\x7e]*)?$/, param: /^$/ },
  fcm: { prid: /^[\w:.-]+$/, param: /^[\w.-]{1,128}$/ },
  apns: { prid: /^[0-9a-fA-F]{8,400}$/, param: /^\w{1,32}\.[\w.-]{1,200}$/ },
};

/**
 * Reads the parameters for push notifications: in the URI of a Contact (RFC 8599 §4.1.1), or after it, where phones in browsers can put
 * them into the REGISTER and into no other request. Undefined without pn-provider.
 */
export function readPush(contact: Contact): PushRequest | undefined {
  const uri = parseUri(contact.uri);
  if (isFault(uri) || uri.kind !== "sip") return undefined;
  const inUri = uri.parameters.filter(([name]) => isOfPush(name));
  const after = contact.parameters.filter(([name]) => isOfPush(name));
  const value = (name: string) => valueIn(inUri, name) ?? valueIn(after, name);
  const asked = value("pn-provider")?.toLowerCase();
  if (asked === undefined) return undefined;
  const stripped: Contact = {
    ...contact,
    uri: inUri.length === 0 ? contact.uri : serialiseUri({ ...uri, parameters: uri.parameters.filter(([name]) => !isOfPush(name)) }),
    parameters: contact.parameters.filter(([name]) => !isOfPush(name)),
  };
  const provider = pushProviders.find((one) => one === asked);
  const prid = value("pn-prid") ?? "";
  const device = provider === undefined || prid === "" ? undefined : deviceOf(provider, prid, value);
  return { asked, namesDevice: prid !== "", device: withRefresh(device, stripped), contact: stripped };
}

function deviceOf(provider: PushProvider, prid: string, value: (name: string) => string | undefined): PushDevice | Fault {
  const form = forms[provider];
  const param = value("pn-param") ?? "";
  if (prid.length > maxPrid || !form.prid.test(prid)) return fault(400, `pn-prid is not one of ${provider}`);
  if (!form.param.test(param)) return fault(400, `pn-param is not one of ${provider}`);
  const keys = readKeys(value("x-pn-p256dh"), value("x-pn-auth"));
  return isFault(keys) ? keys : { provider, prid, ...(param === "" ? {} : { param }), ...keys };
}

/** RFC 8599 §8.5: `+sip.pnsreg`. */
function withRefresh(device: PushDevice | Fault | undefined, { parameters }: Contact): PushDevice | Fault | undefined {
  if (device === undefined || isFault(device)) return device;
  return parameters.some(([name]) => name.toLowerCase() === "+sip.pnsreg") ? { ...device, refreshesItself: true } : device;
}

/** Whether a message says something about push notifications; other REGISTERs, nearly all, need not be asked. */
export function mentionsPush(text: string): boolean {
  return /pn-provider/i.test(text);
}

/** The parameters of a device as its phone has sent them, for the Contact in our answer. */
export function pushParameters({ provider, prid, param }: PushDevice): string {
  const written = [["pn-provider", provider], ...(param === undefined ? [] : [["pn-param", param]]), ["pn-prid", prid]];
  return written.map(([name, value = ""]) => `;${name}=${escaped(value)}`).join("");
}

/** An uncompressed point of P-256, and 16 octets (RFC 8291 §3.1, §3.2). */
function readKeys(p256dh: string | undefined, auth: string | undefined): Pick<PushDevice, "p256dh" | "auth"> | Fault {
  if (p256dh === undefined && auth === undefined) return {};
  const areKeys = /^[\w-]{87}$/.test(p256dh ?? "") && /^[\w-]{22}$/.test(auth ?? "");
  return areKeys
    ? { p256dh: p256dh as string, auth: auth as string }
    : fault(400, "x-pn-p256dh and x-pn-auth are not the keys of a subscription");
}

function isOfPush(name: string): boolean {
  return names.includes(name.toLowerCase());
}

/** A parameter without a value is "". */
function valueIn(parameters: Parameters, name: string): string | undefined {
  const written = parameter(parameters, name);
  return written === undefined ? undefined : unescape(unquote(written));
}

/** RFC 3261 §25.1: what may not stand in the parameter of a URI is escaped. */
function escaped(value: string): string {
  return value.replaceAll(
    /[^\w.!~*'()[\]/:&+$-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
