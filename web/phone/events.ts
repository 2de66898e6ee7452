/** Listeners of events, by the names and details of the events. */
export class Events<Details extends object> {
  readonly #listeners = new Map<keyof Details, Set<(detail: never) => void>>();

  /** @returns a function that removes the listener */
  on<Name extends keyof Details>(name: Name, listener: (detail: Details[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  emit<Name extends keyof Details>(name: Name, detail: Details[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(detail as never);
  }
}
