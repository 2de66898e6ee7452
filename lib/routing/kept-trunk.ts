import type { Trunk, TrunkSecret } from "./trunk.ts";

/** Whether a trunk leads to no other server than one before. */
export function hasSameServers({ servers, network }: Trunk, before: Trunk): boolean {
  const known = before.servers.map(({ uri }) => uri);
  return network === before.network && servers.every(({ uri }) => known.includes(uri));
}

/** Whether a trunk leads to no other server, and to no other account, than one before. */
export function isSameAccount(trunk: Trunk, before: Trunk): boolean {
  return trunk.username === before.username && hasSameServers(trunk, before);
}

/**
 * A changed trunk with the secrets that were left out, as they were before. They are kept for the same account at the same servers only: they
 * would be shown to the new ones. A trunk without an account needs no password.
 * @returns the secret that has to be sent again
 */
export function keepTrunkSecrets(sent: Trunk, before: Trunk | undefined): Trunk | { readonly missing: TrunkSecret } {
  if (before === undefined) return sent;
  const kept: { password?: string; token?: string } = {};
  for (const secret of ["password", "token"] as const) {
    const earlier = before[secret];
    if (sent[secret] !== undefined || earlier === undefined) continue;
    if (secret === "password" && sent.username === undefined) continue;
    if (!isSameAccount(sent, before)) return { missing: secret };
    kept[secret] = earlier;
  }
  return { ...sent, ...kept };
}
