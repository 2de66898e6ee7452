/** Milliseconds within which a page that was asked to reload goes. */
const patience = 3000;

/** The Navigation API, where the browser has it. */
interface Navigation {
  addEventListener(event: "navigate", listener: (event: { readonly navigationType: string }) => void): void;
}

/**
 * Tells, when the page goes, whether it is known to be on its way back: by the keyboard's reload, or by a script's. The browser's own
 * button says nothing.
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
