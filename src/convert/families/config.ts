import { UnmaskError } from "../../core/errors.ts";

/** Typed reading of a `config.json` that strangers wrote: own keys only, every number in range, every refusal by name. */
export type Config = Readonly<Record<string, unknown>>;

/** The own property `key`; null counts as absent, as it does in the files of Python's writers. */
export function own(config: Config, key: string): unknown {
  return Object.hasOwn(config, key) ? (config[key] ?? undefined) : undefined;
}

/** An integer in 1..max. @throws UnmaskError `checkpoint-invalid` */
export function count(config: Config, key: string, max: number, fallback?: number): number {
  const value = own(config, key) ?? fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value > max) {
    throw invalid(`${key} is ${show(value)}, not a count in 1..${max}`);
  }
  return value;
}

/** A finite number above zero. @throws UnmaskError `checkpoint-invalid` */
export function positive(config: Config, key: string, fallback: number): number {
  const value = own(config, key) ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw invalid(`${key} is ${show(value)}, not a positive number`);
  }
  return value;
}

/** @throws UnmaskError `checkpoint-invalid` */
export function flag(config: Config, key: string, fallback: boolean): boolean {
  const value = own(config, key) ?? fallback;
  if (typeof value !== "boolean") throw invalid(`${key} is ${show(value)}, not true or false`);
  return value;
}

/** The nested object `key`, if there is one. @throws UnmaskError `checkpoint-invalid` */
export function nested(config: Config, key: string): Config | undefined {
  const value = own(config, key);
  if (value === undefined) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(`${key} is not an object`);
  return value as Config;
}

/**
 * Theta of plain RoPE, as `rope_theta` stands in `scope`; every scaling is refused, because ignoring one gives wrong
 * numbers without a sign of it.
 *
 * @throws UnmaskError `checkpoint-unsupported` naming the scaling
 */
export function plainRope(scope: Config, key: string, fallback: number): number {
  const kind = own(scope, "rope_type") ?? own(scope, "type") ?? "default";
  if (kind !== "default") throw refused(`the RoPE scaling ${show(kind)} (${key})`);
  return positive(scope, "rope_theta", fallback);
}

/** Refuses keys whose value is not among those this family's graph computes; an absent key is fine. */
export function onlyPlain(config: Config, allowed: Readonly<Record<string, readonly unknown[]>>): void {
  for (const [key, values] of Object.entries(allowed)) {
    const value = own(config, key);
    if (value !== undefined && !values.includes(value)) throw refused(`${key} ${show(value)}`);
  }
}

/** hidden / heads. @throws UnmaskError `checkpoint-invalid` when it is not an even integer, as RoPE needs it. */
export function headSize(hidden: number, heads: number, names: readonly [string, string]): number {
  const size = hidden / heads;
  if (Number.isInteger(size) && size % 2 === 0) return size;
  throw invalid(`${names[0]} ${hidden} and ${names[1]} ${heads} give the head dimension ${size}`);
}

export function invalid(problem: string): UnmaskError {
  return new UnmaskError("checkpoint-invalid", `config.json does not fit together: ${problem}.`);
}

/** What the architecture would need and this build does not have. */
export function refused(what: string): UnmaskError {
  return new UnmaskError("checkpoint-unsupported", `config.json asks for ${what}, which is not supported.`);
}

function show(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value).slice(0, 40);
}
