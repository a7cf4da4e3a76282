/** True when two addresses, relative to the page or not, name the same folder. */
export function sameFolder(a: string, b: string): boolean {
  const plain = (address: string) => new URL(address, document.baseURI).href.replace(/\/$/, "");
  return plain(a) === plain(b);
}
