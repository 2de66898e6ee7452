import type { ChatMessage } from "../chat.ts";
import type { Contact } from "../contacts.ts";
import type { Device, DeviceKind } from "../devices.ts";
import type { History } from "../history.ts";
import type { Phone } from "../phone.ts";
import type { Shown } from "../presence-document.ts";
import type { Quality } from "../quality.ts";
import type { PhoneState } from "../state.ts";
import type { Texts } from "../texts.ts";

export const tabs = ["phone", "messages", "contacts", "history", "settings"] as const;
export type Tab = (typeof tabs)[number];

/** All that the component shows. */
export interface Model {
  readonly texts: Texts;
  readonly language: string;
  readonly state: PhoneState;
  readonly tab: Tab;
  /** By the ids of the calls. */
  readonly qualities: Readonly<Record<string, Quality>>;
  readonly messages: readonly ChatMessage[];
  readonly unread: number;
  /** The address in the field To. */
  readonly writesTo: string;
  readonly contacts: readonly Contact[];
  readonly requests: readonly string[];
  readonly mood: string;
  readonly seen: Shown | undefined;
  readonly history: History;
  readonly devices: Readonly<Record<DeviceKind, readonly Device[]>>;
}

/** What the user can do besides what the phone does. */
export interface Deeds {
  readonly phone: Phone;
  show(tab: Tab): void;
  writeTo(peer: string): void;
  /** @returns false if it is neither an address nor a user name */
  send(to: string, text: string): boolean;
  addContact(written: string): boolean;
  removeContact(address: string): void;
  say(mood: string): void;
  moreHistory(): void;
}

export interface ViewProperties {
  readonly model: Model;
  readonly deeds: Deeds;
}
