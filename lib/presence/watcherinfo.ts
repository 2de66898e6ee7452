import { escape } from "./xml.ts";

/** A watcher of the user, or a user who asks to be one. */
export interface Watcher {
  readonly id: string;
  /** `sip:carol@example.com`. */
  readonly uri: string;
  /** RFC 3857 §4.7.1. */
  readonly status: "pending" | "active" | "waiting";
}

/** RFC 3858 §4: always the full state, for the watchers of one package of the user. */
export function watcherinfo(entity: string, watchers: readonly Watcher[], version: number): string {
  const parts = watchers.map(({ id, uri, status }) => {
    return `<watcher id="${escape(id)}" event="${events[status]}" status="${status}">${escape(uri)}</watcher>`;
  });
  const list = `<watcher-list resource="${escape(entity)}" package="presence">${parts.join("")}</watcher-list>`;
  const attributes = `xmlns="urn:ietf:params:xml:ns:watcherinfo" version="${version}" state="full"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\r\n<watcherinfo ${attributes}>${list}</watcherinfo>\r\n`;
}

/** The event that led to the status (RFC 3857 §4.7.1). */
const events: Readonly<Record<Watcher["status"], string>> = { pending: "subscribe", active: "approved", waiting: "timeout" };
