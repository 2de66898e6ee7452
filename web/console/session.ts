/** Where this tab keeps the API key: not beyond the tab. */
const place = "offhook-console-key";

export function rememberedKey(): string | undefined {
  return sessionStorage.getItem(place) ?? undefined;
}

/** @param key undefined to sign out */
export function rememberKey(key: string | undefined): void {
  if (key === undefined) sessionStorage.removeItem(place);
  else sessionStorage.setItem(place, key);
}
