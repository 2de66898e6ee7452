import type { CallEvent, CallRecord } from "./api.ts";
import { shortName } from "./explain.ts";

/** Who takes part in a call: a column of the ladder diagram. */
export interface Lane {
  readonly title: string;
  /** The rest of what is known of it. */
  readonly more: string;
}

/** A row of the diagram: an arrow between two lanes, or a note at one. Lanes by their places. */
export interface Rung {
  readonly at: string;
  /** Milliseconds since the call began. */
  readonly after: number;
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly kind: "request" | "response" | "refusal" | "note";
}

export interface Ladder {
  readonly lanes: readonly Lane[];
  readonly rungs: readonly Rung[];
}

const [caller, server, firstBranch] = [0, 1, 2];

/** The ladder diagram of a call: the caller, Offhook, and each phone or address that the call went to. */
export function ladderOf(call: CallRecord): Ladder {
  const began = Date.parse(call.started);
  const rungs = call.timeline.flatMap((event) => rungsOf(event, call).map((rung) => ({ ...rung, after: Date.parse(rung.at) - began })));
  return { lanes: lanesOf(call), rungs };
}

function lanesOf(call: CallRecord): Lane[] {
  const branches = new Map<number, Lane>();
  for (const { branch, to, trunk } of call.timeline) {
    if (branch === undefined || to === undefined || branches.has(branch)) continue;
    const device = call.devices.find((one) => one.branch === branch)?.user_agent;
    branches.set(branch, { title: trunk ?? device ?? shortName(to), more: to });
  }
  const inOrder = [...branches].sort(([one], [other]) => one - other).map(([, lane]) => lane);
  return [
    { title: call.caller ?? shortName(call.from), more: call.caller_device ?? "the caller" },
    { title: "Offhook", more: call.callee === null ? "this server" : `for ${call.callee}` },
    ...inOrder,
  ];
}

type Drawn = Omit<Rung, "after">;

function rungsOf(event: CallEvent, call: CallRecord): Drawn[] {
  const { at, branch } = event;
  const lane = branch === undefined ? server : firstBranch + branch;
  const rung = (from: number, to: number, label: string, kind: Rung["kind"]): Drawn => ({ at, from, to, label, kind });
  switch (event.event) {
    case "invite":
      return [rung(caller, server, "INVITE", "request")];
    case "routed":
      return [rung(server, server, `router: ${event.action}${event.why === undefined ? "" : " (fallback)"}`, "note")];
    case "sent":
      return [rung(server, lane, "INVITE", "request")];
    case "forwarded":
      return [
        rung(
          server,
          lane,
          event.why === undefined || ["route", "router"].includes(event.why) ? "INVITE" : `INVITE (${event.why})`,
          "request",
        ),
      ];
    case "waiting":
      return [rung(lane, lane, "is away: waits", "note")];
    case "woken":
      return [rung(server, lane, "push notification", "note")];
    case "flow lost":
      return [rung(lane, lane, "connection lost", "note")];
    case "flow regained":
      return [rung(lane, lane, "connection is back", "note")];
    case "provisional":
      return [rung(lane, server, event.status === undefined ? "rings" : String(event.status), "response")];
    case "final":
      return [finalRung(event, lane, call)];
    case "cancel":
      return [branch === undefined ? givenUp(event) : rung(server, lane, "CANCEL", "request")];
    case "bye":
      return byes(event, call);
  }
}

function finalRung({ at, branch, status = 0 }: CallEvent, lane: number, call: CallRecord): Drawn {
  const kind = status < 300 ? "response" : "refusal";
  if (branch !== undefined) return { at, from: lane, to: server, label: String(status), kind };
  return { at, from: server, to: caller, label: `${status} ${call.reason}`.trim(), kind };
}

function givenUp({ at, by }: CallEvent): Drawn {
  if (by === "network") return { at, from: caller, to: caller, label: "connection lost", kind: "note" };
  if (by === "server") return { at, from: server, to: server, label: "an administrator ended it", kind: "note" };
  return { at, from: caller, to: server, label: "CANCEL", kind: "request" };
}

function byes({ at, by }: CallEvent, call: CallRecord): Drawn[] {
  const answered = call.timeline.find((one) => one.event === "final" && one.branch !== undefined && (one.status ?? 0) < 300)?.branch;
  const callee = answered === undefined ? server : firstBranch + answered;
  const bye = (from: number, to: number): Drawn => ({ at, from, to, label: "BYE", kind: "request" });
  if (by === "caller") return [bye(caller, server), bye(server, callee)];
  if (by === "callee") return [bye(callee, server), bye(server, caller)];
  const note: Drawn = {
    at,
    from: server,
    to: server,
    label: by === "network" ? "a phone is gone" : "an administrator ended it",
    kind: "note",
  };
  return [note, bye(server, caller), bye(server, callee)];
}
