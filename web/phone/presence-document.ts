import type { Texts } from "./texts.ts";

/** The states of a lamp. */
export type Lamp = "unknown" | "waiting" | "refused" | "closed" | "open" | "busy";

export interface Shown {
  readonly lamp: Lamp;
  /** In a word or two. */
  readonly text: string;
}

const pidf = "urn:ietf:params:xml:ns:pidf";
const rpid = "urn:ietf:params:xml:ns:pidf:rpid";

/** The state of a lamp for a presence document (RFC 3863, RFC 4480). */
export function readPresence(body: string, { presence }: Texts): Shown {
  const document = new DOMParser().parseFromString(body, "application/xml");
  const isOpen = [...document.getElementsByTagNameNS(pidf, "basic")].some(({ textContent }) => textContent?.trim() === "open");
  if (!isOpen) return { lamp: "closed", text: presence.offline };
  const activities = [...(document.getElementsByTagNameNS(rpid, "activities")[0]?.children ?? [])].map(({ localName }) => localName);
  const [first] = activities;
  if (activities.includes("on-the-phone")) return { lamp: "busy", text: presence.onThePhone };
  if (first === undefined) return { lamp: "open", text: presence.available };
  const mood = moods.find((one) => one === first);
  return { lamp: "busy", text: mood === undefined ? first : presence[mood] };
}

/** The activities (RFC 4480 §3.2) that a user may choose. */
export const moods = ["away", "busy", "meeting"] as const;

/** The document with the user's activity. */
export function composePresence(entity: string, activity: string): string {
  const person = `<dm:person id="me"><r:activities><r:${activity}/></r:activities></dm:person>`;
  const tuple = `<tuple id="page"><status><basic>open</basic></status><contact>${escape(entity)}</contact></tuple>`;
  const namespaces = `xmlns="${pidf}" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="${rpid}"`;
  return `<?xml version="1.0" encoding="UTF-8"?><presence ${namespaces} entity="${escape(entity)}">${tuple}${person}</presence>`;
}

/** Users who ask for permission to watch, from a watcher information document (RFC 3858): `carol@example.com`. */
export function readPending(body: string): string[] {
  const document = new DOMParser().parseFromString(body, "application/xml");
  const watchers = [...document.getElementsByTagNameNS("urn:ietf:params:xml:ns:watcherinfo", "watcher")];
  return watchers
    .filter((watcher) => ["pending", "waiting"].includes(watcher.getAttribute("status") ?? ""))
    .map(({ textContent }) => (textContent ?? "").trim().replace(/^sips?:/, ""));
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
