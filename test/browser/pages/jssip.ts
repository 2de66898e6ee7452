import { UA, WebSocketInterface } from "jssip";
import type { EndEvent, ReferEvent, RTCSession } from "jssip/lib/RTCSession";
import type { RTCSessionEvent } from "jssip/lib/UA";
import { loudnessOf, packetsOf, pitchesOf, pressOn, type TestPhone, whenPossible } from "./test-phone.ts";

const audio = { mediaConstraints: { audio: true, video: false } };
const endings: string[] = [];
let ua: UA | undefined;
let isAnonymous = false;
let session: RTCSession | undefined;
let state: ReturnType<TestPhone["state"]> = "idle";
let callsReceived = 0;
let losses = 0;

/** A JsSIP application as its documentation shows one. */
window.phone = {
  register: (url, address, anonymous) =>
    new Promise((resolve, reject) => {
      isAnonymous = anonymous;
      ua = new UA({
        sockets: new WebSocketInterface(url),
        uri: `sip:${address}`,
        password: "offhook",
        connection_recovery_min_interval: 1,
        connection_recovery_max_interval: 1,
      });
      ua.on("newRTCSession", ({ session: one }: RTCSessionEvent) => {
        if (one.direction === "incoming" && (state === "confirmed" || state === "calling")) one.terminate({ status_code: 486 });
        else follow(one);
      });
      // Or the stale session would take the CANCEL away from the one that the INVITE makes on the next socket.
      ua.on("disconnected", () => {
        losses += 1;
        if (state === "ringing") session?.terminate();
      });
      ua.on("registered", () => resolve());
      ua.on("registrationFailed", ({ cause, response }) => reject(new Error(`${response?.status_code ?? ""} ${cause ?? ""}`)));
      ua.start();
    }),
  call: async (target) => void ua?.call(target, { ...audio, anonymous: isAnonymous }),
  // For an INVITE without an offer JsSIP asks for no microphone by itself.
  answer: async () => session?.answer({ ...audio, rtcOfferConstraints: { offerToReceiveAudio: true } }),
  reject: async () => void session?.terminate({ status_code: 603, reason_phrase: "Decline" }),
  hangUp: async () => void session?.terminate(),
  hold: () => offered((done) => session?.hold({}, done) ?? true),
  resume: () => offered((done) => session?.unhold({}, done) ?? true),
  transfer: async (target) => void session?.refer(target),
  state: () => state,
  endings: () => endings,
  losses: () => losses,
  isRegistered: () => ua?.isRegistered() ?? false,
  press: (key) => pressOn(session?.connection, key),
  pressByInfo: (key) => void session?.sendDTMF(key),
  pitches: () => pitchesOf(session?.connection),
  loudness: () => loudnessOf(session?.connection),
  packets: () => packetsOf(session?.connection),
  incomingCalls: () => callsReceived,
  isHeldByPeer: () => session?.isOnHold().remote ?? false,
};

function follow(one: RTCSession): void {
  session = one;
  state = one.direction === "incoming" ? "ringing" : "calling";
  if (one.direction === "incoming") callsReceived += 1;
  const isCurrent = () => session === one;
  const ended = ({ cause, message }: EndEvent) => {
    endings.push(`${(message as { status_code?: number } | null)?.status_code ?? ""} ${cause}`.trim());
    if (isCurrent()) state = "ended";
  };
  one.on("confirmed", () => {
    if (isCurrent()) state = "confirmed";
  });
  one.on("refer", ({ accept }: ReferEvent) => accept(() => undefined, audio));
  one.on("failed", ended);
  one.on("ended", ended);
}

/** Resolves when an offer has been answered. JsSIP ends a call whose offer is refused. */
function offered(offer: (done: () => void) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const ends = setInterval(() => (session?.isEnded() === true ? reject(new Error(`the call ended: ${endings.at(-1)}`)) : undefined), 100);
  void whenPossible(() => session?.isEnded() === true || offer(resolve));
  return promise.finally(() => clearInterval(ends));
}
