import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertCheckpoint, parseDtypes } from "../src/convert/convert.ts";
import { nodeFolder } from "../src/convert/node-folder.ts";
import { nodeTarget } from "../src/convert/node-target.ts";
import { type RandomShape, SMALL, writeRandomCheckpoint } from "../src/convert/random-checkpoint.ts";

/**
 * Time and peak memory of a conversion, on a random checkpoint made on the spot. Memory is the largest resident set of the
 * process so far; the golden forward at the end needs the whole variant and is told apart.
 *
 * `node --import tsx bench/convert.ts [small | middle | qwen3-0.6b] [q4,int8]`
 */
const SHAPES: Readonly<Record<string, RandomShape>> = {
  small: SMALL,
  middle: { hidden: 512, layers: 8, inter: 1536, heads: 8, kvHeads: 4, headDim: 64, vocab: 151_936 },
  "qwen3-0.6b": {
    hidden: 1024,
    layers: 28,
    inter: 3072,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    vocab: 151_936,
  },
};

const [, , name = "small", dtypes = "q4"] = process.argv;
const shape = SHAPES[name];
if (shape === undefined)
  throw new Error(`There is no shape ${name}; known: ${Object.keys(SHAPES).join(", ")}.`);
const peakMb = () => Math.round(process.resourceUsage().maxRSS / 1000);
const scratch = await mkdtemp(join(tmpdir(), "unmask-bench-convert-"));
try {
  const source = join(scratch, "source");
  await writeRandomCheckpoint(source, shape);
  const before = peakMb();
  const marks: { stage: string; seconds: number; peakMb: number }[] = [];
  const began = performance.now();
  const mark = (stage: string) =>
    marks.push({ stage, seconds: Math.round(performance.now() - began) / 1000, peakMb: peakMb() });
  const manifest = await convertCheckpoint(
    nodeFolder(source),
    (key) => nodeTarget(join(scratch, "out"), key),
    {
      dtypes: parseDtypes(dtypes),
      name,
      warn: (code, message) => console.error(`warning[${code}]: ${message}`),
      progress: (text) => {
        if (!text.startsWith("converting")) mark(`before ${text}`);
      },
    },
  );
  mark("done");
  const megabytes = Math.round(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
  console.log(JSON.stringify({ shape: name, dtypes, megabytes, before, marks }, undefined, 2));
} finally {
  await rm(scratch, { recursive: true });
}
