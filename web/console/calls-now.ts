import type { LiveCall } from "./api.ts";
import type { LiveEvent } from "./event-stream.ts";
import { shortName } from "./explain.ts";

/** A call at present, as it is shown. */
export interface CallNow {
  readonly key: string;
  /** Undefined if it is not known. */
  readonly callId: string | undefined;
  /** The user whose page has more, if there is one. */
  readonly username: string | undefined;
  readonly text: string;
}

const states: Readonly<Record<string, string>> = { "call.started": "calling", "call.ringing": "ringing", "call.answered": "answered" };

/** A call that a home has told of when it was asked. */
export function foundCall({ id, username, call_id: callId, state, direction, remote }: LiveCall & { readonly username: string }): CallNow {
  const text = [state, direction, remote].filter((word) => word !== null).join(" ");
  return { key: id, callId: callId ?? undefined, username, text };
}

/** The calls after an event: one that begins, rings or is answered is there, and one that is over is not. */
export function callsAfter(calls: readonly CallNow[], { type, data }: LiveEvent, domain: string): readonly CallNow[] {
  if (!type.startsWith("call.")) return calls;
  const [id, callId, caller, callee] = ["id", "call_id", "caller", "callee"].map((name) => wordIn(data, name));
  const own = [caller, callee].flatMap((address) =>
    address?.endsWith(`@${domain}`) === true ? [address.slice(0, -domain.length - 1)] : [],
  );
  const isOther = (call: CallNow) =>
    call.key !== id && (call.callId === undefined ? !own.includes(call.username ?? "") : call.callId !== callId);
  const others = calls.filter(isOther);
  const state = states[type];
  if (state === undefined || id === undefined) return others;
  const name = (address: string | undefined, written: string) => address ?? shortName(wordIn(data, written) ?? "");
  const text = `${name(caller, "from")} → ${name(callee, "dialled")}: ${state}`;
  return [...others, { key: id, callId, username: own[0], text }];
}

function wordIn(data: LiveEvent["data"], name: string): string | undefined {
  const value = data[name];
  return typeof value === "string" ? value : undefined;
}
