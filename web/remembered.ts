import type { Phase } from "./state.ts";

/** What the form of an account says. */
export interface Written {
  readonly address: string;
  readonly password: string;
  readonly way: string;
  readonly ice: string;
}

/** A call that was there when the page went. */
export interface LostCall {
  readonly peer: string;
  readonly direction: "incoming" | "outgoing";
  readonly phase: Phase;
}

/** What outlives a reload of this tab, and is gone when the tab is: all is kept in its session storage. */
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

/** Milliseconds that a page which reloads may take to let go of its name. */
const patience = 500;

/**
 * One phone for each tab: a reload is the same phone (RFC 5626 §4.1). A tab that was duplicated has the storage of the first one, and
 * is another phone.
 */
export async function instanceOfTab(): Promise<string> {
  const known = sessionStorage.getItem("offhook-instance");
  if (known !== null && (await isMine(known))) return known;
  const instance = crypto.randomUUID();
  sessionStorage.setItem("offhook-instance", instance);
  await isMine(instance);
  return instance;
}

/** Takes a lock that ends with the page; false if another page has it. */
function isMine(instance: string): Promise<boolean> {
  const locks = (navigator as { readonly locks?: LockManager }).locks;
  if (locks === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise<never>(() => undefined);
    };
    locks.request(`offhook-${instance}`, { signal: AbortSignal.timeout(patience) }, hold).catch(() => resolve(false));
  });
}
