import type { EndEvent, RTCSession } from "jssip/lib/RTCSession";
import type { CallEnd } from "./endings.ts";

/** A message that ended a call: a response, a CANCEL, or a BYE. */
interface EndMessage {
  readonly status_code?: number;
  readonly reason_phrase?: string;
  getHeader(name: string): string | undefined;
}

/** Calls the listener once when a session has ended. JsSIP reports why the browser gave no microphone only after the failed call. */
export function whenEnded(session: RTCSession, listener: (end: CallEnd) => void): void {
  let withoutMicrophone: EndEvent | undefined;
  session.on("ended", (event) => listener(readEnd(event)));
  session.on("failed", (event) => {
    if (event.cause === "User Denied Media Access") withoutMicrophone = event;
    else listener(readEnd(event));
  });
  session.on("getusermediafailed", ({ name }: DOMException) => {
    if (withoutMicrophone !== undefined) listener({ ...readEnd(withoutMicrophone), mediaFault: name });
  });
}

function readEnd({ cause, message, originator }: EndEvent): CallEnd {
  const end = (message as unknown as EndMessage | null) ?? undefined;
  return {
    cause,
    status: end?.status_code,
    reason: end?.reason_phrase ?? "",
    isRemote: originator === "remote",
    warning: end?.getHeader("Warning"),
    reasonHeader: end?.getHeader("Reason"),
  };
}
