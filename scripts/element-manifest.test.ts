import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { elementManifest } from "./element-manifest.mjs";

/** The manifest is read from declarations and tags; here it is held against what the element does. */
const FOLDER = "src/element";
const sources = readdirSync(FOLDER)
  .filter((name) => /\.(ts|css)$/.test(name) && !name.includes(".test."))
  .map((name) => readFileSync(`${FOLDER}/${name}`, "utf8"));
const source = (name: string): string => readFileSync(`${FOLDER}/${name}`, "utf8");

/** What the first group of `pattern` matches, once each and sorted. */
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1]!))].sort();
const union = (file: string, type: string): string[] =>
  found(new RegExp(`export type ${type} = ([^;]+);`).exec(source(file))![1]!, /"(\w+)"/g);

const { modules } = elementManifest(".");
const element = modules[0]!.declarations[0]!;
const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name).sort();

test("the attributes are those that the element reads", () => {
  const reads = ["element.ts", "attributes.ts", "form-field.ts"].map(source).join("");
  const used = found(reads, /(?:(?:get|has|toggle)Attribute\(|reflect\(this, )"(\w+)"/g);
  expect(names(element.attributes)).toEqual(used);
  const fields = names(element.members);
  for (const { fieldName } of element.attributes) expect(fields).toContain(fieldName);
});

test("the events are those that it dispatches", () => {
  const told = found([source("element.ts"), source("runs.ts")].join(""), /"(unmask-(?!draw)\w+)"/g);
  expect(names(element.events)).toEqual(told);
});

test("the parts are those that it draws", () => {
  const made = sources.flatMap((text) => found(text, /makePart\("\w+", "(\w+)"\)/g));
  const tokens = union("spans.ts", "SpanKind").filter((kind) => !["given", "mask", "taken"].includes(kind));
  expect(names(element.cssParts)).toEqual([...made, "prompt", "mask", "token", ...tokens].sort());
});

test("custom properties, states and slots are those of styles and class", () => {
  expect(names(element.cssProperties)).toEqual(found(sources.join(""), /var\((--unmask-\w+)/g));
  expect(names(element.cssStates)).toEqual(union("state.ts", "ElementPhase"));
  expect(names(element.slots)).toEqual(found(source("element.ts"), /#poster\.name = "(\w+)"/g));
});

test("the methods are those of the contract, and nothing is undocumented", () => {
  const methods = element.members.filter(({ kind }) => kind === "method").map(({ name }) => name);
  expect(methods.sort()).toEqual(["abort", "generate", "infill", "load", "pause", "resume", "seek", "step"]);
  const { attributes, members, events, slots, cssParts, cssProperties, cssStates } = element;
  const all = [attributes, members, events, slots, cssParts, cssProperties, cssStates].flat();
  expect(all.filter(({ description }) => description === "").map(({ name }) => name)).toEqual([]);
  const guide = readFileSync("docs/embed.md", "utf8");
  expect(all.map(({ name }) => name).filter((name) => !guide.includes(`\`${name}`))).toEqual([]);
});
