import type { Companion } from "../../src/core/companion.ts";
import { dataHash } from "../harness/identity.ts";
import type { Lab } from "../harness/lab.ts";
import type { OpenLab } from "../harness/open-lab.ts";
import { createProgress } from "../harness/progress.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import { type Accuracy, summarise } from "./accuracy.ts";
import { type Answerer, fingerprint, planAnswers } from "./answers.ts";
import { type Candidate, compareCandidates } from "./choice.ts";
import { PLAIN } from "./contestants.ts";

type Recipe = Readonly<Record<string, unknown>>;

/** Canvas that fingerprints are taken on. */
const PRINTED = 128;
/** Forwards of a response: one token a step, and of the others. */
const FORWARDS = { plain: 36, other: 6 };

export interface AnswersPlan {
  readonly open: OpenLab;
  /** What recipes are recognised by; none of the prompts that are measured. */
  readonly probes: readonly TaskPrompt[];
  status(text: string): void;
  /** Asked before each response that the journal does not have. */
  isOver(): boolean;
}

interface Twin {
  readonly companion: Companion;
  readonly hash: string;
}

/**
 * Right answers of the naive loop, the best recipe and the twin on every canvas. Kept response by response under the
 * model's data, the runtime's version and what the recipes decide on the probes.
 */
export async function accuracyPart(
  plan: AnswersPlan,
  prompts: ReadonlyMap<string, readonly TaskPrompt[]>,
  canvases: readonly number[],
  best: Recipe,
  twin: Twin | undefined,
): Promise<Accuracy[]> {
  const lab = await answeringLab(plan);
  const answerers = [
    await engine("naive loop", PLAIN, FORWARDS.plain, plan, lab),
    await engine("best recipe", best, FORWARDS.other, plan, lab),
    ...(twin === undefined ? [] : [{ kind: "twin", name: "twin", ...twin } as const]),
  ];
  const planned = canvases.map((canvas) => ({
    canvas,
    ...planAnswers(lab.model, { prompts, canvas, answerers }),
  }));
  const total = planned.reduce((sum, { cost }) => sum + cost, 0);
  const progress = createProgress(total, () => performance.now(), plan.status);
  const accuracy: Accuracy[] = [];
  for (const { canvas, measure } of planned) {
    accuracy.push(summarise(canvas, await measure({ ...lab, progress }, plan.isOver)));
  }
  return accuracy;
}

/** All candidates beside the naive loop's answers; see choice.ts. */
export async function choicePart(
  plan: AnswersPlan,
  prompts: ReadonlyMap<string, readonly TaskPrompt[]>,
  recipes: readonly Recipe[],
  canvas: number,
): Promise<Candidate[]> {
  const lab = await answeringLab(plan);
  const answerers = [await engine("naive loop", PLAIN, FORWARDS.plain, plan, lab)];
  for (const recipe of recipes) {
    answerers.push(await engine(JSON.stringify(recipe), recipe, FORWARDS.other, plan, lab));
  }
  const { cost, measure } = planAnswers(lab.model, { prompts, canvas, answerers });
  const progress = createProgress(cost, () => performance.now(), plan.status);
  const found = await measure({ ...lab, progress }, plan.isOver);
  const isEmpty = found.every(({ outcomes }) => outcomes.length === 0);
  return isEmpty ? [] : compareCandidates(recipes, found);
}

/** A lab whose results do not depend on the code but on what it does; see {@link fingerprint}. */
async function answeringLab({ open }: AnswersPlan): Promise<Omit<Lab, "progress">> {
  const { files, modes, tokens } = open.model.manifest;
  const { env } = await open.runtime.platform.loadOrt("wasm", undefined);
  const version = `${open.runtime.kind} ${env.versions.node ?? env.versions.web ?? ""}`;
  return { ...open, identity: [dataHash({ files, modes, tokens }), open.model.info.variant, version] };
}

async function engine(
  name: string,
  recipe: Recipe,
  forwards: number,
  { probes, status }: AnswersPlan,
  lab: Omit<Lab, "progress">,
): Promise<Answerer> {
  status(`what the recipe decides: ${name}`);
  return { kind: "engine", name, recipe, forwards, print: await fingerprint(recipe, probes, PRINTED, lab) };
}
