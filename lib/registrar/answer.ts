import type { Keyring } from "../authentication/keyring.ts";
import type { Binding } from "../location/binding.ts";
import { publicGruu, registrationMark, temporaryGruu } from "../location/gruu.ts";
import { pushParameters } from "../push/push-device.ts";
import { serialiseDate } from "../syntax/date.ts";
import { type Request, hasHeader, headerValue, headerValues } from "../syntax/message.ts";
import { memoised } from "../syntax/memoise.ts";
import { readOptionTags } from "../syntax/option-tags.ts";
import { registrarOptions } from "./register.ts";

export interface AnswerInput {
  readonly request: Request;
  readonly bindings: readonly Binding[];
  readonly user: string;
  readonly domain: string;
  /** Milliseconds. */
  readonly now: number;
  readonly keyring: Keyring;
  /** Our name towards the phone. */
  readonly host: string;
  /** Seconds; 0: not sent (RFC 5626 §5.4). */
  readonly flowTimer: number;
  /** Lines about push notification services (RFC 8599 §5.4). */
  readonly featureCaps?: string | undefined;
}

/** The header lines of the 200 to a REGISTER (RFC 3261 §10.3 step 8): every binding with its remaining time, and a Date. */
export function registerLines(input: AnswerInput): string {
  const { request, bindings, host, flowTimer, featureCaps = "" } = input;
  const supported = readOptionTags(request, "supported");
  const withGruu = supported.includes("gruu");
  let lines = "";
  for (const binding of bindings) lines += `Contact: ${contactValue(input, binding, withGruu)}\r\n`;
  if (supported.includes("path")) for (const value of headerValues(request, "path")) lines += `Path: ${value}\r\n`;
  if (supported.includes("outbound") && isOutbound(input))
    lines += flowTimer > 0 ? `Require: outbound\r\nFlow-Timer: ${flowTimer}\r\n` : "Require: outbound\r\n";
  return `${lines}${featureCaps}${bindings.length > 0 ? serviceRoute(host) : ""}${supportedLine}Date: ${serialiseDate(input.now)}\r\n`;
}

/** RFC 3608 §6.3: the route for requests of the phone, which is its present connection. */
const serviceRoute = memoised((host) => `Service-Route: <sip:${host};transport=ws;lr>\r\n`);
const supportedLine = `Supported: ${registrarOptions.join(", ")}\r\n`;

function contactValue(input: AnswerInput, binding: Binding, withGruu: boolean): string {
  const left = Math.max(0, Math.ceil((binding.expires - input.now) / 1000));
  const value = `<${writtenContact(binding)}>${binding.parameters};expires=${left}`;
  const { instance, phone, callId } = binding;
  if (!withGruu || instance === undefined) return value;
  const { user, domain, keyring } = input;
  const temporary = temporaryGruu(keyring, domain, { user, phone, registration: registrationMark(callId) }, binding.cseq);
  return `${value};pub-gruu="${publicGruu(user, domain, instance)}";temp-gruu="${temporary}"`;
}

/** With the parameters of RFC 8599 that the phone has sent, which stand before the headers of the URI. */
function writtenContact({ contact, push }: Binding): string {
  if (push === undefined) return contact;
  const [uri = "", ...headers] = contact.split("?");
  return [`${uri}${pushParameters(push)}`, ...headers].join("?");
}

/** RFC 5626 §6: the registrar sends it if it has bound the sender's flow by instance and reg-id. */
function isOutbound(input: AnswerInput): boolean {
  const registration = headerValue(input.request, "call-id");
  const hasFlow = input.bindings.some((binding) => binding.regId !== undefined && binding.callId === registration);
  return hasFlow && hasHeader(input.request, "contact");
}
