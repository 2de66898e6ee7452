import type { CallDetails } from "../transport/flow.ts";
import { type Parameters, parameter, unquote } from "../syntax/parameters.ts";
import { escape } from "./xml.ts";

/** A call of the user. */
export interface DialogView {
  /** Constant during the call. */
  readonly id: string;
  /** RFC 4235 §3.7.1. */
  readonly state: "trying" | "early" | "confirmed";
  readonly direction: "initiator" | "recipient" | undefined;
  /** For the user's own phones only: with the tags a phone can take over the call (RFC 4235 §7). */
  readonly details: CallDetails | undefined;
}

/** The one dialog that a watcher has named (RFC 4235 §3.2). */
export interface NamedDialog {
  readonly callId: string;
  readonly tags: readonly string[];
}

/** The dialog that an Event header names; undefined if it names none, which means all. */
export function dialogNamedIn(parameters: Parameters): NamedDialog | undefined {
  const callId = parameter(parameters, "call-id");
  if (callId === undefined) return undefined;
  const tags = [parameter(parameters, "from-tag"), parameter(parameters, "to-tag")];
  return { callId: unquote(callId), tags: tags.flatMap((tag) => (tag === undefined ? [] : [unquote(tag)])) };
}

/** The named one of the user's dialogs. Whose tag is which depends on the watcher, so both orders match. */
export function ofNamed(dialogs: readonly DialogView[], named: NamedDialog | undefined): readonly DialogView[] {
  if (named === undefined) return dialogs;
  return dialogs.filter(
    ({ details }) => details?.callId === named.callId && named.tags.every((tag) => tag === details.localTag || tag === details.remoteTag),
  );
}

/** RFC 4235 §4.4: always the full state. @param isOwner whether the watcher is the user */
export function dialogInfo(entity: string, dialogs: readonly DialogView[], version: number, isOwner: boolean): string {
  const parts = dialogs.map(({ id, state, direction, details }) => {
    const shown = isOwner ? details : undefined;
    const names = shown === undefined ? {} : { "call-id": shown.callId, "local-tag": shown.localTag, "remote-tag": shown.remoteTag };
    const attributes = Object.entries({ id, ...names, direction: direction ?? "" }).filter(([, value]) => value !== "");
    const written = attributes.map(([name, value]) => ` ${name}="${escape(value)}"`).join("");
    return `<dialog${written}><state>${state}</state>${shown === undefined ? "" : remote(shown)}</dialog>`;
  });
  const attributes = `xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" entity="${escape(entity)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\r\n<dialog-info ${attributes}>${parts.join("")}</dialog-info>\r\n`;
}

function remote({ remote: uri, target }: CallDetails): string {
  const contact = target === "" ? "" : `<target uri="${escape(target)}"/>`;
  return `<remote><identity>${escape(uri)}</identity>${contact}</remote>`;
}
