/** Data that an older build has written, from a row, an attachment or a call between objects. */
export type Members = Readonly<Record<string, unknown>>;

/** Old names, each with the present one. */
export type Names = readonly (readonly [before: string, after: string])[];

/** The same members by their present names; absent ones stay absent. */
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
