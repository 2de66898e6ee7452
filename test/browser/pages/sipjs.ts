import type { IncomingResponse } from "sip.js/lib/core/index.js";
import { Invitation, Inviter, Registerer, RequestPendingError, Session, SessionState, UserAgent, type URI } from "sip.js";
import type { SessionDescriptionHandler } from "sip.js/lib/platform/web/index.js";
import { loudnessOf, packetsOf, pitchesOf, pressOn, type TestPhone, whenPossible } from "./test-phone.ts";

const audio = { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } };
const endings: string[] = [];
let agent: UserAgent | undefined;
let registerer: Registerer | undefined;
let isAnonymous = false;
/** On the connection there is now, which the state of the registerer does not tell. */
let isRegistered = false;
let session: Session | undefined;
let state: ReturnType<TestPhone["state"]> = "idle";
let callsReceived = 0;
let losses = 0;

/** A SIP.js application as its documentation shows one. */
window.phone = {
  register: async (url, address, anonymous) => {
    isAnonymous = anonymous;
    agent = new UserAgent({
      uri: uriOf(`sip:${address}`),
      transportOptions: { server: url },
      authorizationUsername: address.split("@")[0] ?? "",
      authorizationPassword: "offhook",
      // Without a temp-gruu, SIP.js answers 404 to what comes for the Contact of its own anonymous call.
      instanceIdAlwaysAdded: anonymous,
      logLevel: "error",
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
      delegate: {
        onInvite: (invitation) => {
          if (state === "confirmed" || state === "calling") void invitation.reject({ statusCode: 486 });
          else follow(invitation);
        },
        onDisconnect: (error) => {
          if (error === undefined) return;
          losses += 1;
          isRegistered = false;
          void comeBack();
        },
      },
    });
    registerer = new Registerer(agent);
    await agent.start();
    await register();
  },
  call: async (target) => {
    if (agent !== undefined) await invite(new Inviter(agent, uriOf(target), { ...audio, anonymous: isAnonymous }));
  },
  answer: async () => (session as Invitation).accept(audio),
  reject: async () => (session as Invitation).reject({ statusCode: 603 }),
  hangUp: async () => {
    if (session instanceof Inviter && session.state !== SessionState.Established) await session.cancel();
    else await session?.bye();
  },
  hold: () => reinvite(true),
  resume: () => reinvite(false),
  transfer: async (target) => void session?.refer(uriOf(target)),
  state: () => state,
  endings: () => endings,
  losses: () => losses,
  isRegistered: () => isRegistered,
  press: (key) => pressOn(mediaOf(session)?.peerConnection, key),
  pressByInfo: (key) => {
    const body = { contentDisposition: "render", contentType: "application/dtmf-relay", content: `Signal=${key}\r\nDuration=160` };
    void session?.info({ requestOptions: { body } });
  },
  pitches: () => pitchesOf(mediaOf(session)?.peerConnection),
  loudness: () => loudnessOf(mediaOf(session)?.peerConnection),
  packets: () => packetsOf(mediaOf(session)?.peerConnection),
  incomingCalls: () => callsReceived,
  isHeldByPeer: () => {
    const direction = mediaOf(session)?.peerConnection?.currentRemoteDescription?.sdp.match(/a=(sendrecv|sendonly|recvonly|inactive)/)?.[1];
    return direction === "sendonly" || direction === "inactive";
  },
};

function register(): Promise<void> {
  return new Promise((resolve, reject) => {
    void registerer?.register({
      requestDelegate: {
        onAccept: () => {
          isRegistered = true;
          resolve();
        },
        onReject: ({ message }) => reject(new Error(`${message.statusCode} ${message.reasonPhrase}`)),
      },
    });
  });
}

/** SIP.js leaves reconnecting to the application. */
async function comeBack(): Promise<void> {
  try {
    await agent?.reconnect();
    await register();
  } catch {
    setTimeout(() => void comeBack(), 1000);
  }
}

async function invite(inviter: Inviter): Promise<void> {
  follow(inviter);
  await inviter.invite({
    requestDelegate: { onReject: ({ message }) => void endings.push(`${message.statusCode} ${message.reasonPhrase}`) },
  });
}

function follow(one: Session): void {
  session = one;
  state = one instanceof Invitation ? "ringing" : "calling";
  if (one instanceof Invitation) callsReceived += 1;
  one.stateChange.addListener((changed) => {
    if (one !== session) return;
    if (changed === SessionState.Established) state = "confirmed";
    if (changed === SessionState.Terminated) state = "ended";
  });
  one.delegate = {
    onRefer: (referral) => {
      void referral.accept().then(() => invite(referral.makeInviter(audio)));
    },
  };
}

/** Resolves when the offer has been answered. */
async function reinvite(isHeld: boolean): Promise<void> {
  const one = session;
  if (one === undefined) return;
  one.sessionDescriptionHandlerOptionsReInvite = { hold: isHeld } as object;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const refused = ({ message }: IncomingResponse) => reject(new Error(`the re-INVITE got ${message.statusCode}`));
  await whenPossible(async () => {
    try {
      await one.invite({ requestDelegate: { onAccept: () => resolve(), onReject: refused } });
      return true;
    } catch (error) {
      // SIP.js has three errors for the same: a re-INVITE is under way in either direction (RFC 3261 §14.1), or its answer is being applied.
      const isUnderWay = /ongoing re-INVITE|Invalid signaling state/.test(String(error));
      if (!isUnderWay && !(error instanceof RequestPendingError)) throw error;
      // It leaves an offer that it could not send, after which no other is possible.
      const { peerConnection: connection } = mediaOf(one) ?? {};
      if (connection?.signalingState === "have-local-offer") await connection.setLocalDescription({ type: "rollback" });
      return false;
    }
  });
  // SIP.js does not always say that it has applied the answer: then the connection shows it.
  const shows = setInterval(() => (isOffered(one, isHeld) ? resolve() : undefined), 100);
  await promise.finally(() => clearInterval(shows));
}

/** Whether an offer to hold or to resume has been answered. */
function isOffered(one: Session, isHeld: boolean): boolean {
  const { peerConnection: connection } = mediaOf(one) ?? {};
  const direction = connection?.currentLocalDescription?.sdp.match(/a=(sendrecv|sendonly|recvonly|inactive)/)?.[1];
  return connection?.signalingState === "stable" && isHeld === (direction === "sendonly" || direction === "inactive");
}

function uriOf(target: string): URI {
  const uri = UserAgent.makeURI(target);
  if (uri === undefined) throw new Error(`${target} is no URI`);
  return uri;
}

function mediaOf(one: Session | undefined): SessionDescriptionHandler | undefined {
  return one?.sessionDescriptionHandler as SessionDescriptionHandler | undefined;
}
