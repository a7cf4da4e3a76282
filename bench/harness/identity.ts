import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadedModel } from "../../src/runtime/open/load-model.ts";
import { codeHash, fileCode } from "./code-hash.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where the code begins that decides what a model writes, and how it is run and judged here. */
const ENTRIES = [
  "bench/harness/lab.ts",
  "bench/harness/native-ort.ts",
  "bench/harness/task-prompts.ts",
  "src/runtime/open/load-model.ts",
  "src/runtime/platform/platform-node.ts",
];
const PRESETS = "src/strategies/recipe/presets.ts";
/** Packages that compute: their version counts as code. */
const PACKAGES = ["onnxruntime-node", "onnxruntime-web", "@huggingface/tokenizers"];

/** Fingerprints of everything a result depends on; see {@link identityOf} and {@link presetIdentity}. */
type Identity = readonly string[];

/**
 * What every result depends on: the bundle's files and recipes, its variant, the runtime with its version, and the code
 * that decodes. Commit filters are left to those who decode with them.
 * Journals keep results under it, so nothing measured with other code or weights is ever taken for this run's.
 */
export async function identityOf(model: LoadedModel, runtime: string): Promise<Identity> {
  return [...bundleIdentity(model), runtime, await versions(), await codeHash(entries(ROOT), ROOT)];
}

/**
 * The same without what decoders alone consist of: for results that add {@link presetIdentity} to it, so that work on one
 * decoder does not throw away what was measured of the others.
 */
export async function sharedIdentity(model: LoadedModel, runtime: string): Promise<Identity> {
  return [...bundleIdentity(model), runtime, await versions(), await sharedCode(ROOT)];
}

/** Code that a measurement has beside the model's: what is asked of it, and how answers are judged. */
export function measurementCode(paths: readonly string[], root = ROOT): Promise<string> {
  return codeHash(
    paths.map((path) => join(root, path)),
    root,
  );
}

function bundleIdentity({ manifest, info }: LoadedModel): Identity {
  const { files, recipes, modes, tokens } = manifest;
  // Measurements name their recipes: what the bundle takes by default changes none of them.
  const { default: _default, ...named } = recipes;
  return [dataHash({ files, recipes: named, modes, tokens }), info.variant];
}

/** Of plain data, 16 hexadecimal digits. */
export function dataHash(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16);
}

/** Code of all decoders together, but for the files of which the list of presets is made. */
export function sharedCode(root: string): Promise<string> {
  return codeHash(entries(root), root, {
    edit: (path, code) => (path === join(root, PRESETS) ? withoutList(code) : code),
  });
}

/** Code of a preset by name: its line in the list, and the files that this needs. */
export async function presetIdentity(name: string, root = ROOT): Promise<string> {
  const code = await fileCode(join(root, PRESETS));
  const line = listOf(code)
    .split(/,(?=(?:"[^"]+"|[\w$]+):)/)
    .find((entry) => entry.replace(/^"?([^":]+)"?:.*$/s, "$1") === name);
  if (line === undefined) throw new Error(`presets.ts lists no "${name}" on a line of its own.`);
  const files = [...code.matchAll(DECODER_IMPORTS)].flatMap(([, names, file]) =>
    names!.split(",").some((imported) => new RegExp(`\\b${imported}\\b`).test(line))
      ? [join(root, dirname(PRESETS), file!)]
      : [],
  );
  return dataHash([line, await codeHash(files, root)]);
}

const DECODER_IMPORTS = /import\{([^}]*)\}from["'](\.\.\/decoders\/[^"']+)["'];?/g;
const LIST = /\bPRESETS=\{([^}]*)\};/;

function listOf(code: string): string {
  const found = LIST.exec(code);
  // Better no result from the journal than one of other code.
  if (found === null) throw new Error("presets.ts does not list its presets in one object any more.");
  return found[1]!;
}

function withoutList(code: string): string {
  return listOf(code) === "" ? code : code.replaceAll(DECODER_IMPORTS, "").replace(LIST, "");
}

function entries(root: string): string[] {
  return ENTRIES.map((path) => join(root, path));
}

async function versions(): Promise<string> {
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return PACKAGES.map((name) => `${name} ${dependencies[name] ?? devDependencies[name]}`).join(", ");
}
