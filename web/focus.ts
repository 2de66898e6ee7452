const interactive = "input, textarea, select, button, a, summary, pre";

/** Changes the page and keeps the focus: only if its element is gone or disabled, the focus moves to the first of these that is there. */
export function keepFocus(change: () => void, heirs: readonly HTMLElement[]): void {
  const focused = document.activeElement;
  change();
  if (!(focused instanceof HTMLElement) || focused === document.body || isUsable(focused)) return;
  heirs.find(isUsable)?.focus({ preventScroll: true });
}

/** Whether the keyboard focus is on no element that could be in use. */
export function isFocusFree(): boolean {
  return !(document.activeElement?.matches(interactive) ?? false);
}

/** Whether pressed keys write text. */
export function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}

function isUsable(element: HTMLElement): boolean {
  return element.isConnected && element.checkVisibility() && !element.matches(":disabled");
}
