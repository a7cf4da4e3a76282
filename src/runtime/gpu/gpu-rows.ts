import { UnmaskError } from "../../core/errors.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { createStatsPool } from "../../math/stats-pool.ts";
import { createCpuRows, type RowReducer } from "../graph/rows.ts";
import { createGpuGuide } from "./gpu-guide.ts";
import { createGpuHistory, rowsThatFit } from "./gpu-history.ts";
import { ROW_KERNEL } from "./row-kernel.ts";
import { CANDIDATES, ROW_LISTS, type RowLayout, strideOf } from "./row-layout.ts";
import { rankedIds, readRowResult, unsureRows } from "./row-result.ts";

/** Usage bits by value: Node has no `GPUBufferUsage`. */
const USAGE = { mapRead: 1, copySrc: 4, copyDst: 8, uniform: 64, storage: 128 } as const;
const PARAM_WORDS = 20;

/**
 * Row statistics by the WGSL kernel. Logits that are not in a GPU buffer of f32 (f16 graphs) are reduced on the CPU.
 *
 * @param device the device that the logits live on
 */
export function createGpuRows(device: GPUDevice, vocab: number): RowReducer {
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: ROW_KERNEL }), entryPoint: "main" },
  });
  const onCpu = createCpuRows(vocab);
  const params = device.createBuffer({ size: 4 * PARAM_WORDS, usage: USAGE.uniform | USAGE.copyDst });
  const words = new ArrayBuffer(4 * PARAM_WORDS);
  const mask = device.createBuffer({
    size: 4 * Math.ceil(vocab / 32),
    usage: USAGE.storage | USAGE.copyDst,
  });
  // Buffers grow and are kept: a generation asks for the same sizes in every step.
  const lists = growing(device, USAGE.storage | USAGE.copyDst);
  const result = growing(device, USAGE.storage | USAGE.copySrc);
  const staging = growing(device, USAGE.mapRead | USAGE.copyDst);
  const history = createGpuHistory(device, vocab, USAGE.storage | USAGE.copySrc | USAGE.copyDst);
  const guide = createGpuGuide(device, vocab, USAGE.storage | USAGE.copyDst);
  const pool = createStatsPool();
  let suppressed: readonly number[] | undefined;
  let list = new Uint32Array(0);
  let bound: readonly GPUBuffer[] = [];
  let group: GPUBindGroup | undefined;

  const setSuppressed = (ids: readonly number[]) => {
    if (suppressed !== undefined && sameIds(suppressed, ids)) return;
    suppressed = [...ids];
    const bits = new Uint32Array(Math.ceil(vocab / 32));
    for (const id of ids) if (id < vocab) bits[id >> 5]! |= 1 << (id & 31);
    device.queue.writeBuffer(mask, 0, bits);
  };
  /** The buffers of the last reduction are mostly those of the next. */
  const bind = (buffers: readonly GPUBuffer[]): GPUBindGroup => {
    if (group !== undefined && buffers.every((buffer, i) => buffer === bound[i])) return group;
    bound = buffers;
    group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return group;
  };
  const isMapped = (readback: GPUBuffer, bytes: number): Promise<undefined> =>
    readback.mapAsync(1, 0, bytes).catch((cause: unknown) => {
      throw new UnmaskError("device-lost", "The GPU was taken away.", { cause });
    });
  /** The words of all rows with the ranked ids of some behind them, each in its place. */
  const withLists = async (
    words: ArrayBuffer,
    target: GPUBuffer,
    {
      rows,
      some,
      bytes,
    }: { readonly rows: number; readonly some: readonly number[]; readonly bytes: number },
  ): Promise<ArrayBuffer> => {
    const readback = staging.atLeast(some.length * bytes);
    const encoder = device.createCommandEncoder();
    const placeOf = (row: number): number => words.byteLength + row * bytes;
    for (const [i, row] of some.entries())
      encoder.copyBufferToBuffer(target, placeOf(row), readback, i * bytes, bytes);
    device.queue.submit([encoder.finish()]);
    await isMapped(readback, some.length * bytes);
    const whole = new Uint8Array(placeOf(rows));
    whole.set(new Uint8Array(words));
    const lists = new Uint8Array(readback.getMappedRange(0, some.length * bytes));
    for (const [i, row] of some.entries())
      whole.set(lists.subarray(i * bytes, (i + 1) * bytes), placeOf(row));
    readback.unmap();
    return whole.buffer;
  };
  return {
    maxRows: rowsThatFit(device, vocab),
    begin() {
      pool.reclaim();
      onCpu.begin();
    },
    async reduce(outputs, request) {
      const [logits, other] = outputs.map((output) => output.buffer);
      const [first = 0, otherFirst = 0] = outputs.map((output) => output.first);
      const { signals, guidance } = request;
      const rows = request.rows.length;
      if (logits === undefined) return onCpu.reduce(outputs, request);
      const layout: RowLayout = {
        width: signals.topK,
        candidates: signals.noise === undefined ? 0 : CANDIDATES,
        probes: signals.probe.length,
        gather: signals.gather?.width ?? 0,
        agrees: guidance.kind === "cfg" && guidance.agreement === true,
      };
      const ranked = rankedIds(signals, vocab);
      const bytes = 4 * strideOf(layout) * rows;
      // Ranked ids beyond those asked for stay behind the rest.
      const listBytes = ranked > layout.width ? 8 * ranked : 0;
      setSuppressed(request.suppress);
      writeParams(words, request, { ...layout, vocab, ranked, first });
      device.queue.writeBuffer(params, 0, words);
      list = fillLists(request, list);
      const slots = list.subarray(2 * rows, 3 * rows);
      if (signals.klPrevious !== undefined) history.assign(request.rows, signals.klPrevious, slots);
      const guides = list.subarray(3 * rows, ROW_LISTS * rows);
      if (guidance.kind === "residual") guide.find(request.rows, guides);
      else for (let r = 0; r < rows; r++) guides[r] = otherFirst + r;
      if (guidance.kind === "cfg" && guidance.store === true) guide.keep(other!, otherFirst, request.rows);
      device.queue.writeBuffer(lists.atLeast(list.byteLength), 0, list);
      const target = result.atLeast(bytes + rows * listBytes);
      const unconditional = guidance.kind === "residual" ? guide.buffer : (other ?? logits);
      const buffers = [params, logits, unconditional, mask, lists.atLeast(4), target, history.buffer];
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bind(buffers));
      pass.dispatchWorkgroups(rows);
      pass.end();
      const readback = staging.atLeast(bytes);
      encoder.copyBufferToBuffer(target, 0, readback, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await isMapped(readback, bytes);
      const out = pool.take(request.rows, signals);
      const shape = { ...layout, vocab, slots, ranked };
      let some: readonly number[];
      let copy: ArrayBuffer;
      try {
        const mapped = readback.getMappedRange(0, bytes);
        some = listBytes === 0 ? [] : unsureRows(mapped, rows, layout);
        if (some.length === 0) return readRowResult(mapped, request, shape, out);
        copy = mapped.slice(0);
      } finally {
        readback.unmap();
      }
      return readRowResult(
        await withLists(copy, target, { rows, some, bytes: listBytes }),
        request,
        shape,
        out,
      );
    },
    dispose() {
      for (const buffer of [params, mask]) buffer.destroy();
      for (const buffer of [lists, result, staging, history, guide]) buffer.destroy();
    },
  };
}

function writeParams(
  words: ArrayBuffer,
  { rows, signals, guidance }: ForwardRequest,
  shape: RowLayout & { readonly vocab: number; readonly ranked: number; readonly first: number },
): void {
  const { noise } = signals;
  const { width, candidates, probes, gather, vocab, ranked, first } = shape;
  const ints = new Uint32Array(words);
  const stride = strideOf(shape);
  const [seed, step] = [noise?.seed ?? 0, noise?.step ?? 0];
  ints.set([vocab, width, candidates, probes, stride, rows.length, seed, step]);
  const floats = new Float32Array(words);
  const isGuided = guidance.kind !== "none";
  floats.set([noise?.temperature ?? 1, isGuided ? guidance.scale + 1 : 0], 8);
  const flags = [isGuided, gather, signals.klPrevious !== undefined, shape.agrees];
  ints.set(flags.map(Number), 10);
  floats[14] = guidance.kind === "residual" ? guidance.decay : 1;
  ints[15] = first;
  ints.set([ranked, Number((noise?.topK ?? 0) > 0)], 16);
  floats[18] = noise?.topP ?? 1;
  ints[19] = stride * rows.length;
}

/**
 * Canvas rows, current ids, slots and guiding rows (left as they are), probe ids, ids to gather (-1 becomes an id beyond
 * every vocabulary).
 *
 * @param last is filled again where its length fits
 */
function fillLists(
  { rows, canvases, signals }: ForwardRequest,
  last: Uint32Array<ArrayBuffer>,
): Uint32Array<ArrayBuffer> {
  const gathered = signals.gather?.ids;
  const length = ROW_LISTS * rows.length + signals.probe.length + (gathered?.length ?? 0);
  const list = last.length === length ? last : new Uint32Array(length);
  list.set(rows);
  for (let r = 0; r < rows.length; r++) list[rows.length + r] = canvases[0]![rows[r]!]!;
  list.set(signals.probe, ROW_LISTS * rows.length);
  if (gathered !== undefined) list.set(gathered, ROW_LISTS * rows.length + signals.probe.length);
  return list;
}

function growing(device: GPUDevice, usage: number) {
  let buffer: GPUBuffer | undefined;
  return {
    atLeast(bytes: number): GPUBuffer {
      if (buffer === undefined || buffer.size < bytes) {
        buffer?.destroy();
        buffer = device.createBuffer({ size: Math.max(256, 2 ** Math.ceil(Math.log2(bytes))), usage });
      }
      return buffer;
    },
    destroy: () => buffer?.destroy(),
  };
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((id, i) => id === b[i]));
}
