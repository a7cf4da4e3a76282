import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { readFloats, readSafetensors } from "../checkpoint/safetensors.ts";
import type { Vector } from "../transformer/transformer.ts";
import { describeModel, planModel } from "./index.ts";

test("AdaLN at noise level zero folds into the norms and gates that the reference computed", async () => {
  const folder = nodeFolder(join(import.meta.dirname, "../fixtures/mdlm-dit"));
  const golden = await readSafetensors(await folder.open("golden.safetensors"), "golden.safetensors");
  const checkpoint = await openCheckpoint(folder);
  const { layers, finalNorm } = await planModel(checkpoint, describeModel(checkpoint.config));
  const [first] = layers;
  const folded: Readonly<Record<string, Vector | undefined>> = {
    "fold.blocks.0.norm1.gamma": first?.attentionNorm?.gamma,
    "fold.blocks.0.norm1.beta": first?.attentionNorm?.beta,
    "fold.blocks.0.attn_gate": first?.attentionGate,
    "fold.blocks.0.norm2.gamma": first?.mlpNorm.gamma,
    "fold.blocks.0.norm2.beta": first?.mlpNorm.beta,
    "fold.blocks.0.mlp_gate": first?.mlpGate,
    "fold.output.gamma": finalNorm.gamma,
    "fold.output.beta": finalNorm.beta,
  };
  for (const [name, vector] of Object.entries(folded)) {
    const expected = await readFloats(golden.get(name)!);
    const found = await vector!.load();
    expect(found, name).toHaveLength(expected.length);
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!), name).toBeLessThan(1e-6);
  }
});
