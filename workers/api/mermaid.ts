import type { CallEvent } from "../../lib/proxy/call-record/call-notes.ts";
import type { CallRecord } from "../../lib/proxy/call-record/call-record.ts";

/** A sequence diagram of a call, for Mermaid: the caller, Offhook, and each phone or address. */
export function mermaidOf(record: CallRecord): string {
  const lanes = new Map(
    record.timeline.flatMap(({ branch, to }) => (branch === undefined || to === undefined ? [] : [[branch, to] as const])),
  );
  return [
    "sequenceDiagram",
    `  participant A as ${plain(record.caller || record.from)}`,
    "  participant S as Offhook",
    ...[...lanes].map(([branch, to]) => `  participant B${branch} as ${plain(to)}`),
    ...record.timeline.flatMap((event) => linesOf(event, record)).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function linesOf(event: CallEvent, { started, reason }: CallRecord): string[] {
  const { branch, at, status } = event;
  const when = `+${((at - started) / 1000).toFixed(2)} s`;
  const lane = branch === undefined ? "S" : `B${branch}`;
  const note = (text: string) => [`Note over ${lane}: ${text} (${when})`];
  switch (event.event) {
    case "invite":
      return [`A->>S: INVITE (${when})`];
    case "routed":
      return note(routedAs(event));
    case "sent":
    case "forwarded":
      return [`S->>${lane}: INVITE${reasonIn(event)} (${when})`];
    case "waiting":
      return note("waits for the phone");
    case "woken":
      return note("push notification");
    case "flow lost":
      return note("connection lost");
    case "flow regained":
      return note("connection is back");
    case "provisional":
      return [`${lane}-->>S: ${status ?? "rings"} (${when})`];
    case "final":
      return [branch === undefined ? `S-->>A: ${status} ${plain(reason)} (${when})` : `${lane}-->>S: ${status} (${when})`];
    case "cancel":
      return branch !== undefined ? [`S->>${lane}: CANCEL (${when})`] : givenUp(event, when);
    case "bye":
      return [`Note over A,S: ended by the ${event.by ?? "server"} (${when})`];
  }
}

function routedAs({ action, why }: CallEvent): string {
  return `router: ${action}${why === undefined ? "" : " as a fallback"}`;
}

/** Of a user or a phone; what the domain does with all calls needs no reason. */
function reasonIn({ why }: CallEvent): string {
  return why === undefined || why === "route" || why === "router" ? "" : ` ${why}`;
}

function givenUp({ by }: CallEvent, when: string): string[] {
  return by === "caller" ? [`A->>S: CANCEL (${when})`] : [`Note over A,S: given up by the ${by} (${when})`];
}

/** Without what Mermaid would read as its own. */
function plain(text: string): string {
  return text.replace(/[;#<>%{}\r\n]/g, " ").trim();
}
