import { escape } from "./xml.ts";

/** A binding as the owner of the address of record sees it. */
export interface RegistrationView {
  readonly id: string;
  readonly contact: string;
  readonly instance: string | undefined;
  /** Its public GRUU (RFC 5628 §5), if it has an instance and has asked for one. */
  readonly gruu: string | undefined;
  /** Thousandths. */
  readonly q: number;
  /** Milliseconds. */
  readonly expires: number;
  /** Made by an administrator (RFC 3680 §4.7.1: created). */
  readonly isStatic: boolean;
}

/** RFC 3680 §5: always the full state; RFC 5628 for GRUUs. */
export function reginfo(entity: string, registrations: readonly RegistrationView[], version: number, now: number): string {
  const state = registrations.length > 0 ? "active" : "init";
  const contacts = registrations.map((one) => contact(one, now)).join("");
  const registration = `<registration aor="${escape(entity)}" id="registration" state="${state}">${contacts}</registration>`;
  const attributes = `xmlns="urn:ietf:params:xml:ns:reginfo" version="${version}" state="full"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\r\n<reginfo ${attributes}>${registration}</reginfo>\r\n`;
}

function contact({ id, contact: uri, instance, gruu, q, expires, isStatic }: RegistrationView, now: number): string {
  const left = Math.max(0, Math.ceil((expires - now) / 1000));
  const event = isStatic ? "created" : "registered";
  const attributes = `id="${escape(id)}" state="active" event="${event}" expires="${left}" q="${q / 1000}"`;
  const named = instance === undefined ? "" : `<unknown-param name="+sip.instance">&quot;&lt;${escape(instance)}&gt;&quot;</unknown-param>`;
  const pub = gruu === undefined ? "" : `<pub-gruu xmlns="urn:ietf:params:xml:ns:gruuinfo" uri="${escape(gruu)}"/>`;
  return `<contact ${attributes}><uri>${escape(uri)}</uri>${named}${pub}</contact>`;
}
