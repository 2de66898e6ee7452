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

/** A message of a call, and the address of record at whose home it was seen. */
export interface CallMessage extends TraceEntry {
  readonly home: string;
}

/** What a home has of one call, each message once: those of a failed call have less in them, and stay longer. */
export function mergedTrace(home: string, trace: Trace, callId: string): CallMessage[] {
  const { entries, failed } = ofCall(trace, callId);
  const all = [...failed.flatMap(({ messages }) => messages), ...entries];
  const name = ({ at, direction, flow, text }: TraceEntry) => `${at} ${direction} ${flow} ${text.slice(0, text.indexOf("\r\n"))}`;
  return [...new Map(all.map((entry) => [name(entry), { ...entry, home }])).values()];
}

/** The messages of a call as text for people. */
export function mergedText(messages: readonly CallMessage[]): string {
  const none = "# None is kept any more: those of failed calls are kept for a day, others until the home has been idle for 10 seconds.\n";
  return [
    legend,
    "",
    messages.length === 0 ? none : "",
    ...messages.map((entry) => `# at the home of ${entry.home}\n${readable(entry)}`),
  ].join("\n");
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
