import { nameOfUser } from "../../syntax/uri.ts";
import type { EndedBy } from "../../transport/envelope.ts";
import type { Attestation, Verification, VerificationResult } from "../../transport/verification.ts";
import type { CallEvent, Device } from "./call-notes.ts";
import type { BegunCall, CallRecord } from "./call-record.ts";
import type { Outcome } from "./outcome.ts";

/** A call that is not over, as web hooks are told of it. Times by RFC 3339, in UTC. */
export interface BegunCallView {
  /** That of its record. */
  id: string;
  call_id: string;
  domain: string;
  from: string;
  to: string;
  dialled: string;
  caller: string | null;
  callee: string | null;
  trunk: string | null;
  verification: VerificationView | null;
  started: string;
  caller_device: string | null;
}

/** Whether the number of the caller was verified, and why not. */
export interface VerificationView {
  result: VerificationResult;
  number: string | null;
  attestation: Attestation | null;
  origin_id: string | null;
  why: string | null;
}

/** A record as the API returns it, and as web hooks get it. */
export interface CallRecordView extends BegunCallView {
  forwarded: string[];
  rang: string | null;
  answered: string | null;
  ended: string;
  seconds: number;
  outcome: Outcome;
  status: number;
  reason: string;
  why: string | null;
  ended_by: EndedBy;
  devices: { branch: number; user_agent: string | null; way: Device["way"] }[];
  timeline: (Omit<CallEvent, "at"> & { at: string })[];
}

/** @param domain that is told */
export function begunCallView(call: BegunCall, domain: string): BegunCallView {
  const { id, callId, from, to, dialled } = call;
  return {
    ...{ id, call_id: callId, domain, from, to, dialled },
    ...{ caller: nameOrNull(call.caller), callee: nameOrNull(call.callee), trunk: call.trunk ?? null },
    verification: verificationView(call.verification),
    ...{ started: written(call.started), caller_device: call.callerDevice ?? null },
  };
}

/** @param domain whose record it is */
export function recordView(record: CallRecord, domain: string): CallRecordView {
  const { forwarded, status, reason, outcome, endedBy: by, answered, ended, rang } = record;
  return {
    ...begunCallView(record, domain),
    forwarded: [...forwarded],
    ...{ rang: written(rang), answered: written(answered), ended: written(ended) },
    seconds: answered === undefined ? 0 : Math.round((ended - answered) / 1000),
    ...{ outcome, status, reason, why: record.why ?? null, ended_by: by },
    devices: record.devices.map(({ branch, userAgent, way }) => ({ branch, user_agent: userAgent ?? null, way })),
    timeline: record.timeline.map(({ at, ...event }) => ({ at: written(at), ...event })),
  };
}

function verificationView(verification: Verification | undefined): VerificationView | null {
  if (verification === undefined) return null;
  const { result, number, attestation, originId, why } = verification;
  return { result, number: number ?? null, attestation: attestation ?? null, origin_id: originId ?? null, why: why ?? null };
}

/** An address of record without escapes. */
function nameOrNull(address: string): string | null {
  const at = address.lastIndexOf("@");
  const user = address.slice(0, at);
  return address === "" ? null : `${nameOfUser(user) ?? user}${address.slice(at)}`;
}

function written(time: number): string;
function written(time: number | undefined): string | null;
function written(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
