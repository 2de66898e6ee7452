const interactive = "input, textarea, select, button, a, summary, pre";

/**
 * Changes the page without taking the focus from anybody: only if the element that had it has gone, or can have it no more, does the
 * focus go on to the first of these that is there.
 */
export function keepFocus(change: () => void, heirs: readonly HTMLElement[]): void {
  const focused = document.activeElement;
  change();
  if (!(focused instanceof HTMLElement) || focused === document.body || isUsable(focused)) return;
  heirs.find(isUsable)?.focus({ preventScroll: true });
}

/** Whether the keyboard is with nothing that anybody could be using. */
export function isFocusFree(): boolean {
  return !(document.activeElement?.matches(interactive) ?? false);
}

/** Whether keys that are pressed write something. */
export function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}

function isUsable(element: HTMLElement): boolean {
  return element.isConnected && element.checkVisibility() && !element.matches(":disabled");
}
