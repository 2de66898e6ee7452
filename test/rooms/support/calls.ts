import { type Dialog, dialogOfCaller } from "../../support/dialog.ts";
import { type registered } from "./homes.ts";

type Phone = Awaited<ReturnType<typeof registered>>;

/** A call that rings, is answered, and is ended by the caller. @returns its Call-ID */
export async function completeCall(caller: Phone, callee: Phone, options?: Parameters<Phone["request"]>[2]): Promise<string> {
  const sent = caller.request("INVITE", callee.aor, options);
  const invite = await callee.next("INVITE");
  callee.reply(invite, 180);
  await caller.next(180);
  callee.reply(invite, 200);
  const dialog = dialogOfCaller(await caller.finalResponse(sent));
  caller.ack(dialog);
  await callee.next("ACK");
  caller.bye(dialog);
  callee.reply(await callee.next("BYE"), 200);
  await caller.next(200);
  return sent.callId;
}

/** The caller of a call holds it, and hangs up. @returns the statuses that the caller gets */
export async function holdAndHangUp(caller: Phone, dialog: Dialog, callee: Phone): Promise<readonly number[]> {
  const hold = caller.inDialog("INVITE", dialog);
  callee.reply(await callee.next("INVITE"), 200);
  const { status } = await caller.finalResponse(hold);
  caller.bye(dialog);
  callee.reply(await callee.next("BYE"), 200);
  return [status, (await caller.next(200)).status];
}
