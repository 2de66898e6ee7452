import type { LostCall } from "./state.ts";

/** The content of the account form. */
export interface Written {
  readonly address: string;
  readonly password: string;
  readonly way: string;
  readonly ice: string;
}

/** What the user allows to outlive the tab: the account that a push notification opens the page for. */
export function rememberForPush(account: Written): void {
  localStorage.setItem("offhook-push", JSON.stringify(account));
}

/** @param address of the account; that of another page stays */
export function forgetForPush(address: string): void {
  if (rememberedForPush()?.address === address) localStorage.removeItem("offhook-push");
}

export function rememberedForPush(): Written | undefined {
  const stored = localStorage.getItem("offhook-push");
  return stored === null ? undefined : (JSON.parse(stored) as Written);
}

/** Data that survives a reload of this tab, but not its end: it is in the session storage. */
interface Remembered {
  readonly account: Written;
  readonly mood: string;
  readonly call: LostCall;
}

export function remember<Name extends keyof Remembered>(name: Name, value: Remembered[Name] | undefined): void {
  if (value === undefined) sessionStorage.removeItem(`offhook-${name}`);
  else sessionStorage.setItem(`offhook-${name}`, JSON.stringify(value));
}

export function remembered<Name extends keyof Remembered>(name: Name): Remembered[Name] | undefined {
  const stored = sessionStorage.getItem(`offhook-${name}`);
  return stored === null ? undefined : (JSON.parse(stored) as Remembered[Name]);
}

/** Milliseconds that a reloading page may take to release its name. */
const patience = 500;

/**
 * One phone for each tab: a reload is the same phone (RFC 5626 §4.1). A duplicated tab has the storage of the first one, but is another
 * phone.
 */
export async function instanceOfTab(): Promise<string> {
  const known = sessionStorage.getItem("offhook-instance");
  if (known !== null && ((await isMine(known)) || (await isMine(known, AbortSignal.timeout(patience))))) return known;
  const instance = crypto.randomUUID();
  sessionStorage.setItem("offhook-instance", instance);
  await isMine(instance);
  return instance;
}

/**
 * Takes a lock that ends with the page; false if another page has it.
 *
 * @param signal until when it is waited for; absent: not at all, however long the browser takes to look
 */
function isMine(instance: string, signal?: AbortSignal): Promise<boolean> {
  const locks = (navigator as { readonly locks?: LockManager }).locks;
  if (locks === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const hold = (lock: Lock | null) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise<never>(() => undefined);
    };
    locks.request(`offhook-${instance}`, signal === undefined ? { ifAvailable: true } : { signal }, hold).catch(() => resolve(false));
  });
}
