import type { KvPlan } from "../core/types.ts";
import type { CachePolicy, CacheView } from "./policy.ts";

/**
 * Asks a policy for the next forward.
 *
 * @returns the plan, and the eligible rows whose statistics it yields: a row may only be chosen in a step that computed it
 */
export function planForward(
  policy: CachePolicy | undefined,
  view: CacheView,
): { readonly kv: KvPlan | null; readonly rows: Int32Array } {
  const kv = policy?.(view) ?? null;
  if (kv === null) return { kv, rows: view.eligible };
  const computed = new Set(kv.queryRows);
  return { kv, rows: view.eligible.filter((row) => computed.has(Math.max(0, row - view.shift))) };
}
