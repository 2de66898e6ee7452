/** What the administrator has signed in with. */
export interface SignedIn {
  readonly key: string;
  /** If the key is for one domain only. */
  readonly domain?: string;
}

/** Where this tab keeps it: not beyond the tab. */
const place = "offhook-console";

export function rememberedSignIn(): SignedIn | undefined {
  const written = sessionStorage.getItem(place);
  return written === null ? undefined : (JSON.parse(written) as SignedIn);
}

/** @param signedIn undefined to sign out */
export function rememberSignIn(signedIn: SignedIn | undefined): void {
  if (signedIn === undefined) sessionStorage.removeItem(place);
  else sessionStorage.setItem(place, JSON.stringify(signedIn));
}
