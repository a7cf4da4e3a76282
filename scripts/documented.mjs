import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findDeclaration, readModule } from "./source-module.mjs";

// Fails when something that an entry of the built package exports has no doc comment.
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const modules = new Map();
const load = (path) => {
  if (!modules.has(path)) modules.set(path, readModule(path));
  return modules.get(path);
};
/** Declarations name the sources they come from: `./x.ts` is `./x.d.ts` here. */
const resolve = (from, source) => join(dirname(from), source.replace(/\.ts$/, ".d.ts"));

/** Where everything that a module exports is declared: `[name, module, statement]`. */
function* exported(path) {
  const module = load(path);
  for (const statement of module.body) {
    const { type, source, declaration, specifiers = [] } = statement;
    const other = source && resolve(path, source.value);
    if (type === "ExportAllDeclaration") yield* exported(other);
    if (type !== "ExportNamedDeclaration") continue;
    for (const { id } of declaration?.declarations ?? (declaration ? [declaration] : [])) {
      if (id?.name !== undefined) yield [id.name, module, statement];
    }
    for (const { local } of specifiers) yield [local.name, ...declaredIn(other ?? path, local.name)];
  }
}

/** Follows a name through re-exports and imports to the module that declares it. */
function declaredIn(path, name) {
  const module = load(path);
  const found = findDeclaration(module, name);
  if (found !== undefined) return [module, found.statement];
  for (const { source, specifiers = [] } of module.body) {
    const one = specifiers.find(({ local, exported: as }) => (as ?? local).name === name);
    if (one === undefined || !source?.value.startsWith(".")) continue;
    return declaredIn(resolve(path, source.value), (one.imported ?? one.local).name);
  }
  throw new Error(`${path}: cannot find where ${name} is declared`);
}

const missing = new Set();
for (const { types } of Object.values(exports)) {
  if (types === undefined || !existsSync(types)) continue;
  for (const [name, module, statement] of exported(types)) {
    if (module.docOf(statement) === undefined) missing.add(`${module.path}: ${name}`);
  }
}
for (const name of missing) console.error(`no doc comment: ${name}`);
process.exit(missing.size === 0 ? 0 : 1);
