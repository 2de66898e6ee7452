/**
 * Every text of the phone and its component, in English. A translation gives other texts for the same names: `{peer}` and the like are
 * replaced, and may stand anywhere.
 */
export const english = {
  connection: {
    offline: "Not connected",
    connecting: "Connecting…",
    registered: "Registered as {address}",
    reconnecting: "Reconnecting: the connection was lost",
    tryingAgain: "Trying again: the server cannot be reached",
    refused: "Registration failed: {reason}",
    wrongPassword: "Registration failed: the address or the password is wrong (401)",
    wrongAddress: "Registration failed: the server does not serve this address (403)",
    tokenRefused: "The token has expired or is not accepted",
    originRefused: "The server does not let pages of {origin} connect: add the origin to ALLOWED_ORIGINS",
    notFound: "The server cannot be reached at {server}",
    noServer: "The phone needs the attribute server: https://sip.example.com",
    noAccount: "The phone needs the attribute token, or the attributes address and password",
    notAddress: '"{address}" is not an address',
    noAnswer: "no answer",
  },
  call: {
    offered: "is calling you",
    calling: "Calling…",
    waiting: "Waiting for the phone to come back…",
    ringing: "Ringing…",
    answering: "Answering…",
    ending: "Hanging up as soon as the connection is back",
    talking: "In a call",
    held: "On hold",
    heldByPeer: "The other side has put you on hold",
    restoring: "The audio was interrupted: looking for another path…",
    transferring: "Transferring to {target}…",
    anonymous: "Anonymous caller",
    notCallable: '"{target}" cannot be called: it is neither an address nor a user name',
    tooMany: "There is a call already: hang up first",
    calledMeanwhile: "{peer} called meanwhile, and got a busy signal",
    lostWhileRinging: "The connection was lost before the call was answered",
    reloadedWhileTalking: "Your call with {peer} ended when this page was left or reloaded",
    reloadedWhileCalling: "Your call to {peer} was given up when this page was left or reloaded",
    reloadedWhileRinging: "{peer} was calling when this page was left or reloaded: it rings again if they still wait",
  },
  transfer: {
    done: "{peer} was transferred to {target}",
    failed: "{peer} could not be transferred to {target}: {reason}",
    failedSilently: "{peer} could not be transferred to {target}",
    received: "{peer} transfers you to {target}",
    replaced: "{peer} has transferred the call to {target}",
    noConnection: "there is no connection",
  },
  ending: {
    byAdministrator: "An administrator ended the call with {peer}",
    peerLost: "{peer} lost the connection, so the call was ended",
    answeredElsewhere: "{peer}'s call was answered on another of your phones",
    declinedElsewhere: "{peer}'s call was declined on another of your phones",
    wentOn: "{peer}'s call went on to another phone",
    peerGaveUp: "{peer} gave up",
    cancelled: "The call was cancelled",
    failed: "The call failed: {reason}",
    noSuchUser: "{peer} does not exist",
    youHungUp: "You hung up",
    peerHungUp: "{peer} hung up",
    youGaveUp: "You gave up",
    youDeclined: "You declined",
    peerDeclined: "{peer} declined",
    youDidNotAnswer: "You did not answer {peer}",
    peerDidNotAnswer: "{peer} did not answer",
    connectionLost: "The connection was lost before {peer} answered",
    serverSilent: "The server did not answer",
    browserFailed: "The call failed in this browser",
    noAudio: "The browser could not set up the audio of the call",
    otherKind: "{peer}'s phone does not support this kind of call",
    audioLost: "The audio of the call was lost",
    lostWhenAnswered: "The call was lost when you answered it",
  },
  /** Why a call was refused, by the status. */
  refusal: {
    401: "The call failed: the server does not accept the password",
    403: "The server does not allow a call to {peer}, or to where {peer} forwards calls",
    404: "{peer} does not exist, or forwards calls to an address that does not exist",
    407: "The call failed: the server does not accept the password",
    408: "{peer} did not answer",
    410: "{peer} does not exist any more",
    480: "{peer} is not reachable",
    482: "The call was forwarded in a circle: {peer} forwards calls to an address that forwards them back",
    483: "The call was forwarded too often",
    484: "{peer} is not a complete number",
    486: "{peer} is busy",
    488: "{peer}'s phone does not support this kind of call",
    500: "The server failed",
    502: "The call failed at another server",
    503: "The server cannot place the call now",
    504: "Another server did not answer",
    600: "{peer} is busy on all phones",
    603: "{peer} declined",
    604: "{peer} does not exist anywhere",
    606: "{peer}'s phone does not support this kind of call",
  },
  media: {
    NotAllowedError: "The microphone is blocked: allow it for this page in the browser, and try again",
    SecurityError: "The microphone is blocked: this page may not use it",
    NotFoundError: "No microphone was found: connect one, and try again",
    NotReadableError: "The microphone cannot be opened: another program may be using it",
    InsecureContext: "Browsers allow the microphone only on https pages",
    other: "The microphone cannot be used ({name})",
    noCamera: "The camera cannot be used ({name})",
    noScreen: "The screen is not shared ({name})",
  },
  chat: {
    sending: "sending…",
    unknown: "it is not known whether it arrived",
    stored: "stored until they are online",
    delivered: "delivered",
    notSent: "not sent: there is no connection",
    notDelivered: "not delivered: {reason} ({status})",
  },
  /** Why a message was not delivered, by the status. */
  messageRefusal: {
    403: "the server does not allow it",
    404: "{peer} does not exist",
    405: "their phone does not accept messages",
    408: "no answer",
    413: "it is too long",
    415: "their phone does not accept text",
    480: "they are not reachable",
    486: "they are busy",
    501: "their phone does not accept messages",
    603: "they declined it",
  },
  presence: {
    unknown: "…",
    offline: "Offline",
    onThePhone: "On the phone",
    available: "Available",
    away: "Away",
    busy: "Busy",
    meeting: "In a meeting",
    asked: "Asked",
    notVisible: "Not visible",
    othersSee: "Others see: {state}",
    asks: "{peer} asks to see your presence",
    decisionRefused: "The server refused the change: {reason}",
    unreachable: "it cannot be reached",
  },
  /** Why presence cannot be watched, by the status. */
  presenceRefusal: {
    403: "Cannot be watched from here",
    404: "There is no such user",
    480: "Has never registered",
  },
} as const;

/** The texts of a language, with the names of the English ones. */
export type Texts = { readonly [Group in keyof typeof english]: Readonly<Record<keyof (typeof english)[Group], string>> };

/** A translation, as far as it goes: what is missing stays English. */
export type PartialTexts = { readonly [Group in keyof Texts]?: Partial<Texts[Group]> };

function translated(translation: PartialTexts): Texts {
  const groups = Object.entries(english).map(([group, texts]) => [group, { ...texts, ...translation[group as keyof Texts] }]);
  return Object.fromEntries(groups) as Texts;
}

/** Puts values in the place of their names in braces. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text for a status; undefined if there is none. */
export function byStatus(texts: Readonly<Record<number, string>>, status: number): string | undefined {
  return texts[status];
}
