import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A built entry and everything it imports statically: what a page fetches before it runs. */
function closure(file, found = new Set()) {
  if (found.has(file)) return [...found];
  found.add(file);
  for (const [, name] of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*["'`](\.[^"'`]+)["'`]/g)) {
    closure(join(dirname(file), name), found);
  }
  return [...found];
}

const page = readFileSync("dist-app/index.html", "utf8");
const loaded = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map(
  ([, name]) => `dist-app/${name}`,
);

const client = closure("dist/index.js");

// The element counts on top of the client entry that its runs load.
// The budgets of docs/decisions.md, compressed.
export default [
  {
    name: "first load (page)",
    path: [...new Set(loaded.flatMap((file) => closure(file)))],
    limit: "120 kB",
    brotli: true,
  },
  { name: "client entry", path: client, limit: "8 kB", brotli: true },
  {
    name: "element",
    path: closure("dist/element.js").filter((file) => !client.includes(file)),
    limit: "6 kB",
    brotli: true,
  },
  { name: "strategies", path: closure("dist/strategies.js"), limit: "25 kB", brotli: true },
];
