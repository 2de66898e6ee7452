/** Where the focus goes when its element is gone. */
const successors = ".call[data-selected='true'], .call, .panel";

/** Draws, and keeps the focus. A call that comes has it at the button Answer, if no element of the page is in use. */
export function repairFocus(root: ShadowRoot, draw: () => void): void {
  const before = root.activeElement;
  const wasOffered = root.querySelector("button.answer") !== null;
  draw();
  const answer = root.querySelector<HTMLElement>("button.answer");
  if (answer !== null && !wasOffered && isFree(root)) return answer.focus({ preventScroll: true });
  if (before instanceof HTMLElement && !isUsable(before)) root.querySelector<HTMLElement>(successors)?.focus({ preventScroll: true });
}

function isFree(root: ShadowRoot): boolean {
  const { activeElement } = document;
  if (activeElement === root.host) return root.activeElement === null || root.activeElement.matches(successors);
  return activeElement === null || activeElement === document.body;
}

function isUsable(element: HTMLElement): boolean {
  return element.isConnected && element.checkVisibility() && !element.matches(":disabled");
}
