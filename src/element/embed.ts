import workerAddress from "../../workers/engine.worker.ts?worker&url";
import { UnmaskTextElement } from "./element.ts";

/**
 * The script of a built site that other pages embed: `<script type="module" src="https://site/embed.js">`. Runtime,
 * worker and default model come from where the script came from, whatever the page's own origin is.
 */
class EmbeddedUnmaskText extends UnmaskTextElement {
  override loadOptions: UnmaskTextElement["loadOptions"] = { runtimeUrl: beside("ort/") };
  override openWorker: () => Worker = () => startWorker(new URL(workerAddress, import.meta.url).href);

  protected override get defaultModel(): string {
    return beside("models/default");
  }
}

/** An address in the folder of this script. Not a literal: a bundler would take it for an asset. */
function beside(path: string): string {
  return new URL(path, import.meta.url).href;
}

/**
 * A page may start workers of its own origin only; one of a blob may import the code of another. In a sandboxed frame,
 * whose origin is "null", that must be a classic one.
 */
function startWorker(address: string): Worker {
  if (new URL(address).origin === globalThis.origin) return new Worker(address, { type: "module" });
  const isSandboxed = globalThis.origin === "null";
  const code = isSandboxed ? importLate(address) : `import ${JSON.stringify(address)};`;
  const blob = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(blob, isSandboxed ? {} : { type: "module" });
  // The worker has read the blob when it answers for the first time.
  worker.addEventListener("message", () => URL.revokeObjectURL(blob), { once: true });
  return worker;
}

/** Code of a classic worker that hands on what arrives before the module is there. */
function importLate(address: string): string {
  return `const early = [];
const keep = (event) => early.push(event);
addEventListener("message", keep);
import(${JSON.stringify(address)}).then(
  () => {
    removeEventListener("message", keep);
    for (const { data, ports } of early) dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
  },
  (error) => setTimeout(() => { throw error; }),
);`;
}

if (customElements.get("unmask-text") === undefined) customElements.define("unmask-text", EmbeddedUnmaskText);
