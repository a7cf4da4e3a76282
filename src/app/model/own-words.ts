import type { OwnLook } from "../../own/protocol.ts";

const TOO_BIG = "That does not fit: delete a stored model first.";

/** A look in words. */
export interface LookWords {
  readonly title: string;
  readonly lines: readonly string[];
  /** What the button does; absent when there is nothing to do with it. */
  readonly action?: string;
}

export function describeLook(look: OwnLook): LookWords {
  const { name, inspection, sourceBytes, storedBytes, doneBytes, room, remote, bundle } = look;
  const { kind, runnable, reason, facts, warnings } = inspection;
  const told = warnings.map(({ message }) => message);
  const isTooBig = room !== undefined && storedBytes !== undefined && storedBytes - doneBytes > room;
  const free = room === undefined ? "" : `; ${size(room)} are free`;
  if (kind === "bundle") {
    const ready = "It is ready to run as it is.";
    if (bundle !== undefined) return { title: name, lines: [ready], action: "Load it" };
    const lines = [ready, `It takes ${size(storedBytes ?? 0)} in this browser${free}.`];
    return isTooBig
      ? { title: name, lines: [...lines, TOO_BIG] }
      : { title: name, lines, action: "Copy it into this browser" };
  }
  if (kind === "export") return describeExport(look, isTooBig, free);
  const parameters = `${millions(Number(facts["parameters"] ?? 0))} parameters`;
  if (!runnable || storedBytes === undefined) {
    const stored = `${String(facts["family"] ?? "No known family")}, ${parameters}, ${size(sourceBytes)}.`;
    return { title: `${name} cannot run here`, lines: [...(reason === undefined ? [] : [reason]), stored] };
  }
  const reads = remote ? `downloads ${size(sourceBytes)}` : `reads ${size(sourceBytes)}`;
  const lines = [
    `${String(facts["family"])}, ${parameters}, ${sight(facts)}.`,
    `Converting ${reads} and stores ${size(storedBytes)} in this browser${free}.`,
    ...(doneBytes > 0 ? [`${size(doneBytes)} are done already; it goes on from there.`] : []),
    ...told,
  ];
  if (isTooBig) return { title: name, lines: [...lines, TOO_BIG] };
  if (lacksTokens(look)) return { title: name, lines };
  const verb = remote ? "Download and convert" : "Convert";
  return { title: name, lines, action: doneBytes > 0 ? `${verb} the rest` : verb };
}

/** Graphs that others made: nothing is converted, and nothing is known of their inside. */
function describeExport(look: OwnLook, isTooBig: boolean, free: string): LookWords {
  const { name, inspection, sourceBytes, storedBytes, doneBytes, remote } = look;
  const { runnable, reason, facts, warnings } = inspection;
  if (!runnable || storedBytes === undefined) {
    return { title: `${name} cannot run here`, lines: reason === undefined ? [] : [reason] };
  }
  const reads = remote ? `downloads ${size(sourceBytes)}` : `reads ${size(sourceBytes)}`;
  const lines = [
    `An ONNX export, ${Number(facts["vocab"])} tokens, ${sight(facts)}. Every step computes the whole text: it has no cache.`,
    `Adding it ${reads} and stores as much in this browser${free}.`,
    ...(doneBytes > 0 ? [`${size(doneBytes)} are done already; it goes on from there.`] : []),
    ...warnings.map(({ message }) => message),
  ];
  if (isTooBig) return { title: name, lines: [...lines, TOO_BIG] };
  if (lacksTokens(look)) return { title: name, lines };
  const verb = remote ? "Download" : "Add";
  return {
    title: name,
    lines,
    action: doneBytes > 0 ? `${verb} the rest` : remote ? "Download and add" : "Add it",
  };
}

function sight(facts: Readonly<Record<string, unknown>>): string {
  const attention = facts["attention"] as { kind: string; block?: number }; // what inspections put there
  return attention.kind === "full" ? "sees the whole text" : `sees blocks of ${attention.block}`;
}

/** True when a file or a number is missing without which nothing can be converted. */
function lacksTokens(look: OwnLook): boolean {
  return needsMask(look) || look.inspection.warnings.some(({ code }) => code === "tokenizer-missing");
}

/** True when nothing names the mask token: its user has to. */
export function needsMask({ inspection }: OwnLook): boolean {
  return inspection.warnings.some(({ code }) => code === "tokens-missing");
}

const WEIGHTS = { q4: "4 bits", q8: "8 bits", f16: "16 bits", f32: "32 bits" } as const;

/** A number format as the form offers it. */
export function weightsOf(dtype: keyof typeof WEIGHTS): string {
  return WEIGHTS[dtype];
}

/** Bytes as people say them. */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e7 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function millions(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} billion`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} million` : `${Math.round(count / 1000)} thousand`;
}
