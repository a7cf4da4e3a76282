import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { QUIET_IO } from "../../src/cli/io/quiet-io.ts";
import { verifyCommand } from "../../src/cli/verify.ts";

export const FIXTURES = fileURLToPath(new URL("../../src/convert/fixtures", import.meta.url));

/** The document of `unmask verify --json`. */
export interface Verified {
  readonly adapter: string;
  readonly cases: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly scales?: string;
    readonly against?: string;
    readonly pass: boolean;
  }[];
  readonly packed: Verified["cases"];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** `unmask verify folder --backend webgpu`, in a browser of its own. */
export async function verifyOnGpu(folder: string): Promise<Verified> {
  const { json } = await verifyCommand.run([folder], { backend: "webgpu" }, QUIET_IO);
  return json as unknown as Verified; // the document of the command
}

/** The same of some of the fixtures. */
export async function verifyFixtures(names: readonly string[]): Promise<Verified> {
  const scratch = await mkdtemp(join(tmpdir(), "unmask-cases-"));
  try {
    for (const name of names) await symlink(join(FIXTURES, name), join(scratch, name));
    return await verifyOnGpu(scratch);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Cases that failed, and builds that a case lacks although nothing was said about it. */
export function faultsOf({ cases, packed, skipped }: Verified): string[] {
  const failed = [...cases, ...packed].filter(({ pass }) => !pass).map((entry) => JSON.stringify(entry));
  const names = new Set(cases.flatMap(({ name, against }) => (against === "packed" ? [] : [name])));
  const missing = [...names].flatMap((name) => {
    const built = cases.filter((entry) => entry.name === name);
    const has = (dtype: string, scales?: string) =>
      built.some((entry) => entry.dtype === dtype && entry.scales === scales);
    const lacks = (["q4", "q8"] as const).flatMap((dtype) =>
      ["f32", "f16"].filter((scales) => !has(dtype, scales)).map((scales) => `${name}: ${dtype}/${scales}`),
    );
    if (!has("f32")) lacks.push(`${name}: f32`);
    const excused = skipped.some((entry) => entry.name === `${name.slice(0, name.indexOf("/"))}/f16`);
    if (!has("f16") && !excused) lacks.push(`${name}: f16`);
    return lacks;
  });
  return [...failed, ...missing];
}

/** Why f16 was left out, if it was. */
export function noHalf({ skipped }: Verified): string | undefined {
  return skipped.find(({ name }) => name.endsWith("/f16"))?.reason;
}
