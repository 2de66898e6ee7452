import { sdpType } from "./call.ts";
import { type DeskPhone, Happenings } from "./desk-phone.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "./dialog.ts";
import { type ReceivedMessage, cseqMethod } from "./received-message.ts";
import type { Phone } from "./phone.ts";

/** A phone on a WebSocket that does what a desk phone does, and speaks of the same sound. */
export function asDeskPhone(phone: Phone): DeskPhone {
  const heard = new Happenings();
  let ringing: ReceivedMessage | undefined;
  let dialog: Dialog | undefined;
  let isClosed = false;

  const asks = (flow: "sendrecv" | "sendonly"): void => {
    if (dialog === undefined) throw new Error("there is no call");
    phone.inDialog("INVITE", dialog, { headers: [sdpType], body: sound(flow) });
  };
  const takesRequest = (request: ReceivedMessage): void => {
    if (request.method === "ACK") return;
    if (request.method !== "INVITE") phone.reply(request, 200);
    if (request.method === "BYE") {
      dialog = undefined;
      return heard.add(request.raw, "has ended");
    }
    if (request.method !== "INVITE") return heard.add(request.raw, undefined);
    if (dialog === undefined) {
      ringing = request;
      phone.reply(request, 180);
      return heard.add(request.raw, "rings");
    }
    const isHeld = /a=(sendonly|inactive)/.test(request.body);
    phone.reply(request, 200, { headers: [sdpType], body: sound(isHeld ? "recvonly" : "sendrecv") });
    heard.add(request.raw, isHeld ? "is held" : "is resumed");
  };
  const takesResponse = (response: ReceivedMessage): void => {
    if (response.status === 180) return heard.add(response.raw, "hears ringing");
    if (cseqMethod(response) !== "INVITE" || response.status !== 200) return heard.add(response.raw, undefined);
    const answered = dialogOfCaller(response);
    // The route set is that of the first answer (RFC 3261 §12.2).
    phone.ack(dialog === undefined ? answered : { ...dialog, inviteCseq: answered.inviteCseq });
    if (dialog !== undefined) return heard.add(response.raw, "is answered");
    dialog = answered;
    heard.add(response.raw, "talks");
  };
  const listen = async (): Promise<void> => {
    const message = await phone.next(() => true, { milliseconds: 60_000 }).catch(() => undefined);
    if (message !== undefined) (message.status === 0 ? takesRequest : takesResponse)(message);
    if (!isClosed) await listen();
  };
  void listen();

  return {
    happens: (what) => heard.next(what),
    calls: (uri) => void phone.request("INVITE", uri, { headers: [sdpType], body: sound("sendrecv") }),
    answers: () => {
      if (ringing === undefined) throw new Error("nobody calls");
      phone.reply(ringing, 200, { headers: [sdpType], body: sound("sendrecv") });
      dialog = dialogOfCallee(ringing, phone.tag);
      heard.add("answered", "talks");
    },
    holds: () => asks("sendonly"),
    resumes: () => asks("sendrecv"),
    hangsUp: () => {
      if (dialog !== undefined) phone.bye(dialog);
      dialog = undefined;
      heard.add("hung up", "has ended");
    },
    close: async () => {
      isClosed = true;
      phone.socket.close();
      await phone.socket.closed;
    },
  };
}

function sound(flow: "sendrecv" | "sendonly" | "recvonly"): string {
  const lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 9 RTP/AVP 0", `a=${flow}`];
  return lines.map((line) => `${line}\r\n`).join("");
}
