import { type FailedCall, hasCallId } from "../../lib/failed-call.ts";
import type { TraceEntry } from "../../lib/trace.ts";
import type { Trace } from "./homes.ts";

/** The meaning of the arrows: they point away from the sender, beside the name of the connection. */
const legend = [
  "# <-- A1b2C3d4   Offhook received this on the connection A1b2C3d4",
  "# --> A1b2C3d4   Offhook sent this on it",
  '# --- A1b2C3d4   what happened besides; the connection "-" is another home or server',
].join("\n");

/** The part of a trace about one call. */
export function ofCall({ entries, failed }: Trace, callId: string): Trace {
  return { entries: entries.filter(({ text }) => hasCallId(text, callId)), failed: failed.filter((call) => call.callId === callId) };
}

/** A trace as text for people. */
export function traceAsText({ entries, failed }: Trace): string {
  const calls = failed.map((call) => [headingOf(call), ...call.messages.map(readable)].join("\n"));
  const last = entries.length === 0 ? "# None: the home keeps these in memory, until it has been idle for 10 seconds.\n" : "";
  return [
    ...[legend, "\n# The last messages\n", last, ...entries.map(readable)],
    ...["# Calls that failed within a day, the last one last\n", calls.length === 0 ? "# None\n" : calls.join("\n")],
  ].join("\n");
}

function headingOf({ at, callId, side, status, reason, why, from, to, ms }: FailedCall): string {
  const lines = [
    `# ${new Date(at).toISOString()} ${status} ${reason}`,
    ...[`#   from ${from}`, `#   to ${to}`, `#   Call-ID ${callId}, at the ${side}'s home${ms === undefined ? "" : `, after ${ms} ms`}`],
    ...(why === undefined ? [] : [`#   why: ${why}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function readable({ at, direction, flow, text }: TraceEntry): string {
  const arrow = { in: "<--", out: "-->", note: "---" }[direction];
  return `${new Date(at).toISOString()} ${arrow} ${flow}\n${text.replaceAll("\r\n", "\n").trimEnd()}\n`;
}
