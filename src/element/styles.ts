/**
 * Style of the sheet. Custom properties (all optional): `--unmask-ink`, `--unmask-accent`, `--unmask-warning`,
 * `--unmask-font`, `--unmask-size`, `--unmask-measure`. Parts: `sheet`, `prompt`, `mask`, `token` (with `fresh`,
 * `cooling`, `settled`, `end`); those of the controls are in controls-styles.ts.
 */
export const SHEET_CSS = `
:host {
  --ink: var(--unmask-ink, CanvasText);
  --accent: var(--unmask-accent, light-dark(oklch(0.53 0.15 255), oklch(0.76 0.12 250)));
  --warning: var(--unmask-warning, light-dark(oklch(0.6 0.15 55), oklch(0.78 0.14 70)));
  display: block;
  color: var(--ink);
}
:host([hidden]) { display: none; }
.sheet {
  font-family: var(--unmask-font, "Source Serif 4 Variable", "Source Serif 4", Georgia, serif);
  font-size: var(--unmask-size, 1.25rem);
  line-height: 1.6;
  max-inline-size: var(--unmask-measure, 66ch);
  margin: 0;
  white-space: pre-wrap;
  overflow-wrap: break-word;
  font-optical-sizing: auto;
  unicode-bidi: isolate;
}
slot { display: block; }
[hidden] { display: none; }
slot:not(:empty)::after { content: " ▁▁▁▁ ▁▁ ▁▁▁ ▁▁▁▁▁ ▁▁" / ""; }
slot, .given { color: color-mix(in oklab, var(--ink) 70%, transparent); }
.bar {
  display: inline-block;
  inline-size: calc(var(--w, 2em) - 0.24em);
  margin-inline: 0.12em;
  block-size: 0.5em;
  vertical-align: baseline;
  border-start-start-radius: 3px;
  border-start-end-radius: 3px;
  background: color-mix(in oklab, var(--ink) 14%, transparent);
  border-block-end: 1px solid color-mix(in oklab, var(--ink) 52%, transparent);
}
.bar.fitted { inline-size: auto; margin-inline: 0; color: transparent; line-height: 0.5em; user-select: none; overflow: clip; }
.bar.small { inline-size: 0.5em; }
.taken .bar { animation: dissolve 200ms ease-out; }
.word {
  text-decoration-line: none;
  text-underline-offset: 0.22em;
  text-decoration-skip-ink: none;
  border-radius: 3px;
}
.hair { text-decoration: underline 1px color-mix(in oklab, var(--ink) 26%, transparent); }
.line { text-decoration: underline 1px color-mix(in oklab, var(--ink) 62%, transparent); }
.doubt { text-decoration: underline 2px dotted var(--warning); }
.fresh .word {
  position: relative;
  color: var(--accent);
  background: linear-gradient(to top, color-mix(in oklab, var(--accent) 20%, transparent) 0.62em, transparent 0);
  animation: rise 150ms ease-out;
}
.provisional .word { font-style: italic; }
.cooling .word { color: color-mix(in oklab, var(--accent) 62%, var(--ink)); transition: color 300ms ease-out; }
.settled .word { transition: color 300ms ease-out; }
.end::after {
  content: "";
  display: inline-block;
  inline-size: 0.34em;
  block-size: 0.34em;
  margin-inline-start: 0.3em;
  background: color-mix(in oklab, var(--ink) 45%, transparent);
}
:host([heat]) .word { background: color-mix(in oklab, var(--warning) calc((1 - var(--conf, 1)) * 42%), transparent); }
@keyframes rise { from { opacity: 0; top: 0.22em; } to { opacity: 1; top: 0; } }
@keyframes dissolve { from { opacity: 0; } }
@media (prefers-reduced-motion: reduce) {
  .fresh .word, .taken .bar { animation: none; }
  .cooling .word, .settled .word { transition: none; }
}
@media (forced-colors: active) {
  .bar { background: none; border-block-end: 2px solid CanvasText; forced-color-adjust: none; }
  .fresh .word { color: Highlight; background: none; box-shadow: none; outline: 1px solid Highlight; }
  slot { display: block; }
[hidden] { display: none; }
slot:not(:empty)::after { content: " ▁▁▁▁ ▁▁ ▁▁▁ ▁▁▁▁▁ ▁▁" / ""; }
slot, .given { color: GrayText; }
  .end::after { background: CanvasText; }
}
@media print {
  .word { color: black; background: none; box-shadow: none; text-decoration: none; animation: none; }
  .bar { background: none; border-block-end: 1px solid black; }
  .end::after { display: none; }
}
`;
