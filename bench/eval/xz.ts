import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";

const MAX_TEXT_BYTES = 256 * 2 ** 20;

/**
 * The text of an `.xz` file, by the `xz` program: Node has no decoder of its own.
 *
 * @throws Error with a sentence that says what is missing
 */
export async function readXz(path: string): Promise<string> {
  await access(path).catch(() => {
    throw new Error(`there is no ${path}`);
  });
  try {
    const { stdout } = await promisify(execFile)("xz", ["-dc", path], { maxBuffer: MAX_TEXT_BYTES });
    return stdout;
  } catch (cause) {
    throw new Error(`${path} cannot be unpacked (is the program xz installed?)`, { cause });
  }
}
