import type { CheckpointFolder } from "../checkpoint/byte-source.ts";

/**
 * The ONNX graphs of a published export: those of the folder itself or of its `onnx`. Undefined when it has weights to
 * convert instead, or no graph.
 */
export async function findExport(folder: CheckpointFolder): Promise<CheckpointFolder | undefined> {
  const names = await folder.names();
  if (names.some((name) => name.endsWith(".safetensors"))) return undefined;
  if (names.some(isGraph)) return folder;
  const inner = await folder.inner?.("onnx");
  return inner !== undefined && (await inner.names()).some(isGraph) ? inner : undefined;
}

export function isGraph(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.onnx$/.test(name);
}
