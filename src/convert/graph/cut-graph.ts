import { UnmaskError } from "../../core/errors.ts";
import { GRAPH, INITIALIZER, INPUT, NODE, OUTPUT } from "../../onnx/fields.ts";
import { type GraphNode, type ProtoField, protoFields, protoText, readNode } from "../../onnx/read.ts";
import { encodeValue, message, type OnnxValue } from "../../onnx/write.ts";

/** A graph in two: the first answers with the tensors at the cut, the second takes them. Both keep the weights file. */
export interface CutGraph {
  readonly lower: Uint8Array<ArrayBuffer>;
  readonly upper: Uint8Array<ArrayBuffer>;
  /** Names of the tensors at the cut, `[1, S, hidden]` each. */
  readonly cut: readonly string[];
}

/**
 * Cuts a graph of ours behind the embedding (`embeds`: the second part takes vectors in place of ids) or behind a layer
 * (`split`). No weight changes; keys and values of a layer go with the part that computes them.
 *
 * @param model a graph with f32 activations
 * @param where -1: behind the embedding; n: behind layer n
 * @param hidden width of the stream
 * @throws UnmaskError `checkpoint-unsupported` when the graph has no such place
 */
export function cutGraph(model: Uint8Array, where: number, hidden: number): CutGraph {
  const file = protoFields(model);
  const graph = protoFields(file.find(({ field }) => field === GRAPH)?.bytes ?? new Uint8Array(0));
  const nodes = graph.filter(({ field }) => field === NODE).map(readNode);
  const cut = where < 0 ? embedding(nodes) : boundary(nodes, where);
  const values = cut.map((name): OnnxValue => ({ name, type: "f32", dims: [1, "S", hidden] }));
  const results = graph.filter(({ field }) => field === OUTPUT);
  const below = needed(nodes, cut, new Set());
  const isBelow = ({ bytes }: ProtoField): boolean => {
    const name = protoText(protoFields(bytes), 1);
    return nodes.some((node) => below.has(node) && node.outputs.includes(name));
  };
  const lowerResults = results.filter(isBelow);
  const upperResults = results.filter((result) => !isBelow(result));
  const roots = upperResults.map(({ bytes }) => protoText(protoFields(bytes), 1));
  const above = needed(nodes, roots, new Set(cut));
  const extra = values.map((value) => encodeValue(value));
  const part = (kept: ReadonlySet<GraphNode>, inputs: readonly number[][], outputs: readonly number[][]) => {
    const reads = new Set([...kept].flatMap((node) => node.inputs));
    return [
      ...nodes.filter((node) => kept.has(node)).map(({ field }) => field.raw),
      ...graph
        .filter(({ field, bytes }) => {
          if (field === INITIALIZER) return reads.has(protoText(protoFields(bytes), 8));
          if (field === INPUT) return reads.has(protoText(protoFields(bytes), 1));
          return field !== NODE && field !== OUTPUT;
        })
        .map(({ raw }) => raw),
      ...inputs.map((value) => Uint8Array.from(message(INPUT, value))),
      ...outputs.map((value) => Uint8Array.from(message(OUTPUT, value))),
    ];
  };
  const whole = (parts: readonly Uint8Array[], more: readonly ProtoField[]): Uint8Array<ArrayBuffer> =>
    Uint8Array.from([
      ...file.filter(({ field }) => field !== GRAPH).flatMap(({ raw }) => [...raw]),
      ...message(
        GRAPH,
        [...parts, ...more.map(({ raw }) => raw)].flatMap((bytes) => [...bytes]),
      ),
    ]);
  return {
    lower: whole(part(below, [], extra), lowerResults),
    upper: whole(part(above, extra, []), upperResults),
    cut,
  };
}

function embedding(nodes: readonly GraphNode[]): string[] {
  const found = nodes.find(({ op, inputs }) => op.startsWith("Gather") && inputs.includes("input_ids"));
  if (found === undefined) throw unsupported("embedding");
  return [...found.outputs];
}

/** The norm that opens the next layer joins the stream: what it gives is all that goes on. */
function boundary(nodes: readonly GraphNode[], layer: number): string[] {
  const joins = nodes.filter(({ op }) => op === "SkipSimplifiedLayerNormalization");
  const found = joins[2 * layer + 1];
  if (found === undefined) throw unsupported(`boundary behind layer ${layer}`);
  return [...found.outputs];
}

/** The nodes that `roots` depend on, not looking behind `given`. */
function needed(
  nodes: readonly GraphNode[],
  roots: readonly string[],
  given: ReadonlySet<string>,
): Set<GraphNode> {
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Set<GraphNode>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = given.has(name) ? undefined : producer.get(name);
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    open.push(...node.inputs);
  }
  return found;
}

function unsupported(what: string): UnmaskError {
  return new UnmaskError("checkpoint-unsupported", `The graph has no ${what} that it could be cut at.`);
}
