import type { CallRecord } from "./api.ts";

/** Why a call ended as it did, in one or two sentences for an administrator. */
export function explainCall(call: CallRecord): string {
  switch (call.outcome) {
    case "answered":
      return `It was answered after ${lasting(call.started, call.answered ?? call.ended)} and lasted ${duration(call.seconds)}. ${endOf(call)}`;
    case "busy":
    case "declined":
      return `${called(call)} ${call.outcome === "busy" ? "was busy" : "declined it"}: ${refusal(call)}.`;
    case "missed":
      return missed(call);
    case "cancelled":
      return givenUp(call);
    case "answered elsewhere":
      return "The caller's side gave it up because it was answered at another place.";
    case "redirected":
      return `The caller was told to call another address (${call.status}).`;
    case "failed":
      return `It failed: ${refusal(call)}.`;
  }
}

/** Whether the number of the caller was verified; "" if that was not tried. */
export function explainVerification(verification: CallRecord["verification"]): string {
  if (verification === null) return "";
  const { result, number, attestation, why } = verification;
  const of = number === null ? "" : `+${number}: `;
  if (result !== "passed") return `${of}not verified, ${why ?? ""}`;
  return `${of}verified${attestation === null ? "" : `, attestation ${attestation}`}`;
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The name in a value of From or To, or its address. */
export function shortName(value: string): string {
  const [, quoted, uri] = /^\s*(?:"([^"]*)"\s*)?<?([^>;]*)/.exec(value) ?? [];
  return quoted || (uri ?? value).replace(/^sips?:/, "");
}

function lasting(from: string, to: string): string {
  return duration(Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}

function called({ callee, to }: CallRecord): string {
  return callee ?? shortName(to);
}

function endOf({ ended_by: by }: CallRecord): string {
  const ends = {
    caller: "The caller hung up.",
    callee: "The called side hung up.",
    server: "An administrator ended it.",
    network: "A phone lost its connection and did not come back.",
  };
  return ends[by];
}

/** What refused it: the server, for its reason, or a phone or another server. */
function refusal(call: CallRecord): string {
  const { status, reason, why, ended_by: by, trunk, started, ended } = call;
  if (why !== null) return `${why} (${status})`;
  if (by === "server") return `Offhook answered ${status} ${reason}`;
  const branch = call.timeline.find((one) => one.event === "final" && one.branch !== undefined && one.status === status)?.branch;
  const device = call.devices.find((one) => one.branch === branch)?.user_agent;
  const who = trunk === null ? (device ?? "a phone") : `the server of the trunk ${trunk}`;
  return `${who} answered ${status} ${reason} after ${lasting(started, ended)}`;
}

function missed(call: CallRecord): string {
  const rung = new Set(call.timeline.filter(({ event }) => event === "provisional").map(({ branch }) => branch)).size;
  const lost = call.timeline.some(({ event }) => event === "flow lost");
  const wasSent = call.timeline.some(({ event }) => event === "sent" || event === "forwarded");
  if (rung > 0)
    return `It rang ${rung === 1 ? "on one phone" : `on ${rung} phones`} for ${lasting(call.rang ?? call.started, call.ended)} and was not answered.`;
  if (lost) return `A phone of ${called(call)} lost its connection, and did not come back in time.`;
  const isWoken = call.timeline.some(({ event }) => event === "woken");
  if (!wasSent && isWoken) return `No phone of ${called(call)} was connected. One got a push notification, and did not come.`;
  if (!wasSent) return `No phone of ${called(call)} was connected.`;
  return `No answer came: ${refusal(call)}.`;
}

function givenUp(call: CallRecord): string {
  const after = lasting(call.started, call.ended);
  if (call.ended_by === "network") return `The caller lost the connection, so the call was given up after ${after}.`;
  if (call.ended_by === "server") return `An administrator ended it after ${after}, before it was answered.`;
  return `The caller gave up after ${after}.`;
}
