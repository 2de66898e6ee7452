/** Milliseconds within which a reloading page closes. */
const patience = 3000;

/** The Navigation API, where the browser has it. */
interface Navigation {
  addEventListener(event: "navigate", listener: (event: { readonly navigationType: string }) => void): void;
}

/**
 * Returns, when the page closes, whether it is known to reload: by the keyboard, or by a script. The browser's own button cannot be
 * detected.
 */
export function watchReloads(now: () => number): () => boolean {
  let asked = -Infinity;
  const ask = () => (asked = now());
  document.addEventListener("keydown", ({ key, ctrlKey, metaKey }) => {
    if (key === "F5" || (key.toLowerCase() === "r" && (ctrlKey || metaKey))) ask();
  });
  (window as { readonly navigation?: Navigation }).navigation?.addEventListener("navigate", ({ navigationType }) => {
    if (navigationType === "reload") ask();
  });
  return () => now() - asked < patience;
}
