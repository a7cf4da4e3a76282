import type { OwnLook } from "../own/protocol.ts";

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
  const parameters = `${millions(Number(facts["parameters"] ?? 0))} parameters`;
  if (!runnable || storedBytes === undefined) {
    const stored = `${String(facts["family"] ?? "No known family")}, ${parameters}, ${size(sourceBytes)}.`;
    return { title: `${name} cannot run here`, lines: [...(reason === undefined ? [] : [reason]), stored] };
  }
  const attention = facts["attention"] as { kind: string; block?: number }; // what inspectCheckpoint puts there
  const sees = attention.kind === "full" ? "sees the whole text" : `sees blocks of ${attention.block}`;
  const reads = remote ? `downloads ${size(sourceBytes)}` : `reads ${size(sourceBytes)}`;
  const lines = [
    `${String(facts["family"])}, ${parameters}, ${sees}.`,
    `Converting ${reads} and stores ${size(storedBytes)} in this browser${free}.`,
    ...(doneBytes > 0 ? [`${size(doneBytes)} are done already; it goes on from there.`] : []),
    ...told,
  ];
  if (isTooBig) return { title: name, lines: [...lines, TOO_BIG] };
  if (needsMask(look)) return { title: name, lines };
  const verb = remote ? "Download and convert" : "Convert";
  return { title: name, lines, action: doneBytes > 0 ? `${verb} the rest` : verb };
}

/** True when nothing names the mask token: its user has to. */
export function needsMask({ inspection }: OwnLook): boolean {
  return inspection.warnings.some(({ code }) => code === "tokens-missing");
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
