import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

/** `src/cli/gpu/gpu-page.ts` as one classic script that puts its exports on `globalThis.subject`. */
export async function bundleGpuPage() {
  const output = await build({
    root,
    configFile: false,
    logLevel: "error",
    publicDir: false,
    build: {
      write: false,
      target: "es2022",
      lib: { entry: "src/cli/gpu/gpu-page.ts", formats: ["iife"], name: "subject", fileName: "gpu-page" },
    },
  });
  const [result] = [output].flat();
  return result.output[0].code;
}
