import { shortSdp } from "./compose.ts";
import { dialogOfCallee, dialogOfCaller, type Dialog } from "./dialog.ts";
import type { ReceivedMessage } from "./received-message.ts";
import type { Phone, RequestOptions, Sent } from "./phone.ts";

/** What a body of SDP says of itself. */
export const sdpType = ["Content-Type", "application/sdp"] as const;

/** A call that rings: sent by the caller, heard by the callee, answered with 180. */
export interface Ringing {
  readonly invite: Sent;
  readonly heard: ReceivedMessage;
  readonly ringing: ReceivedMessage;
}

/** A call in progress, seen from both sides. */
export interface Call extends Ringing {
  readonly answer: ReceivedMessage;
  readonly callerSide: Dialog;
  readonly calleeSide: Dialog;
}

export async function ring(caller: Phone, callee: Phone, uri = callee.aor, options: RequestOptions = {}): Promise<Ringing> {
  const invite = caller.request("INVITE", uri, { headers: [sdpType], body: shortSdp, ...options });
  const heard = await callee.next("INVITE");
  callee.reply(heard, 180);
  return { invite, heard, ringing: await caller.next(180) };
}

export async function establish(caller: Phone, callee: Phone, uri = callee.aor, options: RequestOptions = {}): Promise<Call> {
  const ringing = await ring(caller, callee, uri, options);
  callee.reply(ringing.heard, 200, { headers: [sdpType], body: shortSdp });
  const answer = await caller.next(200, { method: "INVITE" });
  const callerSide = dialogOfCaller(answer);
  caller.ack(callerSide);
  await callee.next("ACK");
  return { ...ringing, answer, callerSide, calleeSide: dialogOfCallee(ringing.heard, callee.tag) };
}

/** Hangs up; returns the 200 to the BYE. */
export async function hangUp(by: Phone, dialog: Dialog, other: Phone): Promise<ReceivedMessage> {
  by.bye(dialog);
  other.reply(await other.next("BYE"), 200);
  return by.next(200, { method: "BYE" });
}
