import { type Request, headerValue } from "../syntax/message.ts";
import { isFault } from "../syntax/fault.ts";
import { parseFromTo } from "../syntax/from-to.ts";
import { legible, toOctets } from "../syntax/octets.ts";
import { unquote } from "../syntax/parameters.ts";

/** Who calls, or has written, as a notification shows it. */
export interface Sender {
  /** A URI. */
  readonly from: string;
  readonly name?: string;
}

/** A call that rings, for a device that has not got its INVITE. */
export interface RingingCall extends Sender {
  /** The transaction of its INVITE. */
  readonly call: string;
  /** Milliseconds: until when the INVITE waits for the device. */
  readonly until: number;
}

/** How many there were since the device last registered, and the newest of them. */
export interface Missed {
  readonly count: number;
  readonly last: Sender;
}

/**
 * What a sleeping device is to show: one note, which replaces the one before. So a call that has ended takes its note back, and a device
 * that was switched off gets all that it has missed as one note.
 */
export interface DeviceNote {
  readonly ringing: readonly RingingCall[];
  readonly missed?: Missed;
  readonly messages?: Missed;
  /** It has to refresh its registration (RFC 8599 §5.5). */
  readonly refresh?: true;
}

export const emptyNote: DeviceNote = { ringing: [] };

/** Calls that a note shows. */
const maxRinging = 5;
/** Characters of a URI and of a name. */
const [maxUri, maxName] = [200, 100] as const;
/** Octets of a note, as a text within JSON: push services take 3993 (RFC 8291 §4) or 4096. */
const maxNote = 3500;
/** Seconds that a push service keeps a note of what was missed. */
const keptFor = 86_400;

/** A call rings. */
export function withRinging(note: DeviceNote, call: RingingCall): DeviceNote {
  return { ...note, ringing: [...note.ringing.filter((one) => one.call !== call.call), call].slice(-maxRinging) };
}

/** A call does not ring any more; it was missed unless another phone has answered it. */
export function withoutRinging(note: DeviceNote, call: string, isMissed: boolean): DeviceNote {
  const ended = note.ringing.find((one) => one.call === call);
  if (ended === undefined) return note;
  const ringing = note.ringing.filter((one) => one !== ended);
  return isMissed ? { ...note, ringing, missed: oneMore(note.missed, senderOnly(ended)) } : { ...note, ringing };
}

/** A message is stored. */
export function withMessage(note: DeviceNote, sender: Sender): DeviceNote {
  return { ...note, messages: oneMore(note.messages, sender) };
}

/** Whether nothing of it has to be remembered. */
export function isEmptyNote({ ringing, missed, messages, refresh }: DeviceNote): boolean {
  return ringing.length === 0 && missed === undefined && messages === undefined && refresh === undefined;
}

/** How the note is sent: its JSON for the device, the seconds that it is worth something, and whether the device is to wake up for it. */
export interface SentNote {
  readonly text: string;
  readonly ttl: number;
  readonly isUrgent: boolean;
}

/** @param now milliseconds */
export function sentNote({ ringing, missed, messages, refresh }: DeviceNote, now: number): SentNote {
  const seconds = Math.max(0, ...ringing.map(({ until }) => Math.ceil((until - now) / 1000)));
  const others = { missed: missed ?? null, messages: messages ?? null, refresh: refresh === true };
  return {
    text: textOf(ringing.map(senderOnly), others),
    ttl: ringing.length > 0 ? Math.max(1, seconds) : keptFor,
    isUrgent: ringing.length > 0,
  };
}

/** Marks that turn the text after them: a name could look like another (Unicode Standard Annex 9). */
const directions = /[\u202A-\u202E\u2066-\u2069]/g;

/** Who has sent a request, as its recipient may know it. */
export function senderOf(request: Request): Sender {
  const from = parseFromTo(headerValue(request, "from") ?? "");
  if (isFault(from)) return { from: "" };
  const name = legible(unquote(from.address.displayName ?? ""), maxName).replace(directions, "");
  return { from: legible(from.address.uri, maxUri), ...(name === "" ? {} : { name }) };
}

/** With as many ringing calls as a push service takes, the newest in any case: names grow when they are escaped. */
function textOf(ringing: readonly Sender[], others: object): string {
  const text = JSON.stringify({ ringing, ...others });
  const { length } = toOctets(JSON.stringify(text));
  return length > maxNote && ringing.length > 1 ? textOf(ringing.slice(1), others) : text;
}

function oneMore(before: Missed | undefined, last: Sender): Missed {
  return { count: (before?.count ?? 0) + 1, last };
}

function senderOnly({ from, name }: Sender): Sender {
  return { from, ...(name === undefined ? {} : { name }) };
}
