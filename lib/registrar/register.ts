import type { Keyring } from "../authentication/keyring.ts";
import { type Binding, bindingKey, phoneOf } from "../location/binding.ts";
import type { Contact } from "../syntax/contact.ts";
import { readContacts } from "../syntax/contact.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault, isFault, limitReached } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Request, headerValue, headerValues } from "../syntax/message.ts";
import { readOptionTags } from "../syntax/option-tags.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { parameter, unquote } from "../syntax/parameters.ts";
import { equalUris, parseUri } from "../syntax/uri.ts";
import { type OfferedService, registerForPush } from "../push/registration.ts";
import type { PushDevice } from "../push/push-device.ts";
import { inspectRequest } from "../uas/inspect-request.ts";
import type { RegistrarSettings } from "./settings.ts";

/** The input for the decision on a registration. */
export interface RegisterInput {
  readonly request: Request;
  readonly mandatory: MandatoryHeaders;
  /** The present bindings, with their exact expiry, none of them expired. */
  readonly bindings: readonly Binding[];
  /** Keys of bindings whose phone is away: they make room before a phone is refused. */
  readonly away: ReadonlySet<string>;
  /** Milliseconds. */
  readonly now: number;
  /** 0 to below 1. */
  readonly random: number;
  readonly settings: RegistrarSettings;
  readonly keyring: Keyring;
  /** The push notification services of the domain; undefined if they are not known now. */
  readonly pushServices: readonly OfferedService[] | undefined;
}

/** What a REGISTER changes: all of it or nothing (RFC 3261 §10.3 step 7). */
export interface RegisterOutcome {
  /** Bindings added or updated by this request. */
  readonly put: readonly Binding[];
  readonly removed: readonly Binding[];
  /** All bindings after it. */
  readonly bindings: readonly Binding[];
  /** Header lines for the answer (RFC 8599 §5.4). */
  readonly featureCaps?: string;
}

/** Seconds: a shorter registration could end before a push notification renews it (RFC 8599 §5.6.1.1). */
const minPushExpires = 300;

/**
 * Maximum characters of a Call-ID or instance, and of a contact URI, which may contain a push address (RFC 8599): a flow's bindings must
 * fit into its socket's attachment.
 */
const maxText = 400;
const maxContact = 2000;
const maxPath = 2000;
const maxParameters = 2000;

/** The extensions a REGISTER may require of us. */
export const registrarOptions: readonly string[] = ["gruu", "outbound", "path"];

/** Decides a REGISTER of an authenticated user for their own address of record: RFC 3261 §10.3 steps 2, 6 and 7. */
export function register(input: RegisterInput): RegisterOutcome | Fault {
  const refusal = inspectRequest(input.request, { options: registrarOptions, types: [] });
  if (refusal !== undefined) return refusal;
  const contacts = readContacts(input.request);
  if (isFault(contacts)) return contacts;
  return contacts === "*" ? removeAll(input) : update(input, contacts);
}

/** RFC 3261 §10.3 step 6. */
function removeAll(input: RegisterInput): RegisterOutcome | Fault {
  if (parseDeltaSeconds(headerValue(input.request, "expires")) !== 0) return fault(400, "Contact: * needs Expires: 0");
  if (input.bindings.some((binding) => isOutOfOrder(input, binding))) return outOfOrder();
  return { put: [], removed: input.bindings, bindings: [] };
}

/** RFC 3261 §10.3 step 7. */
function update(input: RegisterInput, contacts: readonly Contact[]): RegisterOutcome | Fault {
  const { settings } = input;
  const put: Binding[] = [];
  const removed: Binding[] = [];
  const added = contacts.filter((contact) => expiresOf(input, contact) > 0).length;
  let caps = "";
  // Each is compared with all others.
  if (contacts.length > maxWritten(input)) return limitReached(403, "too many contacts for this address of record");
  for (const written of contacts) {
    const push = registerForPush(written, input.pushServices);
    if (isFault(push)) return push;
    const { contact, device } = push;
    caps += push.featureCaps;
    const expires = expiresOf(input, contact, device);
    const minimum = device === undefined ? settings.minimumExpires : Math.max(settings.minimumExpires, minPushExpires);
    if (expires > 0 && expires < minimum) return fault(423, "the expiry is too short", [["Min-Expires", String(minimum)]]);
    const wanted = bindingOf(input, contact, added, expires, device);
    if (isFault(wanted)) return wanted;
    const existing = input.bindings.filter((binding) => isSameBinding(binding, wanted) || isLeftBy(wanted, binding, input));
    if (existing.some((binding) => isOutOfOrder(input, binding))) return outOfOrder();
    // If two Contacts are the same binding, the later one counts.
    const earlier = put.findIndex((binding) => isSameBinding(binding, wanted));
    if (earlier >= 0) put.splice(earlier, 1);
    if (expires > 0) put.push(wanted);
    removed.push(...existing.filter((binding) => (expires === 0 || binding.key !== wanted.key) && !removed.includes(binding)));
  }
  const kept = input.bindings.filter((binding) => !removed.includes(binding) && !put.some((one) => one.key === binding.key));
  const excess = kept.length + put.length - Math.max(settings.maximumContacts, input.bindings.length);
  const dropped = excess <= 0 ? [] : kept.filter((binding) => input.away.has(binding.key)).slice(0, excess);
  if (dropped.length < excess) return limitReached(403, "too many contacts for this address of record");
  removed.push(...dropped);
  const bindings = [...kept.filter((binding) => !dropped.includes(binding)), ...put];
  return caps === "" ? { put, removed, bindings } : { put, removed, bindings, featureCaps: caps };
}

/** How many Contacts one REGISTER may have: it may remove all that there are, and add as many as may be. */
function maxWritten({ bindings, settings }: RegisterInput): number {
  return bindings.length + settings.maximumContacts;
}

/** A page that was closed and opened again has another Contact, and the same place for push notifications. */
function isLeftBy({ push, key }: Binding, binding: Binding, { away }: RegisterInput): boolean {
  const isSameDevice = push !== undefined && binding.push?.prid === push.prid && binding.push.provider === push.provider;
  return isSameDevice && binding.key !== key && away.has(binding.key);
}

/** Seconds: the expires parameter, else the Expires header, else our default; at most our maximum. */
export function expiresOf({ request, settings }: Pick<RegisterInput, "request" | "settings">, contact: Contact, push?: PushDevice): number {
  const wanted = contact.expires ?? parseDeltaSeconds(headerValue(request, "expires")) ?? settings.defaultExpires;
  return Math.min(wanted, push === undefined ? settings.maximumExpires : settings.pushExpires);
}

/** When a binding of this many seconds ends, and when the lease of its row does. */
export function grant(
  { settings, random, now }: Pick<RegisterInput, "settings" | "random" | "now">,
  seconds: number,
  leaseFactor = settings.leaseFactor,
): Pick<Binding, "expires" | "lease"> {
  const granted = Math.max(settings.minimumExpires, Math.floor(seconds * (1 - settings.spread * random)));
  return { expires: now + granted * 1000, lease: now + granted * leaseFactor * 1000 };
}

/** @param added how many Contacts of the request are to be bound */
function bindingOf(input: RegisterInput, contact: Contact, added: number, expires: number, push?: PushDevice): Binding | Fault {
  const { keyring, mandatory } = input;
  if (contact.uri.length > maxContact) return fault(400, `Contact is longer than ${maxContact} characters`);
  if (mandatory.callId.length > maxText) return fault(400, `Call-ID is longer than ${maxText} characters`);
  const path = headerValues(input.request, "path");
  if (!path.every(isRoute)) return fault(400, "Path is malformed");
  if (path.join().length > maxPath) return fault(400, `Path is longer than ${maxPath} characters`);
  const parameters = parametersOf(contact);
  if (parameters.length > maxParameters) return fault(400, `the parameters of Contact are longer than ${maxParameters} characters`);
  const instance = instanceOf(contact);
  if (instance !== undefined && instance.length > maxText) return fault(400, `+sip.instance is longer than ${maxText} characters`);
  // RFC 5626 §6: without an instance it is ignored.
  const regId = instance === undefined ? undefined : regIdOf(contact);
  if (isFault(regId)) return regId;
  if (regId !== undefined && expires > 0 && lacksOutbound(input.request)) {
    return fault(439, "the first proxy on the path does not support outbound");
  }
  if (regId !== undefined && expires > 0 && added > 1) return fault(400, "reg-id allows only one Contact");
  return {
    key: bindingKey(instance, regId, contact.uri),
    phone: knownPhone(input, instance, contact.uri) ?? phoneOf(keyring, instance, contact.uri),
    contact: contact.uri,
    parameters,
    instance,
    regId,
    q: contact.q ?? 1000,
    path,
    callId: mandatory.callId,
    cseq: mandatory.cseq.number,
    ...(readOptionTags(input.request, "supported").includes("gruu") ? { wantsGruu: true } : {}),
    // The row of a phone that sleeps is all that is known of it: it has the exact end.
    ...(push === undefined ? grant(input, expires) : { push, ...grant(input, expires, 1) }),
  };
}

/**
 * RFC 5626 §6: flows cannot be told apart behind a proxy that does not support them: there is more than one Via, and the first proxy did
 * not put `ob` into its Path.
 */
function lacksOutbound(request: Request): boolean {
  if (!readOptionTags(request, "supported").includes("outbound") || headerValues(request, "via").length < 2) return false;
  const first = parseNameAddress(headerValues(request, "path").at(-1) ?? "");
  const uri = isFault(first) ? first : parseUri(first.uri);
  return isFault(uri) || uri.kind !== "sip" || !uri.parameters.some(([name]) => name.toLowerCase() === "ob");
}

/** Whether requests to the phone may have it as a Route (RFC 3327 §5.4). */
function isRoute(value: string): boolean {
  const address = parseNameAddress(value);
  const uri = isFault(address) ? address : parseUri(address.uri);
  return !isFault(uri) && uri.kind === "sip";
}

/** The phone's identity if it is already registered, which saves the hash. */
function knownPhone(input: RegisterInput, instance: string | undefined, contact: string): string | undefined {
  return input.bindings.find((one) =>
    instance === undefined ? one.isStatic !== true && one.contact === contact && one.instance === undefined : one.instance === instance,
  )?.phone;
}

/** The instance-id without its quotes and angle brackets (RFC 5626 §4.1). */
function instanceOf(contact: Contact): string | undefined {
  const written = parameter(contact.parameters, "+sip.instance");
  if (written === undefined) return undefined;
  const instance = unquote(written).replace(/^<|>$/g, "");
  return instance === "" ? undefined : instance;
}

function regIdOf(contact: Contact): number | undefined | Fault {
  const written = parameter(contact.parameters, "reg-id");
  if (written === undefined) return undefined;
  const regId = parseDeltaSeconds(written);
  return regId === undefined || regId < 1 || regId > 2 ** 31 - 1 ? fault(400, "reg-id is not a number from 1 to 2^31-1") : regId;
}

function parametersOf(contact: Contact): string {
  const dropped = ["expires", "pub-gruu", "temp-gruu"];
  return contact.parameters
    .filter(([name]) => !dropped.includes(name.toLowerCase()))
    .map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`))
    .join("");
}

/** Two flows of one phone may share a contact (RFC 5626 §4.2.1): only their keys differ. */
function isSameBinding(one: Binding, other: Binding): boolean {
  if (one.key === other.key) return true;
  if (one.key.startsWith("instance") && other.key.startsWith("instance")) return false;
  const a = parseUri(one.contact);
  const b = parseUri(other.contact);
  return !isFault(a) && !isFault(b) && equalUris(a, b);
}

export function isOutOfOrder(input: Pick<RegisterInput, "mandatory">, existing: Binding): boolean {
  return existing.callId === input.mandatory.callId && input.mandatory.cseq.number <= existing.cseq;
}

export function outOfOrder(): Fault {
  return fault(500, "there is already a registration with this Call-ID and a higher CSeq");
}
