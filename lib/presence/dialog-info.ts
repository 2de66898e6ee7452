import { escape } from "./xml.ts";

/** A call of the user, as those may know it who watch his lamp. */
export interface ShownDialog {
  readonly id: string;
  /** RFC 4235 §3.7.1. */
  readonly state: "trying" | "early" | "confirmed";
  readonly direction: "initiator" | "recipient" | undefined;
}

/** RFC 4235 §4.4: always the full state. */
export function dialogInfo(entity: string, dialogs: readonly ShownDialog[], version: number): string {
  const parts = dialogs.map(({ id, state, direction }) => {
    const side = direction === undefined ? "" : ` direction="${direction}"`;
    return `<dialog id="${escape(id)}"${side}><state>${state}</state></dialog>`;
  });
  const attributes = `xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" entity="${escape(entity)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\r\n<dialog-info ${attributes}>${parts.join("")}</dialog-info>\r\n`;
}
