import { join } from "node:path";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { type RandomShape, writeRandomCheckpoint } from "../../src/convert/random-checkpoint.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";
import { UnmaskError } from "../../src/core/errors.ts";
import type { Manifest } from "../../src/model/manifest.ts";

const HEAD = 64;

/**
 * Writes a bundle of random weights with the shape of another and positions beyond its canvas: its forwards take as long.
 *
 * @returns its folder, within `scratch`
 */
export async function writeSameShape(
  scratch: string,
  manifest: Pick<Manifest, "variants" | "vocab" | "layers" | "kvWidth">,
): Promise<string> {
  const [source, bundle] = [join(scratch, "source"), join(scratch, "bundle")];
  const shape = shapeOf(manifest);
  await writeRandomCheckpoint(source, shape);
  await convertCheckpoint(nodeFolder(source), (key) => nodeTarget(bundle, key), {
    dtypes: ["q4", "int8"],
    profile: "mdlm",
    mask: shape.vocab - 1,
    name: "random",
    warn: () => {},
    progress: () => {},
  });
  return bundle;
}

/** By the matrices of the int8 weights; heads are not grouped. */
export function shapeOf({
  variants,
  vocab,
  layers,
  kvWidth,
}: Pick<Manifest, "variants" | "vocab" | "layers" | "kvWidth">): RandomShape {
  const matrices = variants["int8"]?.derive?.matrices ?? [];
  const hidden = matrices[0]?.k;
  const inter = Math.max(...matrices.map(({ n, k }) => (k === hidden && n !== vocab ? n : 0)));
  if (hidden === undefined) throw new UnmaskError("variant-missing", "The model has no int8 weights.");
  const heads = Math.floor(kvWidth / HEAD);
  return { hidden, layers, inter, heads, kvHeads: heads, headDim: HEAD, vocab };
}
