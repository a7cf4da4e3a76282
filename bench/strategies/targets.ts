import { percent, type Table } from "../harness/table.ts";
import { ADAPTIVE, FIXED, GUIDED, PLAIN, SPOILED, WARM } from "./contestants.ts";
import { ALL_TASKS, type Standing } from "./summary.ts";

/** What a system has to reach, and beside whom. */
interface Target {
  readonly contestant: string;
  readonly canvas: number;
  /** Forwards, branches: times fewer; effective: times the share of tokens among the cells; text: share that is the same. */
  readonly measure: "forwards" | "branches" | "effective" | "text";
  readonly against: string;
  readonly atLeast: number;
}

/** The ratios of the papers, or what this project has set itself. */
const TARGETS: readonly Target[] = [
  { contestant: "learn2pd", canvas: 512, measure: "forwards", against: FIXED, atLeast: 22 },
  { contestant: "learn2pd", canvas: 512, measure: "forwards", against: PLAIN, atLeast: 5 },
  { contestant: "credit", canvas: 256, measure: "forwards", against: FIXED, atLeast: 5 },
  { contestant: "eb", canvas: 256, measure: "forwards", against: FIXED, atLeast: 2 },
  { contestant: "klass", canvas: 256, measure: "forwards", against: FIXED, atLeast: 2.78 },
  { contestant: "localleap", canvas: 256, measure: "forwards", against: FIXED, atLeast: 6.94 },
  { contestant: WARM, canvas: 256, measure: "forwards", against: "fast-dllm", atLeast: 1 / 0.65 },
  { contestant: SPOILED, canvas: 256, measure: "forwards", against: "fast-dllm", atLeast: 1 / 0.65 },
  { contestant: "daedal", canvas: 256, measure: "effective", against: PLAIN, atLeast: 1.5 },
  { contestant: "freedave", canvas: 256, measure: "text", against: PLAIN, atLeast: 1 },
  { contestant: ADAPTIVE, canvas: 256, measure: "branches", against: GUIDED, atLeast: 1 / 0.75 },
];

/** Most points that the mean over tasks may lose, and that a task may lose with p below {@link LEVEL}. */
const MOST_LOST = 0.01;
const LEVEL = 0.05;

/** How each target stands: the ratio, and whether it costs right answers. */
export function targetTable(all: readonly Standing[]): Table {
  return {
    title: "Targets",
    columns: [
      "decoder",
      "canvas",
      "prompts",
      "what",
      "target",
      "measured",
      "points lost",
      "tasks lost",
      "holds",
    ],
    rows: TARGETS.map((target) => rowOf(target, all)),
    notes: [
      "Points lost: mean over tasks, against the decoder it is compared with (one token a step for both baselines); negative where it gains; DAEDAL against the canvas on which one token a step answers best. " +
        "Tasks lost: those with more than 1 point lost to one token a step and p below 5 % (McNemar). " +
        "A target holds when its ratio is reached, at most 1 point is lost and no task; with few prompts that says little.",
    ],
  };
}

function rowOf(
  { contestant, canvas, measure, against, atLeast }: Target,
  all: readonly Standing[],
): string[] {
  const what = `${WORDS[measure]} "${against}"`;
  const needed = measure === "text" ? percent(atLeast) : atLeast.toFixed(2);
  const find = (name: string) => standingOf(all, name, canvas);
  const own = find(contestant);
  const other = against === FIXED ? find(PLAIN) : find(against);
  if (own === undefined || other === undefined) {
    return [contestant, String(canvas), "0", what, needed, "not measured", "-", "-", "-"];
  }
  const found = measured(measure, own, other, against === FIXED);
  const loss =
    measure === "effective"
      ? lossToBestLength(all, contestant, against, canvas)
      : lossOf(all, contestant, against === FIXED ? PLAIN : against, canvas);
  const lost = tasksLost(all, contestant, canvas);
  const holds = found >= atLeast && loss <= MOST_LOST && lost.length === 0;
  return [
    contestant,
    String(canvas),
    String(own.prompts),
    what,
    needed,
    measure === "text" ? percent(found) : found.toFixed(2),
    (100 * loss).toFixed(1),
    lost.length === 0 ? "none" : lost.join(", "),
    holds ? "yes" : "no",
  ];
}

const WORDS = {
  forwards: "times fewer forwards than",
  branches: "times fewer branches than",
  effective: "times the effective share of",
  text: "same text as",
} as const;

function measured(measure: Target["measure"], own: Standing, other: Standing, isFixed: boolean): number {
  if (measure === "forwards") return isFixed ? own.fewerThanFixed.forwards : other.forwards / own.forwards;
  if (measure === "branches") return other.branches / own.branches;
  if (measure === "effective") return own.effective / other.effective;
  return own.againstPlain?.same ?? Number.NaN;
}

function standingOf(all: readonly Standing[], name: string, canvas: number, task = ALL_TASKS) {
  return all.find((entry) => entry.contestant === name && entry.canvas === canvas && entry.task === task);
}

/** Share of right answers that `other` has more, mean over tasks; `cells` is the canvas of the other. */
function lossOf(
  all: readonly Standing[],
  name: string,
  other: string,
  canvas: number,
  cells = canvas,
): number {
  const own = all.filter((entry) => entry.contestant === name && entry.canvas === canvas);
  const losses = own.flatMap(({ task, accuracy }) => {
    const beside = task === ALL_TASKS ? undefined : standingOf(all, other, cells, task);
    return beside === undefined ? [] : [beside.accuracy - accuracy];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / Math.max(1, losses.length);
}

/** The same against the other on the canvas where it answers best. */
function lossToBestLength(all: readonly Standing[], name: string, other: string, canvas: number): number {
  const measuredOn = new Set(
    all.filter(({ contestant }) => contestant === other).map((entry) => entry.canvas),
  );
  return Math.max(...[...measuredOn].map((cells) => lossOf(all, name, other, canvas, cells)));
}

function tasksLost(all: readonly Standing[], name: string, canvas: number): string[] {
  return all
    .filter(
      ({ contestant, canvas: cells, task, againstPlain }) =>
        contestant === name &&
        cells === canvas &&
        task !== ALL_TASKS &&
        againstPlain !== null &&
        (againstPlain.lost - againstPlain.gained) / againstPlain.prompts > MOST_LOST &&
        againstPlain.p < LEVEL,
    )
    .map(({ task }) => task);
}

/**
 * The decoder with the fewest forwards among those that answer as well as one token a step on every canvas, by the rule of
 * the targets; what a bundle's `default` should be. Only decoders that were measured on as many prompts count.
 *
 * @param names the decoders to choose from
 */
export function bestDecoder(all: readonly Standing[], names: readonly string[]): string | undefined {
  const canvases = [...new Set(all.map(({ canvas }) => canvas))];
  const forwards = (name: string): number =>
    canvases.reduce((sum, canvas) => sum + (standingOf(all, name, canvas)?.forwards ?? 0), 0);
  const isFit = (name: string): boolean =>
    canvases.every(
      (canvas) =>
        standingOf(all, name, canvas)?.prompts === standingOf(all, PLAIN, canvas)?.prompts &&
        lossOf(all, name, PLAIN, canvas) <= MOST_LOST &&
        tasksLost(all, name, canvas).length === 0,
    );
  return names.filter(isFit).toSorted((a, b) => forwards(a) - forwards(b))[0];
}

/** Most decoders that are measured in all rounds for what they showed in some. */
const MOST_RUNNERS = 4;

/**
 * Decoders that were not measured in all rounds, and on the prompts that they had took fewer forwards than the best one and
 * answered as well as one token a step: the first few of them.
 *
 * @param names the decoders to choose from
 */
export function frontRunners(all: readonly Standing[], names: readonly string[]): readonly string[] {
  const best = bestDecoder(all, names);
  const canvases = [...new Set(all.map(({ canvas }) => canvas))];
  const saved = (name: string): number =>
    canvases.reduce((sum, canvas) => sum + (comparison(name, canvas)?.fewerForwards ?? 0), 0);
  const comparison = (name: string, canvas: number) => standingOf(all, name, canvas)?.againstPlain;
  const isFit = (name: string): boolean =>
    canvases.every((canvas) => {
      const beside = comparison(name, canvas);
      return beside != null && (beside.lost - beside.gained) / beside.prompts <= MOST_LOST;
    });
  const isRare = (name: string): boolean =>
    canvases.some(
      (canvas) => standingOf(all, name, canvas)?.prompts !== standingOf(all, PLAIN, canvas)?.prompts,
    );
  return names
    .filter((name) => isRare(name) && isFit(name) && (best === undefined || saved(name) > saved(best)))
    .toSorted((a, b) => saved(b) - saved(a))
    .slice(0, MOST_RUNNERS);
}
