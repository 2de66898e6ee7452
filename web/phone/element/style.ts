/** The style of the component. A page changes it by the custom properties `--offhook-…`, and by `::part(…)`. */
export const style = `
:host {
  --ink: var(--offhook-ink, light-dark(#1d2733, #e6ebf1));
  --soft: var(--offhook-soft, light-dark(#55616f, #a3afbc));
  --paper: var(--offhook-paper, light-dark(#f6f7f9, #14191f));
  --card: var(--offhook-card, light-dark(#fff, #1d242c));
  --line: var(--offhook-line, light-dark(#ccd4de, #3a4653));
  --field: var(--offhook-field, light-dark(#7d8a99, #8b98a6));
  --accent: var(--offhook-accent, light-dark(#1a6b52, #35a07f));
  --danger: var(--offhook-danger, light-dark(#b3322a, #ee837a));
  --on-accent: var(--offhook-on-accent, light-dark(#fff, #0d1116));
  display: block;
  max-width: 26rem;
  color-scheme: light dark;
  color: var(--ink);
  font: var(--offhook-font, 16px/1.45 system-ui, sans-serif);
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
p, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; display: grid; gap: 0.35rem; }
.phone {
  display: grid;
  gap: 0.75rem;
  padding: 1rem;
  border: 1px solid var(--line);
  border-radius: 1rem;
  background: var(--paper);
  overflow-wrap: anywhere;
}
.status { font-size: 0.9rem; color: var(--soft); }
.status::before { content: "●"; margin-right: 0.4em; color: var(--line); }
.status[data-state="registered"]::before { color: var(--accent); }
.status[data-state="connecting"]::before { animation: blink 1s infinite alternate; }
.status[data-state="failed"], .status[data-state="failed"]::before { color: var(--danger); font-weight: 600; }
@keyframes blink { to { opacity: 0.3; } }
.notice { padding: 0.5rem 0.75rem; border-left: 4px solid var(--accent); border-radius: 0.25rem; background: var(--card); }
.notice:empty, .seen:empty, small:empty, output:empty { display: none; }
.notice[data-failed="true"] { border-color: var(--danger); color: var(--danger); font-weight: 600; }

.calls { display: grid; gap: 0.5rem; }
.call {
  display: grid;
  gap: 0.6rem;
  padding: 0.85rem;
  border: 1px solid var(--line);
  border-radius: 0.75rem;
  background: var(--card);
}
.call[data-selected="true"] { border-color: var(--accent); box-shadow: inset 3px 0 0 var(--accent); }
.call[data-offered="true"] { border: 2px solid var(--accent); }
.peer { font-size: 1.15rem; font-weight: 600; }
.progress, .sound, small { color: var(--soft); font-size: 0.85rem; }
.sound { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem; font-variant-numeric: tabular-nums; }
.quality::before { content: "●"; margin-right: 0.3em; color: var(--accent); }
.quality[data-rating="fair"]::before { color: light-dark(#9a6700, #d9a53f); }
.quality[data-rating="poor"]::before { color: var(--danger); }
meter { flex: 1; min-width: 3rem; height: 0.5rem; }
.pictures { position: relative; display: grid; border-radius: 0.5rem; overflow: hidden; background: #000; }
video { width: 100%; max-height: 20rem; }
.remote-video + .own-video { position: absolute; right: 0.5rem; bottom: 0.5rem; width: 28%; border-radius: 0.35rem; border: 1px solid #fff; }

button, input, select {
  min-height: 2.75rem;
  padding: 0.5rem 0.8rem;
  border: 1px solid var(--field);
  border-radius: 0.6rem;
  background: var(--card);
  color: inherit;
  font: inherit;
}
input, select { width: 100%; }
button { border-color: transparent; background: var(--accent); color: var(--on-accent); cursor: pointer; }
button:hover:not(:disabled) { filter: brightness(1.08); }
button.quiet, .toggle { border-color: var(--field); background: transparent; color: inherit; }
.toggle[aria-pressed="true"] { border-color: transparent; background: var(--ink); color: var(--paper); }
button.danger { background: var(--danger); }
button:disabled { cursor: default; opacity: 0.55; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.call:focus, .panel:focus { outline: none; }
.row { display: flex; flex-wrap: wrap; align-items: end; gap: 0.5rem; }
.row > * { flex: 1 1 auto; }
.controls { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem; }
.controls button { padding: 0.5rem 0.2rem; }
.controls .hang-up { grid-column: 1 / -1; }
.row > .grow { flex: 3 1 9rem; }
label { display: grid; gap: 0.25rem; font-size: 0.9rem; }
form { display: grid; gap: 0.75rem; }
form.row { display: flex; }
.keys-grid { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.4rem; }
.keys-grid button { font-size: 1.15rem; }
output { font-size: 1.15rem; letter-spacing: 0.2em; }

.tabs { display: flex; gap: 0.15rem; border-bottom: 1px solid var(--line); }
.tabs button {
  display: grid;
  flex: 1 1 0;
  justify-items: center;
  min-width: 0;
  padding: 0.35rem 0.1rem;
  border: 0;
  border-bottom: 3px solid transparent;
  border-radius: 0.4rem 0.4rem 0 0;
  background: transparent;
  color: var(--soft);
  line-height: 1.25;
}
.tabs button { position: relative; }
.tabs .name { overflow-wrap: normal; font-size: 0.72rem; letter-spacing: -0.01em; }
.unread { position: absolute; top: 0.1rem; left: 55%; min-width: 1.2rem; padding: 0 0.3rem; border-radius: 1rem; background: var(--danger);
  color: var(--on-accent); font-size: 0.7rem; font-weight: 600; }
.tabs [aria-selected="true"] { border-color: var(--accent); color: var(--ink); font-weight: 600; }
.panel { display: grid; gap: 0.75rem; }
.empty { color: var(--soft); }
li { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; }
li .text { flex: 1 1 8rem; white-space: pre-wrap; }
li .text small { display: block; }
li[data-lamp]::before { content: "●"; color: var(--line); }
li[data-lamp="open"]::before { color: var(--accent); }
li[data-lamp="busy"]::before { color: var(--danger); }
.buttons { display: flex; gap: 0.25rem; }
button.small { min-width: 2.75rem; padding: 0.25rem; }
.direction { color: var(--soft); }
[data-outcome="missed"] .direction, [data-outcome="failed"] .direction { color: var(--danger); }
.messages { max-height: 18rem; overflow: auto; }
.messages ol { grid-template-columns: 100%; }
.messages li { justify-self: start; flex-direction: column; align-items: start; gap: 0.1rem; max-width: 88%; padding: 0.45rem 0.7rem;
  border: 1px solid var(--line); border-radius: 0.75rem; background: var(--card); }
.messages li[data-direction="outgoing"] { justify-self: end; border-color: transparent; background: light-dark(#dcece6, #1f3a31); }
.messages li .text { flex: none; }
.messages li[data-direction="outgoing"] small { color: light-dark(#40504a, #b4c4bd); }
.messages li[data-failed="true"] .fate { color: var(--danger); font-weight: 600; }
.messages li[data-direction="outgoing"][data-failed="true"] .fate { color: light-dark(#8f1d16, #ffb3ac); }
.seen { font-size: 0.9rem; color: var(--soft); }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
`;
