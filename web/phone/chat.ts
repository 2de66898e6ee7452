import type { UA } from "jssip";
import { targetOf } from "./target.ts";
import type { IncomingMessageEvent, OutgoingMessageEvent } from "jssip/lib/UA";
import type { Message, MessageFailedEvent } from "jssip/lib/Message";
import type { Account } from "./account.ts";
import type { Companion } from "./companion.ts";
import { type Texts, byStatus, fill } from "./texts.ts";

/** A message of a conversation (MESSAGE, RFC 3428). */
export interface ChatMessage {
  readonly id: string;
  /** The address at the other end. */
  readonly peer: string;
  readonly direction: "incoming" | "outgoing";
  readonly text: string;
  /** The result of an outgoing one, in a few words; "" until it is known. */
  readonly fate: string;
  readonly isFailure: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Messages stored for this tab. */
const kept = 100;
const plainText = "text/plain";

/** The messages of the user: sends and receives them, and stores both as long as the tab is open. */
export class Chat implements Companion {
  readonly #show: (messages: readonly ChatMessage[]) => void;
  readonly #came: (message: ChatMessage) => void;
  readonly #texts: Texts;
  #messages: ChatMessage[] = [];
  #ua: UA | undefined;
  #address = "";

  /** @param came called for a message that has just arrived */
  constructor(texts: Texts, show: (messages: readonly ChatMessage[]) => void, came: (message: ChatMessage) => void) {
    this.#texts = texts;
    this.#show = show;
    this.#came = came;
  }

  registered(ua: UA, { address }: Account): void {
    if (ua === this.#ua) return;
    this.#ua = ua;
    this.#address = address;
    const stored = JSON.parse(sessionStorage.getItem(storageOf(address)) ?? "[]") as ChatMessage[];
    const { sending, unknown } = this.#texts.chat;
    this.#messages = stored.map((message) => (message.fate === sending ? { ...message, fate: unknown } : message));
    ua.on("newMessage", (event: IncomingMessageEvent | OutgoingMessageEvent) => {
      if (ua === this.#ua && event.originator === "remote") this.#receive(event);
    });
    this.#show(this.#messages);
  }

  signedOut(): void {
    sessionStorage.removeItem(storageOf(this.#address));
    this.#ua = undefined;
    this.#messages = [];
    this.#show(this.#messages);
  }

  /** @returns false if it is neither an address nor a user name */
  send(to: string, text: string): boolean {
    const target = this.#ua && targetOf(this.#ua, to);
    if (this.#ua === undefined || target === undefined) return false;
    const peer = target.toAor().replace(/^sips?:/, "");
    const id = this.#add({ peer, direction: "outgoing", text, fate: this.#texts.chat.sending, isFailure: false });
    this.#ua.sendMessage(String(target), text, {
      contentType: `${plainText};charset=UTF-8`,
      eventHandlers: {
        succeeded: ({ response }) =>
          this.#settle(id, response.status_code === 202 ? this.#texts.chat.stored : this.#texts.chat.delivered, false),
        failed: (event) => this.#settle(id, describeFailure(peer, event, this.#texts), true),
      },
    });
    return true;
  }

  /** JsSIP answers 200 unless a message is refused here. */
  #receive({ message, request }: IncomingMessageEvent): void {
    const type = (request.getHeader("Content-Type") ?? plainText).split(";")[0]?.trim().toLowerCase();
    if (type !== plainText) return refuseType(message);
    const peer = message.remote_identity.uri.toAor().replace(/^sips?:/, "");
    this.#add({ peer, direction: "incoming", text: request.body ?? "", fate: "", isFailure: false });
    const last = this.#messages.at(-1);
    if (last !== undefined) this.#came(last);
  }

  #add(message: Omit<ChatMessage, "id" | "at">): string {
    const id = crypto.randomUUID();
    this.#change([...this.#messages, { ...message, id, at: Date.now() }].slice(-kept));
    return id;
  }

  #settle(id: string, fate: string, isFailure: boolean): void {
    this.#change(this.#messages.map((message) => (message.id === id ? { ...message, fate, isFailure } : message)));
  }

  #change(messages: ChatMessage[]): void {
    this.#messages = messages;
    sessionStorage.setItem(storageOf(this.#address), JSON.stringify(messages));
    this.#show(messages);
  }
}

/** RFC 3261 §21.4.13: a 415 lists the accepted types. */
function refuseType(message: Message): void {
  message.reject({ status_code: 415, extraHeaders: [`Accept: ${plainText}`] });
}

function describeFailure(peer: string, { response, cause }: MessageFailedEvent, texts: Texts): string {
  const status = (response as typeof response | null)?.status_code;
  if (status === undefined) return cause === "Connection Error" ? texts.chat.notSent : texts.chat.unknown;
  const reason = fill(byStatus(texts.messageRefusal, status) ?? response.reason_phrase, { peer });
  return fill(texts.chat.notDelivered, { reason, status });
}

function storageOf(address: string): string {
  return `offhook-chat ${address}`;
}
