/** What the data of events say of their causes. */
interface Parties {
  readonly caller?: string | null;
  readonly callee?: string | null;
  /** Of registrations, and the receiver of a message. */
  readonly user?: string;
  /** The sender of a message. */
  readonly from?: string;
  readonly trunk?: string | null;
}

/**
 * Who has caused an event, so that one user's events do not take the place of those of others: the address of record of the caller, or of the
 * user who registers. What comes from outside, from users of no account here, counts for the user it is for, apart from that user's own events.
 */
export function causeOf(data: object): string {
  const { caller, callee, user, from, trunk } = data as Parties;
  if (typeof caller === "string") return caller;
  if (typeof callee === "string") return `to ${callee}`;
  if (typeof user === "string") return from === undefined ? user : `to ${user}`;
  return typeof trunk === "string" ? `trunk ${trunk}` : "";
}
