/** A recipe that names a length begins with it and finds the rest; the others get all that the canvas has. */
export function lengthIn(
  { length }: Readonly<Record<string, unknown>>,
  room: number,
): { readonly maxNewTokens: number } {
  return { maxNewTokens: typeof length === "number" ? Math.min(length, room) : room };
}
