import type { Flow } from "./flow.ts";

/** Octets of structured clone that the platform keeps for a hibernating socket. */
export const maxAttachment = 16_384;

/**
 * Octets of an attachment that each part of a flow may take. What needs more is a row meanwhile, so that no part takes the room of
 * another. `presented` has no row: a larger one goes into the home's own copy. It shares the attachment with `rest` only, since nothing
 * goes on where nobody has authenticated.
 */
export const shares = {
  presented: 6000,
  counts: 400,
  carried: 2300,
  visitor: 600,
  pending: 1400,
  proceeding: 1500,
  taken: 700,
  dialogs: 2800,
  sent: 5000,
  lists: 500,
} as const satisfies Partial<Record<keyof Flow, number>>;

/** Octets of all that has no share of its own. */
export const shareOfRest = 1000;

/** A part of a flow that a row may hold. */
export type Slice = Exclude<keyof typeof shares, "presented">;

const slices = new Set((Object.keys(shares) as (keyof typeof shares)[]).filter((name) => name !== "presented"));

/** A flow as it is attached: the parts that rows hold are not in it but named. */
export type Attachment = Omit<Flow, Slice> & Partial<Pick<Flow, Slice>> & { readonly elsewhere?: readonly Slice[] };

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
export function attachmentOf(flow: Flow, elsewhere: readonly Slice[]): Attachment {
  if (elsewhere.length === 0) return flow;
  const attached: Record<string, unknown> = { ...flow, elsewhere };
  for (const name of elsewhere) delete attached[name];
  return attached as unknown as Attachment;
}

/** The whole flow. @param rows the parts that rows held */
export function restoreFlow(attached: Attachment, rows: Partial<Flow>): Flow {
  const flow: Flow & Pick<Attachment, "elsewhere"> = { counts: [], carried: [], pending: [], proceeding: [], ...attached, ...rows };
  delete (flow as { elsewhere?: unknown }).elsewhere;
  return flow;
}

/** Whether a user's row may be attached to a socket that has not authenticated. */
export function isPresentable(presented: Flow["presented"]): boolean {
  return isWithin(presented, shares.presented);
}

/** Whether what has no share of its own is as short as it has to be. */
export function isRestShort(flow: Flow): boolean {
  const rest = Object.entries(flow).filter(([name]) => !(name in shares));
  return isWithin(Object.fromEntries(rest), shareOfRest);
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
