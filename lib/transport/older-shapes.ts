/** What an older build has written, as it comes out of a row, an attachment or a call between objects. */
export type Members = Readonly<Record<string, unknown>>;

/** Old names, each with the new one. */
export type Names = readonly (readonly [before: string, after: string])[];

/** The same members by other names; those that are absent stay so. */
export function renamed(members: Members, names: Names): Members {
  let changed: Record<string, unknown> | undefined;
  for (const [before, after] of names) {
    if (!(before in members)) continue;
    changed ??= { ...members };
    changed[after] = members[before];
    delete changed[before];
  }
  return changed ?? members;
}
