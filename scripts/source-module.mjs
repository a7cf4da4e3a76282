import { readFileSync } from "node:fs";
import { parseSync } from "vite";

/** A TypeScript module as its syntax tree says it, with the doc comment of any node. */
export function readModule(path) {
  const text = readFileSync(path, "utf8");
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const docs = comments.filter(({ type, value }) => type === "Block" && value.startsWith("*"));
  return {
    path,
    body: program.body,
    textOf: ({ start, end }) => text.slice(start, end),
    /** The `/** … *\/` right before a node, without its stars; undefined without one. */
    docOf({ start }) {
      const doc = docs.findLast(({ end }) => end <= start && text.slice(end, start).trim() === "");
      return doc === undefined ? undefined : withoutStars(doc.value);
    },
  };
}

/** The doc comment that a style sheet begins with. */
export function styleDoc(path) {
  return withoutStars(/^\/\*([\s\S]*?)\*\//.exec(readFileSync(path, "utf8"))[1]);
}

function withoutStars(comment) {
  return comment.replace(/^\s*\*+[ \t]?/gm, "").trim();
}

/** Splits a doc comment into its description and its tags, each with the text behind it. */
export function parseDoc(doc = "") {
  const [description, ...rest] = doc.split(/^@/m);
  const tags = rest.map((part) => {
    const [, tag, text] = /^(\w+)\s*([\s\S]*)$/.exec(part);
    return { tag, text: oneLine(text) };
  });
  return { description: oneLine(description), tags };
}

/** The statement of a module that declares `name`, whether it is exported there or not. */
export function findDeclaration(module, name) {
  for (const statement of module.body) {
    const declared = statement.declaration ?? statement;
    if (declared?.id?.name === name) return { statement, declared };
    if (declared?.declarations?.some(({ id }) => id.name === name)) return { statement, declared };
  }
  return undefined;
}

function oneLine(text) {
  return text
    .replace(/\{@link (\w+)\}/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
}
