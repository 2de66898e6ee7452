import type { CallerStanding } from "../../lib/stir/attestation.ts";
import { callToSign } from "../../lib/stir/call-to-sign.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import { type Trunk, isTrunkIdentity } from "../../lib/routing/trunk.ts";
import type { SigningSettings } from "../../lib/stir/signing-settings.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { serialiseDate } from "../../lib/syntax/date.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Request as SipRequest, hasHeader, headerValue } from "../../lib/syntax/message.ts";
import { canonicalNumber } from "../../lib/syntax/telephone-number.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { available } from "../../platform/directory/available.ts";
import type { Directory } from "../../platform/directory/directory.ts";
import { signCall } from "../../platform/stir/signer.ts";
import { mandatoryHeadersOf, parsed } from "../shared/reparse.ts";

/** Header names of signatures about the caller (RFC 8224 §4, §14). */
const signatures = ["identity", "identity-info"];

/** Signs calls to a trunk as its domain wants (RFC 8224 §6.1, RFC 8588, RFC 8946). */
export class CallSigning {
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /**
   * A request as the trunk gets it. An INVITE outside a dialog is signed; one that cannot be goes there without a signature, and the log says
   * why.
   * @param request as it is sent otherwise
   * @param now milliseconds
   */
  async signed(request: SipRequest, envelope: RequestEnvelope, trunk: Trunk | undefined, now: number): Promise<SipRequest> {
    if (trunk?.identity === undefined) return request;
    if (trunk.identity === "remove") {
      const isSigned = signatures.some((name) => hasHeader(request, name));
      return isSigned ? parsed(alter(request, { remove: signatures })) : request;
    }
    if (request.method !== "INVITE" || mandatoryHeadersOf(request).toTag !== undefined) return request;
    try {
      const lines = await this.#lines(request, envelope, trunk, now);
      if ("why" in lines) return this.#unsigned(request, trunk, lines.why);
      return lines.length === 0 ? request : parsed(alter(request, { append: lines }));
    } catch (error) {
      return this.#unsigned(request, trunk, String(error));
    }
  }

  /** Also the Date, to which the signature belongs (RFC 8224 §6.1 step 3). */
  async #lines(
    invite: SipRequest,
    envelope: RequestEnvelope,
    trunk: Trunk,
    now: number,
  ): Promise<readonly (readonly [string, string])[] | { readonly why: string }> {
    const found = await available(() => this.#directory.signing(trunk.domain));
    if (isFault(found)) return { why: found.fault };
    if (found === undefined) return { why: `the domain has no settings for signing: PUT /domains/${trunk.domain}/signing` };
    if (found.isLost) return { why: "no key in SEAL_KEYS opens the private key: PUT the settings for signing again with it" };
    const call = callToSign(invite, trunk.format, forwardedBy(envelope), now);
    if ("why" in call) return call;
    const standing = await this.#standingOf(envelope, call.number, trunk, found.settings);
    const isSigned = hasHeader(invite, "identity");
    const values = await signCall(found.settings, { call, standing, isSigned }, now);
    const date: [string, string][] = hasHeader(invite, "date") || values.length === 0 ? [] : [["Date", serialiseDate(now)]];
    return [...date, ...values.map((value) => ["Identity", value] as const)];
  }

  /** Whether the caller is a user of the trunk's domain, and whether the number is one of the domain's. */
  async #standingOf(
    envelope: RequestEnvelope,
    number: string,
    { domain, format }: Trunk,
    { numbers }: SigningSettings,
  ): Promise<CallerStanding> {
    const { identity } = envelope;
    const home = callerHome(envelope);
    const at = identity.lastIndexOf("@");
    const isElsewhere = isTrunkIdentity(identity) || isNonSubscriberHome(home) || isHopName(home) || identity.slice(at + 1) !== domain;
    const caller = isElsewhere ? undefined : await this.#directory.find(identity.slice(0, at), domain);
    if (caller?.kind !== "subscriber") return "elsewhere";
    const { username, aliases } = caller.subscriber;
    const isTheirs = [username, ...aliases].some((name) => digitsOf(numberFrom(format, canonicalNumber(name) ?? "")) === number);
    if (isTheirs || numbers.some((prefix) => number.startsWith(prefix))) return "own number";
    const owner = await this.#directory.find(`+${number}`, domain);
    return owner.kind === "subscriber" ? "own number" : "other number";
  }

  #unsigned(invite: SipRequest, { name, domain }: Trunk, why: string): SipRequest {
    const callId = headerValue(invite, "call-id");
    console.error(JSON.stringify({ note: "a call to a trunk was not signed", trunk: `${name}@${domain}`, callId, why }));
    return invite;
  }
}

function digitsOf(number: string): string {
  return number.replace("+", "");
}

function callerHome({ caller, answerTo }: RequestEnvelope): string {
  return (caller ?? answerTo).home;
}

/** The Request-URI that the last home which is not the caller's was called by; undefined if only the caller's home has routed the call. */
function forwardedBy(envelope: RequestEnvelope): string | undefined {
  const last = envelope.forwardingTrail?.findLast((step) => !step.startsWith(`${callerHome(envelope)} `));
  return last?.slice(last.indexOf(" ") + 1);
}
