import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { parseDtypes } from "../../src/convert/dtype.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";

/**
 * Converts in a process of its own, whose largest resident set is then that of the conversion.
 *
 * `node --import tsx bench/convert/in-node.ts SOURCE OUT [q4,int8]`
 */
const [, , source = "", out = "", dtypes = "q4,int8"] = process.argv;
const peakMb = () => Math.round(process.resourceUsage().maxRSS / 1000);
const idleMb = peakMb();
const began = performance.now();
const stages: { stage: string; seconds: number; peakMb: number }[] = [];
const mark = (stage: string) =>
  stages.push({ stage, seconds: Math.round(performance.now() - began) / 1000, peakMb: peakMb() });
let stage = "";
const manifest = await convertCheckpoint(nodeFolder(source), (key) => nodeTarget(out, key), {
  dtypes: parseDtypes(dtypes),
  name: "random",
  warn: (code, message) => console.error(`warning[${code}]: ${message}`),
  progress: (text) => {
    const name = text.split(":")[0] ?? "";
    if (name !== stage && stage !== "") mark(stage);
    stage = name;
  },
});
mark(stage);
const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
console.log(JSON.stringify({ idleMb, peakMb: peakMb(), megabytes: Math.round(bytes / 1e6), dtypes, stages }));
