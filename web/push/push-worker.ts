/// <reference lib="webworker" />
import { english, fill } from "../phone/texts.ts";
import type { PushNote, Sender } from "./push-note.ts";

declare const self: ServiceWorkerGlobalScope;

/** All notes have one tag: the newest replaces the one before. */
const tag = "offhook";

self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json() as PushNote | undefined)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage());
});

/** The server tells the whole state of the calls that wait for this device, and of what it has missed. */
async function show(note: PushNote | undefined): Promise<void> {
  const text = textOf(note);
  if (text === undefined) return closeAll();
  const isRinging = (note?.ringing.length ?? 0) > 0;
  // A page that is open may be frozen; the note wakes its user.
  await self.registration.showNotification(text, { tag, requireInteraction: isRinging, ...(isRinging ? { renotify: true } : {}) });
}

function textOf(note: PushNote | undefined): string | undefined {
  const { push } = english;
  if (note === undefined) return push.something;
  const { ringing, missed, messages } = note;
  const [call] = ringing;
  if (call !== undefined) return fill(push.calls, { who: nameOf(call) });
  if (missed !== null) return fill(push.missed, { count: missed.count, who: nameOf(missed.last) });
  return messages === null ? undefined : fill(push.messages, { count: messages.count, who: nameOf(messages.last) });
}

function nameOf({ from, name }: Sender): string {
  return name ?? from.replace(/^sips?:/, "");
}

async function closeAll(): Promise<void> {
  for (const notification of await self.registration.getNotifications({ tag })) notification.close();
}

/** The page that is open, or a new one: it registers, and gets the call. */
async function openPage(): Promise<void> {
  const { scope } = self.registration;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const isPhone = ({ url }: WindowClient) => url.split(/[?#]/)[0] === scope;
  const open = pages.find(isPhone) ?? pages.find(({ url }) => !url.startsWith(`${scope}console/`));
  if (open === undefined) await self.clients.openWindow(scope);
  else await open.focus();
}
