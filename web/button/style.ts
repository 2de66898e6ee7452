/** The default style of the button; a page may change it: `offhook-call::part(call)`, `::part(hang-up)`, `::part(status)`. */
export const style = `
  :host { display: inline-flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; font: 16px/1.4 system-ui, sans-serif; }
  :host([hidden]), [hidden] { display: none !important; }
  button {
    padding: 0.6rem 1rem; border: 0; border-radius: 0.5rem; background: #1a6b52; color: #fff; font: inherit; cursor: pointer;
  }
  button:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
  [part="hang-up"] { background: #b3322a; }
  [part="status"] { margin: 0; }
  [part="status"][data-failed="true"] { color: #b3322a; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    [part="status"][data-failed="true"] { color: inherit; }
  }
`;
