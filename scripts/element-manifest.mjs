import { join } from "node:path";
import { findDeclaration, parseDoc, readModule, styleDoc } from "./source-module.mjs";

/** The classes whose members `<unmask-text>` has, from the one it is to the one it is built on. */
const CLASSES = [
  ["element.ts", "UnmaskTextElement"],
  ["attributes.ts", "SheetAttributes"],
  ["form-field.ts", "FormField"],
];
const TAG = "unmask-text";
const MODULE = "dist/element.js";
const DEFINE = "dist/element/define.js";

/**
 * The custom elements manifest (schema 2.1.0) of `<unmask-text>`, read from its sources: members from its classes,
 * attributes and events from the interfaces that templates and listeners are typed by, slots, states, parts and custom
 * properties from the tags in the doc comments of the class, of its phases and of its style sheets.
 *
 * @param root folder of the checkout
 */
export function elementManifest(root) {
  const read = (file) => readModule(join(root, "src/element", file));
  const attributes = interfaceMembers(read("props.ts"), "UnmaskTextAttributes");
  const [file, name] = CLASSES[0];
  const element = read(file);
  const phases = read("state.ts");
  const { description, tags: own } = parseDoc(element.docOf(findDeclaration(element, name).statement));
  const styles = ["sheet.css", "controls.css"].map((style) => styleDoc(join(root, "src/element", style)));
  const others = [phases.docOf(findDeclaration(phases, "ElementPhase").statement), ...styles].map(parseDoc);
  const tags = [...own, ...others.flatMap((doc) => doc.tags)];
  const tagged = (wanted) => tags.filter(({ tag }) => tag === wanted).map(({ text }) => named(text));
  const names = new Set(attributes.map((attribute) => attribute.name));
  return {
    schemaVersion: "2.1.0",
    modules: [
      {
        kind: "javascript-module",
        path: MODULE,
        declarations: [
          {
            kind: "class",
            customElement: true,
            name,
            tagName: TAG,
            description,
            superclass: { name: "HTMLElement" },
            attributes: attributes.map((attribute) => ({ ...attribute, fieldName: attribute.name })),
            members: CLASSES.flatMap(([from, owner]) => classMembers(read(from), owner, names)),
            events: interfaceMembers(read("events.ts"), "UnmaskTextEventMap"),
            slots: tagged("slot"),
            cssParts: tagged("csspart"),
            cssProperties: tagged("cssprop"),
            cssStates: tagged("cssstate"),
          },
        ],
        exports: [{ kind: "js", name, declaration: { name, module: MODULE } }],
      },
      {
        kind: "javascript-module",
        path: DEFINE,
        declarations: [],
        exports: [{ kind: "custom-element-definition", name: TAG, declaration: { name, module: MODULE } }],
      },
    ],
  };
}

/** `sheet - What is written.` */
function named(text) {
  const at = text.indexOf(" - ");
  return { name: text.slice(0, at), description: text.slice(at + 3) };
}

function interfaceMembers(module, name) {
  return findDeclaration(module, name).declared.body.body.map((member) => ({
    name: member.key.name ?? member.key.value,
    type: { text: typeText(module, member.typeAnnotation).replace(/ \| undefined$/, "") },
    description: parseDoc(module.docOf(member)).description,
  }));
}

function classMembers(module, name, attributes) {
  const nodes = findDeclaration(module, name).declared.body.body.filter(isPublic);
  const setters = new Set(nodes.filter(({ kind }) => kind === "set").map(({ key }) => key.name));
  return nodes
    .filter(({ kind }) => kind !== "set")
    .map((node) => {
      const { description } = parseDoc(module.docOf(node));
      if (node.kind === "method") return { ...method(module, node), description };
      const { name: key } = node.key;
      const readonly = node.kind === "get" ? !setters.has(key) : node.readonly === true;
      const type = node.kind === "get" ? node.value.returnType : node.typeAnnotation;
      return {
        kind: "field",
        name: key,
        type: { text: typeText(module, type) },
        ...(readonly ? { readonly } : {}),
        ...(attributes.has(key) ? { attribute: key, reflects: true } : {}),
        description,
      };
    });
}

/** What is there for others: neither private nor called by the browser alone. */
function isPublic({ key, kind, accessibility, static: isStatic }) {
  if (key.type !== "Identifier" || isStatic === true || kind === "constructor") return false;
  return (accessibility ?? "public") === "public" && !key.name.endsWith("Callback");
}

function method(module, { key, value }) {
  return {
    kind: "method",
    name: key.name,
    parameters: value.params.map((parameter) => {
      const { left = parameter, right } = parameter;
      return {
        name: left.name,
        type: { text: typeText(module, left.typeAnnotation) },
        ...(right === undefined ? {} : { optional: true, default: module.textOf(right) }),
      };
    }),
    return: { type: { text: typeText(module, value.returnType) } },
  };
}

function typeText(module, annotation) {
  return module.textOf(annotation.typeAnnotation).replace(/\s+/g, " ");
}
