import { UnmaskError } from "../core/errors.ts";
import { ELEMENT, GRAPH, INPUT, NODE, NODE_INPUT, NODE_OUTPUT } from "./fields.ts";
import { type GraphNode, protoFields, protoText, readNode, readValue } from "./read.ts";
import { encodeNode, encodeValue, fieldHead, joinBytes, type OnnxNode, type OnnxValue } from "./write.ts";

/** What our weight styles look a token's vector up with; all of it is done once more for the hints. */
const LOOKUP: readonly string[] = ["Gather", "GatherBlockQuantized", "Cast", "Mul"];
const IDS = "input_ids";
const HINTS = "hint_ids";
const SHARE = "hint_share";

/**
 * A graph of ours that reads masks as mixtures (embedding interpolation; context-aware initialisation, arXiv 2512.19004).
 * Behind the token table stands `e(input_ids) + hint_share * (e(hint_ids) - e(input_ids))`: a cell whose hint is its own id
 * is read as ever. Two inputs are added, `hint_ids [B, S]` and `hint_share [B, 1, 1]` in f32, one share a
 * canvas; everything behind the vectors stays, and so do the weights, which are looked up twice and stored once.
 *
 * @throws UnmaskError `graph-mismatch` when nothing in the graph looks like the token table of ours
 */
export function blendGraph(model: Uint8Array): Uint8Array<ArrayBuffer> {
  const file = protoFields(model);
  const graph = protoFields(file.find(({ field }) => field === GRAPH)?.bytes ?? new Uint8Array(0));
  const nodes = graph.filter(({ field }) => field === NODE).map(readNode);
  const inputs = graph.filter(({ field }) => field === INPUT).map(({ bytes }) => readValue(bytes));
  const { lookup, output } = embedding(nodes);
  const batch = inputs.find(({ name }) => name === IDS)?.dims[0] ?? 1;
  // Vectors have the type of the caches.
  const isHalf = inputs.some(({ name, elementType }) => name === "past_k.0" && elementType === ELEMENT.f16);
  const plain = (name: string): string => (name === output ? "unmask.plain" : name);
  const made = new Set(lookup.flatMap(({ outputs }) => outputs));
  const hinted = (name: string): string =>
    name === IDS ? HINTS : made.has(name) ? `unmask.hint.${name}` : name;
  const blended = [
    ...lookup.map((node) => renamed(node, plain)),
    ...lookup.map((node) => renamed(node, hinted)),
    ...mixture(plain(output), hinted(output), output, isHalf).map((node) => field(NODE, encodeNode(node))),
  ];
  const last = lookup.at(-1)!.field; // an embedding has a node
  const taken = new Set(lookup.map((node) => node.field));
  const body = graph.flatMap((item) => {
    if (item === last) return blended;
    return taken.has(item) ? [] : [item.raw];
  });
  const added: OnnxValue[] = [
    { name: HINTS, type: "i64", dims: [batch, "S"] },
    { name: SHARE, type: "f32", dims: [batch, 1, 1] },
  ];
  const whole = joinBytes([...body, ...added.map((value) => field(INPUT, encodeValue(value)))]);
  return joinBytes(file.map((item) => (item.field === GRAPH ? field(GRAPH, whole) : item.raw)));
}

/** The nodes between the ids and the one tensor that everything else is computed from, in order. */
function embedding(all: readonly GraphNode[]): {
  readonly lookup: readonly GraphNode[];
  readonly output: string;
} {
  // How many ids there are says nothing of what they are.
  const nodes = all.filter(({ op }) => op !== "Shape");
  const readers = nodes.filter(({ inputs }) => inputs.includes(IDS));
  const lookup: GraphNode[] = [];
  const made = new Set<string>();
  for (const node of nodes) {
    if (!node.inputs.some((name) => name === IDS || made.has(name))) continue;
    if (!LOOKUP.includes(node.op)) break;
    lookup.push(node);
    for (const name of node.outputs) made.add(name);
    const rest = nodes.filter((other) => !lookup.includes(other));
    const [output, ...others] = [...made].filter((name) => rest.some(({ inputs }) => inputs.includes(name)));
    const isWhole = readers.every((reader) => lookup.includes(reader));
    if (isWhole && output !== undefined && others.length === 0) return { lookup, output };
  }
  throw new UnmaskError(
    "graph-mismatch",
    "The graph has no token table that a draft could be blended into; convert the model again.",
    { detail: { name: IDS } },
  );
}

/** `output = plain + hint_share * (hint - plain)` */
function mixture(plain: string, hint: string, output: string, isHalf: boolean): OnnxNode[] {
  const op = (name: string, inputs: string[], made: string, attributes: OnnxNode["attributes"] = {}) => ({
    op: name,
    domain: "" as const,
    inputs,
    outputs: [made],
    attributes,
  });
  const share = isHalf ? "unmask.share" : SHARE;
  return [
    ...(isHalf ? [op("Cast", [SHARE], share, { to: { int: ELEMENT.f16 } })] : []),
    op("Sub", [hint, plain], "unmask.way"),
    op("Mul", ["unmask.way", share], "unmask.part"),
    op("Add", [plain, "unmask.part"], output),
  ];
}

/** The node with other names for what it reads and makes. */
function renamed(node: GraphNode, nameOf: (name: string) => string): Uint8Array {
  const parts = protoFields(node.field.bytes).map((item) => {
    if (item.field !== NODE_INPUT && item.field !== NODE_OUTPUT) return item.raw;
    return field(item.field, new TextEncoder().encode(nameOf(protoText([item], item.field))));
  });
  return field(NODE, joinBytes(parts));
}

function field(number: number, payload: ArrayLike<number>): Uint8Array {
  return joinBytes([Uint8Array.from(fieldHead(number, payload.length)), Uint8Array.from(payload)]);
}
