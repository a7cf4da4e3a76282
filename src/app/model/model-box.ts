import type { EngineInfo, LoadOptions } from "../../protocol.ts";
import type { Page } from "../page.ts";
import { megabytes } from "../progress.ts";

/** Chips and model box before anything is loaded: what the page already knows of this browser. */
export function showNoModel(page: Page, asked: LoadOptions): void {
  chip(page.modelChip, "no model", " loaded yet");
  page.modelHint.textContent = "Nothing is downloaded until you load it, generate, fill or step.";
  chip(page.backendChip, "backend", `: ${asked.backend ?? "auto"}`);
  page.backendReason.textContent =
    `The backend is chosen when the model is loaded. ${hints().join(" ")}`.trim();
}

/** What runs, where, and why. */
export function showModel(page: Page, info: EngineInfo, asked: LoadOptions): void {
  chip(page.modelChip, info.name, `, ${megabytes(info.bundleBytes)} MB, in this browser`);
  chip(page.backendChip, info.backend === "webgpu" ? "WebGPU" : `WASM x${info.threads}`, `, ${info.variant}`);
  page.backendReason.textContent =
    `${info.reason} ${asked.backend === "webgpu" ? "" : hints(info).join(" ")}`.trim();
  page.modelHint.textContent = `${info.vocab} tokens, canvas up to ${info.maxCanvas}. Licence: ${info.licence}.`;
}

/** The part after the first words is left out where the header is narrow. */
function chip(node: HTMLElement, text: string, more: string = ""): void {
  const wide = document.createElement("span");
  wide.className = "wide";
  wide.textContent = more;
  node.replaceChildren(text, wide);
}

function hints(info?: EngineInfo): string[] {
  const lines = info?.warnings.map(({ message }) => message) ?? [];
  if (!("gpu" in navigator)) {
    lines.push("This browser has no WebGPU, so the model runs on the processor (WASM).");
  }
  if (!crossOriginIsolated && info?.backend !== "webgpu") {
    lines.push("This page is not cross-origin isolated (COOP/COEP headers), so WASM has one thread.");
  }
  return lines;
}
