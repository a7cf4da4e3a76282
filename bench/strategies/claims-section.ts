import { percent } from "../harness/table.ts";
import { CLAIMS, type Claim } from "./claims.ts";
import { FIXED, PLAIN } from "./contestants.ts";
import { ALL_TASKS, type Standing } from "./summary.ts";

interface Unable {
  readonly name: string;
  readonly reason: string;
}

/** Markdown: each seed system's claim, what was measured, and why they differ. All figures come from the standings. */
export function claimsSection(all: readonly Standing[], unable: readonly Unable[]): string {
  const overall = all.filter(({ task }) => task === ALL_TASKS);
  const parts = CLAIMS.map((entry) => claimText(entry, overall, unable));
  return ["## What the systems claim, and what was measured", "", ...parts].join("\n");
}

function claimText(
  { system, contestants, claim, rival, elsewhere, flags, differs }: Claim,
  overall: readonly Standing[],
  unable: readonly Unable[],
): string {
  const lines = contestants.flatMap((name) => {
    const found = overall.filter(({ contestant }) => contestant === name);
    if (found.length > 0) {
      return found.map((standing) =>
        flags === true
          ? `- ${doubts(standing)}`
          : `- ${measured(standing, overall)}${beside(standing, rival, overall)}`,
      );
    }
    const reason = unable.find((other) => other.name === name)?.reason ?? "it was not part of this run.";
    return [`- ${name}: not measured, ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`];
  });
  const command = `Measured by \`unmask bench strategies --presets "${contestants.join(",")}" --out docs/results\`:`;
  const figures = contestants.length === 0 ? [] : [command, "", ...lines, ""];
  const further = elsewhere === undefined ? [] : [`${elsewhere}.`, ""];
  return [
    `### ${system}`,
    "",
    `Claim: ${claim}.`,
    "",
    ...figures,
    ...further,
    `Why they differ: ${differs}`,
    "",
  ].join("\n");
}

/**
 * The ratio to one token a step at fixed length, taken apart: what ending with the text gives plain LLaDA too, and what
 * the decoder adds; forwards and rows.
 */
function measured(standing: Standing, overall: readonly Standing[]): string {
  const { canvas, contestant, accuracy, fewerThanFixed, againstPlain } = standing;
  const plain = overall.find((other) => other.canvas === canvas && other.contestant === PLAIN);
  const parts = [
    `${contestant}, canvas of ${canvas}, ${standing.prompts} prompts:`,
    `${times(fewerThanFixed.forwards)} fewer forwards and ${times(fewerThanFixed.rows)} fewer rows than "${FIXED}"`,
  ];
  if (plain !== undefined) {
    parts.push(`(ending with the text alone gives plain LLaDA ${times(plain.fewerThanFixed.forwards)});`);
  }
  if (againstPlain !== null) {
    parts.push(
      `${times(againstPlain.fewerForwards)} fewer forwards and ${times(againstPlain.fewerRows)} fewer rows than plain LLaDA that ends with the text;`,
      `exact ${percent(accuracy)}, ${againstPlain.gained} gained and ${againstPlain.lost} lost against it (p = ${pValue(againstPlain.p)}).`,
    );
  }
  return parts.join(" ");
}

/** Whether responses with doubtful tokens are wrong more often. */
function doubts({ contestant, canvas, prompts, doubted }: Standing): string {
  const { responses, right, otherwise } = doubted;
  return (
    `${contestant}, canvas of ${canvas}, ${prompts} prompts: ${responses} responses have a token that the model wavered over; ` +
    `${percent(right)} of them are right, and ${percent(otherwise)} of the others.`
  );
}

/** The nearest decoder without the system's idea, on the same prompts. */
function beside(standing: Standing, rival: string | undefined, overall: readonly Standing[]): string {
  const { canvas, forwards, branches, accuracy } = standing;
  const other = overall.find(({ contestant, canvas: cells }) => contestant === rival && cells === canvas);
  if (other === undefined) return "";
  return (
    ` Beside ${rival}: ${forwards.toFixed(1)} against ${other.forwards.toFixed(1)} forwards and ` +
    `${branches.toFixed(1)} against ${other.branches.toFixed(1)} branches a response, ` +
    `exact ${percent(accuracy)} against ${percent(other.accuracy)}.`
  );
}

export function times(ratio: number): string {
  return `${ratio.toFixed(2)} times`;
}

export function pValue(p: number): string {
  return p < 0.001 ? p.toExponential(0) : p.toFixed(3);
}
