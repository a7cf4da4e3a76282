import type { KvPlan } from "../core/types.ts";
import type { CachePolicy, CacheView } from "./policy.ts";
import { union } from "./rows.ts";

/**
 * Asks a policy for the next forward.
 *
 * @returns the plan, and the rows whose statistics to ask for: watched ones, and eligible ones that the plan computes. A
 * row may only be chosen in a step that computed it.
 */
export function planForward(
  policy: CachePolicy | undefined,
  view: CacheView,
): { readonly kv: KvPlan | null; readonly rows: Int32Array } {
  const kv = policy?.(view) ?? null;
  const { eligible, watched, shift } = view;
  if (kv === null) return { kv, rows: union(eligible, watched) };
  const computed = new Set(kv.queryRows);
  const fresh = eligible.filter((row) => computed.has(Math.max(0, row - shift)));
  return { kv, rows: union(fresh, watched) };
}
