import { type Members, type Names, renamed } from "./older-shapes.ts";
import { upgradeEnvelope } from "./envelope.ts";
import type { Flow } from "./flow.ts";

/** Octets of structured clone that the platform keeps for a hibernating socket. */
export const maxAttachment = 16_384;

/**
 * Octets of an attachment that each part of a flow may take. What needs more is a row meanwhile, so that no part takes the room of
 * another. `unverifiedSubscriber` has no row: a larger one goes into the home's own copy. It shares the attachment with `rest` only, since nothing
 * goes on where nobody has authenticated.
 */
export const shares = {
  unverifiedSubscriber: 6000,
  nonceCounts: 400,
  boundContacts: 2300,
  nonSubscriber: 600,
  pendingInvites: 1400,
  proceeding: 1500,
  confirmed: 700,
  activeCalls: 2800,
  sent: 5000,
  listStates: 500,
} as const satisfies Partial<Record<keyof Flow, number>>;

/** Octets of all that has no share of its own. */
export const shareOfRest = 1000;

/** A part of a flow that a row may hold. */
export type Slice = Exclude<keyof typeof shares, "unverifiedSubscriber">;

const slices = new Set((Object.keys(shares) as (keyof typeof shares)[]).filter((name) => name !== "unverifiedSubscriber"));

/** A flow as it is attached: the parts that rows hold are not in it but named. */
export type Attachment = Omit<Flow, Slice> &
  Partial<Pick<Flow, Slice>> & {
    /** Of its shape; attachments of the first release have none. */
    readonly version: typeof attachmentVersion;
    readonly inRows?: readonly Slice[];
  };

const attachmentVersion = 2;

/** The parts of these changes that are too large for their shares, and those that are not. */
export function splitBySize(changes: Partial<Flow>): { readonly large: readonly Slice[]; readonly small: readonly Slice[] } {
  const [large, small]: [Slice[], Slice[]] = [[], []];
  for (const name in changes) {
    const slice = name as Slice;
    if (slices.has(slice)) (isWithin(changes[slice], shares[slice]) ? small : large).push(slice);
  }
  return { large, small };
}

/** What is attached of a flow, of which rows hold some parts. */
export function attachmentOf(flow: Flow, inRows: readonly Slice[]): Attachment {
  if (inRows.length === 0) return { version: attachmentVersion, ...flow };
  const attached: Record<string, unknown> = { version: attachmentVersion, ...flow, inRows };
  for (const name of inRows) delete attached[name];
  return attached as unknown as Attachment;
}

/** An attachment, whichever build has made it. */
export function readAttachment(attached: Members): Attachment {
  return (attached["version"] === undefined ? upgradeAttachment(attached) : attached) as unknown as Attachment;
}

/** The whole flow. @param rows the parts that rows held, as they were written */
export function restoreFlow({ version: _version, inRows: _inRows, ...attached }: Attachment, rows: Members): Flow {
  return { nonceCounts: [], boundContacts: [], pendingInvites: [], proceeding: [], ...attached, ...upgradeFlow(rows) };
}

/** Whether a user's row may be attached to a socket that has not authenticated. */
export function isPresentable(subscriber: Flow["unverifiedSubscriber"]): boolean {
  return isWithin(subscriber, shares.unverifiedSubscriber);
}

/** Whether what has no share of its own is as short as it has to be. */
export function isRestShort(flow: Flow): boolean {
  const rest = Object.entries(flow).filter(([name]) => !(name in shares));
  return isWithin(Object.fromEntries(rest), shareOfRest);
}

/** What the first release called the members of a flow. */
export const namesInFirstRelease = [
  ["heard", "hasValidMessage"],
  ["presented", "unverifiedSubscriber"],
  ["counts", "nonceCounts"],
  ["guesses", "failedAttempts"],
  ["carried", "boundContacts"],
  ["speaker", "unregisteredPhone"],
  ["visitor", "nonSubscriber"],
  ["pending", "pendingInvites"],
  ["taken", "confirmed"],
  ["dialogs", "activeCalls"],
  ["lists", "listStates"],
] as const satisfies Names;

/** The name that a part has now. */
function sliceNamed(written: string): Slice {
  return (namesInFirstRelease.find(([before]) => before === written)?.[1] ?? written) as Slice;
}

function upgradeAttachment({ elsewhere, ...attached }: Members): Members {
  const inRows = Array.isArray(elsewhere) ? { inRows: elsewhere.map(String).map(sliceNamed) } : {};
  const way = attached["way"] === "leg" || attached["way"] === "shared" ? "shared" : "dedicated";
  return { ...upgradeFlow(attached), ...inRows, way, version: attachmentVersion };
}

/** Parts of a flow, by the names they have now. */
function upgradeFlow(written: Members): Members {
  const flow = renamed(written, namesInFirstRelease);
  const { pendingInvites, sent } = flow as { readonly pendingInvites?: readonly Members[]; readonly sent?: readonly Members[] };
  return {
    ...flow,
    ...(pendingInvites === undefined
      ? {}
      : { pendingInvites: pendingInvites.map((invite) => renamed(invite, [["isForgetful", "dropsOnDisconnect"]])) }),
    ...(sent === undefined ? {} : { sent: sent.map(upgradeSent) }),
  };
}

function upgradeSent(written: Members): Members {
  const { message, ...sent } = renamed(written, [["letter", "message"]]);
  return message === undefined ? sent : { ...sent, message: upgradeEnvelope(message as Members) };
}

/** Octets that the structured clone of plain data has at most. */
export function cloneSize(value: unknown): number {
  return sizeOf(value, (text) => (isLatin1(text) ? text.length : 2 * text.length));
}

/** Whether plain data has no more octets than that; most has so few that its letters need not be looked at. */
function isWithin(value: unknown, share: number): boolean {
  return sizeOf(value, twice) <= share || cloneSize(value) <= share;
}

function sizeOf(value: unknown, lettersOf: (text: string) => number): number {
  if (typeof value === "string") return 6 + lettersOf(value);
  if (typeof value === "number") return 9;
  if (typeof value !== "object" || value === null) return 1;
  let sum = 12;
  if (Array.isArray(value)) for (const item of value) sum += sizeOf(item, lettersOf);
  else {
    const members = value as Readonly<Record<string, unknown>>;
    for (const name in members) sum += 6 + lettersOf(name) + sizeOf(members[name], lettersOf);
  }
  return sum;
}

function twice({ length }: string): number {
  return 2 * length;
}

function isLatin1(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 255) return false;
  return true;
}
