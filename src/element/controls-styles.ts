/** Style of the controls. Parts: `controls`, `write`, `play`, `scrub`, `progress`, `message`. */
export const CONTROLS_CSS = `
.controls {
  display: flex;
  flex-wrap: wrap;
  gap: 8px 12px;
  align-items: center;
  margin-block-start: 12px;
  font: 15px/1.4 system-ui, sans-serif;
}
.controls[hidden], .controls > [hidden] { display: none; }
.controls button {
  font: inherit;
  color: inherit;
  background: none;
  border: 1px solid color-mix(in oklab, var(--ink) 30%, transparent);
  border-radius: 6px;
  padding: 4px 12px;
  min-block-size: 32px;
  min-inline-size: 72px;
}
.controls button:disabled { opacity: 0.55; }
.controls button:focus-visible, .controls input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.controls input { flex: 1 1 8em; accent-color: var(--accent); }
.controls progress { flex: 1 1 8em; block-size: 6px; accent-color: var(--accent); }
.message { color: color-mix(in oklab, var(--ink) 72%, transparent); font-variant-numeric: tabular-nums; }
.message:empty { display: none; }
:host(:state(error)) .message { color: var(--ink); }
@media (pointer: coarse) { .controls button, .controls input { min-block-size: 44px; } }
@media (forced-colors: active) { .controls button { border-color: ButtonBorder; } }
@media print { .controls { display: none; } }
`;
