import { type Members, type Names, renamed } from "./older-shapes.ts";
import { upgradeEnvelope } from "./envelope.ts";
import { type Flow, flowVersion } from "./flow.ts";

/** Octets of structured clone that the platform stores for a hibernating socket. */
export const maxAttachment = 16_384;

/**
 * Octets of an attachment that each part of a flow may use. A larger part is stored in a row, so that it takes no room from the others.
 * `unverifiedSubscriber` has no row: a larger one goes into the home's own copy. It shares the attachment with `rest` only, because an
 * unauthenticated flow has no other parts.
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
  sent: 4880,
  tokenLimits: 120,
  listStates: 500,
} as const satisfies Partial<Record<keyof Flow, number>>;

/** Octets of all members without a share of their own. */
export const shareOfRest = 1000;

/** A part of a flow that may be stored in a row. */
export type Slice = Exclude<keyof typeof shares, "unverifiedSubscriber">;

const slices = new Set((Object.keys(shares) as (keyof typeof shares)[]).filter((name) => name !== "unverifiedSubscriber"));

/** A flow as it is attached: parts that are in rows are named, not contained. */
export type Attachment = Omit<Flow, Slice> & Partial<Pick<Flow, Slice>> & { readonly inRows?: readonly Slice[] };

/** Divides these changes into parts that are too large for their shares, and parts that are not. */
export function splitBySize(changes: Partial<Flow>): { readonly large: readonly Slice[]; readonly small: readonly Slice[] } {
  const [large, small]: [Slice[], Slice[]] = [[], []];
  for (const name in changes) {
    const slice = name as Slice;
    if (slices.has(slice)) (isWithin(changes[slice], shares[slice]) ? small : large).push(slice);
  }
  return { large, small };
}

/** The attachment of a flow of which rows hold some parts. */
export function attachmentOf(flow: Flow, inRows: readonly Slice[]): Attachment {
  if (inRows.length === 0) return flow;
  const attached: Record<string, unknown> = { ...flow, inRows };
  for (const name of inRows) delete attached[name];
  return attached as unknown as Attachment;
}

/** An attachment, of any build. */
export function readAttachment(attached: Members): Attachment {
  return (attached["version"] === undefined ? upgradeAttachment(attached) : attached) as unknown as Attachment;
}

/** The whole flow. @param rows the parts that rows held, as they were written */
export function restoreFlow({ inRows: _inRows, ...attached }: Attachment, rows: Members): Flow {
  return { nonceCounts: [], boundContacts: [], pendingInvites: [], proceeding: [], ...attached, ...upgradeFlow(rows) };
}

/** Whether a user's row may be attached to a socket that has not authenticated. */
export function isPresentable(subscriber: Flow["unverifiedSubscriber"]): boolean {
  return isWithin(subscriber, shares.unverifiedSubscriber);
}

/** Whether the members without a share are within their limit. */
export function isRestShort(flow: Flow): boolean {
  const rest = Object.entries(flow).filter(([name]) => !(name in shares));
  return isWithin(Object.fromEntries(rest), shareOfRest);
}

/** The names of a flow's members in the first release. */
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

/** The present name of a part. */
function sliceNamed(written: string): Slice {
  return (namesInFirstRelease.find(([before]) => before === written)?.[1] ?? written) as Slice;
}

function upgradeAttachment({ elsewhere, ...attached }: Members): Members {
  const inRows = Array.isArray(elsewhere) ? { inRows: elsewhere.map(String).map(sliceNamed) } : {};
  const way = attached["way"] === "leg" || attached["way"] === "shared" ? "shared" : "dedicated";
  return { ...upgradeFlow(attached), ...inRows, way, version: flowVersion };
}

/** Parts of a flow, by their present names. */
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

/** The maximum octets of the structured clone of plain data. */
export function cloneSize(value: unknown): number {
  return sizeOf(value, (text) => (isLatin1(text) ? text.length : 2 * text.length));
}

/** Whether plain data is within this number of octets; most is so short that its characters need not be counted. */
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
