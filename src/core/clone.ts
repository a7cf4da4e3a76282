/**
 * A deep copy of plain data: arrays, typed arrays, maps, sets and objects without a class. What `structuredClone` does,
 * which the language by itself has not.
 */
export function clone<T>(value: T): T {
  return copy(value) as T; // a copy has the type of its original
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  if (ArrayBuffer.isView(value)) return (value as Int32Array).slice(); // no DataView is plain data
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [copy(key), copy(item)]));
  if (value instanceof Set) return new Set(Array.from(value, copy));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
}
