import { cseqMethod, readReceivedMessage, type ReceivedMessage } from "./received-message.ts";
import { createInbox } from "./inbox.ts";
import { patience } from "./patience.ts";

/** A method, a status, or whatever can be said in code. */
export type Match = string | number | ((message: ReceivedMessage) => boolean);

/** A WebSocket with the subprotocol sip: frames out as they are, frames in as messages that wait to be looked at. */
export interface SipSocket {
  /** As it is: garbage too. */
  send(frame: string | Uint8Array): void;
  /** Takes the oldest message that matches, waiting for it. A status may be narrowed by its CSeq's method. */
  next(match: Match, narrowing?: { readonly method?: string; readonly milliseconds?: number }): Promise<ReceivedMessage>;
  /** The next frame that is no message but an answer to a keep-alive (RFC 5626 §4.4.1). */
  nextKeepAlive(): Promise<string>;
  /** What came and was not taken. */
  rest(): readonly ReceivedMessage[];
  close(code?: number, reason?: string): void;
  /** Cuts the connection without a word. */
  cut(): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** The hearing half of a socket: messages and keep-alives that wait to be looked at. */
export interface ReceivedMessages extends Pick<SipSocket, "next" | "nextKeepAlive" | "rest"> {
  hear(raw: string, isBinary: boolean): void;
}

/**
 * @param owner whose name a failing test shows
 * @param check throws at a message that may not be
 */
export function createReceivedMessages(owner: string, check: (message: ReceivedMessage) => void = () => undefined): ReceivedMessages {
  const messages = createInbox<ReceivedMessage>(owner, (message) => message.startLine);
  const keepAlives = createInbox<string>(owner, (frame) => JSON.stringify(frame));
  return {
    hear: (raw, isBinary) => {
      if (raw.trim() === "") return keepAlives.put(raw);
      const message = readReceivedMessage(raw, isBinary);
      check(message);
      messages.put(message);
    },
    next: (match, { method, milliseconds } = {}) => messages.next(matcher(match, method), milliseconds ?? patience),
    nextKeepAlive: () => keepAlives.next(() => true, patience),
    rest: () => messages.rest(),
  };
}

/** What tells whether a message matches. */
export function matcher(match: Match, method?: string): (message: ReceivedMessage) => boolean {
  if (typeof match === "function") return match;
  if (typeof match === "string") return (message) => message.method === match;
  return (message) => message.status === match && (method === undefined || cseqMethod(message) === method);
}
