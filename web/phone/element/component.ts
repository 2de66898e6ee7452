import { Chat, type ChatMessage } from "../chat.ts";
import { Contacts } from "../contacts.ts";
import { type History, noHistory, readHistory } from "../history.ts";
import { OwnState } from "../own-state.ts";
import { Phone, type PhoneOptions } from "../phone.ts";
import type { Quality } from "../quality.ts";
import { ringFor } from "../ringing.ts";
import type { Texts } from "../texts.ts";
import { Tones } from "../tones.ts";
import type { Deeds, Model, Tab } from "./model.ts";

/** Milliseconds after a call until its record is expected. */
const recordDelay = 3000;

export interface ComponentOptions extends Pick<PhoneOptions, "instance" | "maxCalls" | "mayTransfer"> {
  readonly texts: Texts;
  /** Of dates and times. */
  readonly language: string;
}

/** Gets what the component shows, and what has come. */
export interface ComponentWatch {
  changed(model: Model): void;
  came(message: ChatMessage): void;
}

/** A phone with all its companions, and what is shown of them. */
export class Component implements Deeds {
  readonly phone: Phone;
  readonly #tones = new Tones();
  readonly #watch: ComponentWatch;
  readonly #contacts: Contacts;
  readonly #chat: Chat;
  readonly #ownState: OwnState;
  #model: Model | undefined;

  constructor({ texts, language, ...options }: ComponentOptions, watch: ComponentWatch) {
    this.#watch = watch;
    this.#contacts = new Contacts(
      texts,
      (contacts) => this.#change({ contacts }),
      (requests) => this.#change({ requests }),
    );
    this.#chat = new Chat(
      texts,
      (messages) => this.#change({ messages }),
      (message) => this.#came(message),
    );
    this.#ownState = new OwnState(texts, (mood, seen) => this.#change({ mood, seen }));
    this.phone = new Phone({ ...options, texts, companions: [this.#contacts, this.#chat, this.#ownState] });
    this.#model = {
      ...{ texts, language, state: this.phone.state, tab: "phone", qualities: {}, messages: [], unread: 0, writesTo: "" },
      ...{ contacts: [], requests: [], mood: "", seen: undefined, history: noHistory },
      devices: { microphone: [], output: [], camera: [] },
    };
    this.#follow();
  }

  get model(): Model | undefined {
    return this.#model;
  }

  show(tab: Tab): void {
    this.#change(tab === "messages" ? { tab, unread: 0 } : { tab });
    if (tab === "history") void this.#readHistory();
    if (tab === "settings") void this.#readDevices();
  }

  writeTo(peer: string): void {
    this.#change({ writesTo: peer });
    this.show("messages");
  }

  send(to: string, text: string): boolean {
    return this.#chat.send(to, text);
  }

  addContact(written: string): boolean {
    return this.#contacts.add(written);
  }

  removeContact(address: string): void {
    this.#contacts.remove(address);
  }

  say(mood: string): void {
    this.#ownState.say(mood);
  }

  moreHistory(): void {
    void this.#readHistory(this.#model?.history);
  }

  #follow(): void {
    this.phone.on("changed", (state) => {
      this.#change({ state });
      ringFor(state.calls, this.#tones);
    });
    this.phone.on("measured", ({ id, quality }) => this.#measured(id, quality));
    this.phone.on("ended", ({ call, ending: { tone } }) => {
      if (call !== undefined) this.#forget(call.id);
      if (tone !== undefined && this.phone.state.calls.length === 0) this.#tones.play(tone);
      setTimeout(() => {
        if (this.#model?.tab === "history") void this.#readHistory();
      }, recordDelay);
    });
  }

  #came(message: ChatMessage): void {
    const { tab = "phone", unread = 0, writesTo = "" } = this.#model ?? {};
    this.#change({ unread: tab === "messages" ? 0 : unread + 1, writesTo: writesTo === "" ? message.peer : writesTo });
    if (!this.#tones.isPlaying) this.#tones.play("message");
    this.#watch.came(message);
  }

  #measured(id: string, quality: Quality): void {
    this.#change({ qualities: { ...this.#model?.qualities, [id]: quality } });
  }

  #forget(id: string): void {
    const { [id]: _ended, ...qualities } = this.#model?.qualities ?? {};
    this.#change({ qualities });
  }

  async #readHistory(present?: History): Promise<void> {
    const { account } = this.phone;
    if (account !== undefined) this.#change({ history: await readHistory(account, present) });
  }

  async #readDevices(): Promise<void> {
    if (navigator.mediaDevices !== undefined) this.#change({ devices: await this.phone.devices.list() });
  }

  #change(changes: Partial<Model>): void {
    if (this.#model === undefined) return;
    this.#model = { ...this.#model, ...changes };
    this.#watch.changed(this.#model);
  }
}
