import { UnmaskError } from "../../core/errors.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";

/**
 * Compares the vocabulary of config.json with the rows of the token table, before anything is sized by it.
 *
 * @param key of config.json that gave `vocab`
 * @throws UnmaskError `checkpoint-invalid`
 */
export function checkVocab(checkpoint: Checkpoint, table: string, key: string, vocab: number): void {
  const rows = checkpoint.tensors.get(table)?.shape[0];
  if (rows === undefined || rows === vocab) return;
  throw new UnmaskError(
    "checkpoint-invalid",
    `config.json says ${key} ${vocab}, but ${table} has ${rows} rows.`,
  );
}
