import { type Manifest, type ManifestFile, parseManifest } from "../../model/manifest.ts";

/** The smallest manifest there is, for tests of what is done with files. */
export function testManifest(name: string, files: readonly ManifestFile[]): Manifest {
  return parseManifest({
    schema: 1,
    name,
    licence: "Apache-2.0",
    source: name,
    family: "test",
    attention: { kind: "full" },
    logitsShift: 0,
    vocab: 64,
    tokens: { mask: 63, eos: [62] },
    maxCanvas: 96,
    layers: 1,
    kvWidth: 8,
    variants: { q4: { graph: files[0]?.path, data: [] } },
    files,
    recipes: { default: "llada" },
    modes: {},
    golden: { ids: [], positions: [], byVariant: {} },
  });
}
