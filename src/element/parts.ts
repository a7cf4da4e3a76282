/** An element whose class and `part` have the same name. */
export function makePart<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.className = name;
  node.setAttribute("part", name);
  return node;
}
