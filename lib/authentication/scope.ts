/** What an API key is for. */
export const scopes = ["read", "calls", "provisioning", "everything"] as const;

export type Scope = (typeof scopes)[number];

/** Whether a key of a scope may do what needs another scope: every scope includes `read`, and `everything` includes all. */
export function includesScope(scope: Scope, needed: Scope): boolean {
  return scope === "everything" || needed === "read" || needed === scope;
}
