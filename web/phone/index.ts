/** A telephone for pages, without a view of its own: `@offhook/phone`. */
export type { Account, Credentials } from "./account.ts";
export { Chat, type ChatMessage } from "./chat.ts";
export type { Companion } from "./companion.ts";
export { type Contact, Contacts } from "./contacts.ts";
export { type Device, type DeviceKind, Devices } from "./devices.ts";
export type { Ending } from "./endings.ts";
export { type History, type PastCall, noHistory, readHistory } from "./history.ts";
export { readIceServers } from "./ice-servers.ts";
export { Line } from "./line.ts";
export { OwnState } from "./own-state.ts";
export { Phone, type PhoneEvents, type PhoneOptions } from "./phone.ts";
export { type Lamp, type Shown, moods } from "./presence-document.ts";
export type { Quality } from "./quality.ts";
export { instanceOfTab } from "./remembered.ts";
export {
  type Call,
  type Connection,
  type Notice,
  type Phase,
  type PhoneState,
  type Picture,
  describeCall,
  describeConnection,
} from "./state.ts";
export { type PartialTexts, type Texts, english, translated } from "./texts.ts";
export { type Tone, Tones } from "./tones.ts";
export type { PushParameters } from "./push-parameters.ts";
export { type PushFault, subscribeToPush, supportsPush } from "./web-push.ts";
