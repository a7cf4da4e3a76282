import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findDeclaration, readModule } from "./source-module.mjs";

// Fails when something that an entry of the built package exports, or a function that is a member of it, has no doc
// comment.
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
    if (type === "ExportDefaultDeclaration") yield ["default", module, statement];
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

/** Functions among the members of an interface, an object type or a class; what a class inherits is documented there. */
function* memberFunctions({ declaration = null, ...statement }) {
  const { type, body, typeAnnotation } = declaration ?? statement;
  const members = type === "TSTypeAliasDeclaration" ? typeAnnotation.members : body?.body;
  for (const member of Array.isArray(members) ? members : []) {
    const { key, typeAnnotation: annotation, accessibility } = member;
    const isFunction =
      member.type === "TSMethodSignature" ||
      (member.type === "MethodDefinition" && member.kind === "method") ||
      annotation?.typeAnnotation?.type === "TSFunctionType";
    const isPublic = (accessibility ?? "public") === "public" && key?.type === "Identifier";
    // What the browser calls is documented by the platform.
    if (isFunction && isPublic && !key.name.endsWith("Callback")) yield [key.name, member];
  }
}

const isSaid = (module, node) => /\w/.test(module.docOf(node) ?? "");
const missing = new Set();
let count = 0;
for (const [entry, { types }] of Object.entries(exports)) {
  if (types === undefined) continue;
  if (!existsSync(types)) missing.add(`${entry}: ${types} is not built`);
  else {
    for (const [name, module, statement] of exported(types)) {
      count += 1;
      if (!isSaid(module, statement)) missing.add(`${module.path}: ${name}`);
      for (const [member, node] of memberFunctions(statement)) {
        if (!isSaid(module, node)) missing.add(`${module.path}: ${name}.${member}`);
      }
    }
  }
}
if (count === 0) missing.add("nothing is exported at all");
for (const name of missing) console.error(`no doc comment: ${name}`);
process.exit(missing.size === 0 ? 0 : 1);
