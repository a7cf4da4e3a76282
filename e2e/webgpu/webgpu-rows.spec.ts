import { expect } from "@playwright/test";
import type { SignalRequest } from "../../src/core/types.ts";
import type { RowCase, Shape } from "../pages/row-kernel.ts";
import { openModule } from "../support/page-module.ts";
import { SLOW, test } from "../support/strict-test.ts";

declare const subject: typeof import("../pages/row-kernel.ts");

const SHAPES: readonly Shape[] = ["normal", "ties", "flat", "peaked", "huge", "holes", "broken", "empty"];
/** Around the kernel's 256 lanes and the 32 bits of a word of the suppression mask, and none a multiple of both. */
const VOCABS = [2, 3, 31, 33, 255, 256, 257, 1000, 4099];
const PLAIN = { topK: 1, entropy: true, current: true, probe: [] };

/** Every shape of logits with every size of vocabulary; the rest varies along. */
function plainCases(): RowCase[] {
  return VOCABS.flatMap((vocab, v) =>
    SHAPES.map((shape, s): RowCase => {
      const seed = 31 * v + s;
      const topK = Math.min(vocab, 1 + ((5 * v + 3 * s) % 16));
      const probe = s % 2 === 0 ? [] : [0, vocab - 1, vocab >> 1];
      const suppress = [[], [vocab - 1], [0, 1], [vocab - 1, vocab >> 1, vocab + 5]][(v + s) % 4]!;
      const rows = [0, 3, 64 + s].slice(0, 1 + (s % 3));
      const signals = { topK, entropy: true, current: s % 2 === 1, probe };
      return { name: `${shape} V${vocab} k${topK}`, vocab, rows, shape, seed, signals, suppress };
    }),
  );
}

function noiseCases(): RowCase[] {
  const noises = [
    { temperature: 0.1, topK: 0, topP: 1 },
    { temperature: 1, topK: 0, topP: 1 },
    { temperature: 10, topK: 0, topP: 1 },
    { temperature: 0.7, topK: 5, topP: 1 },
    { temperature: 1, topK: 64, topP: 0.9 },
    { temperature: 1, topK: 0, topP: 0.5 },
    { temperature: 2, topK: 0, topP: 0.99 },
  ];
  return noises.flatMap((noise, n) =>
    SHAPES.map((shape, s): RowCase => {
      const vocab = VOCABS[(n + 2 * s) % VOCABS.length]!;
      const seed = 1000 + 31 * n + s;
      const tempered = (n + s) % 2 === 0;
      const signals = {
        ...PLAIN,
        topK: Math.min(2, vocab),
        tempered,
        noise: { ...noise, seed, step: 3 * n },
      };
      const rows = [1, 2, 500 + n];
      return {
        name: `${shape} V${vocab} ${JSON.stringify(noise)}`,
        vocab,
        rows,
        shape,
        seed,
        signals,
        suppress: [1],
      };
    }),
  );
}

/** Sums that land on top-p, as equal logits make them, and lists of ids longer and shorter than those asked for. */
function cutCases(): RowCase[] {
  const cuts = [
    [5, 0.6],
    [10, 0.9],
    [10, 0.3],
    [20, 0.35],
    [257, 0.1],
    [1000, 0.05],
  ] as const;
  const noises = cuts.flatMap(([vocab, topP]) =>
    [0, 5, 20].map((topK) => ({ vocab, temperature: 1, topK: Math.min(topK, vocab), topP })),
  );
  return noises.flatMap(({ vocab, ...noise }, n) =>
    (["flat", "ties", "normal"] as const).map((shape, s): RowCase => {
      const seed = 3000 + 10 * n + s;
      const topK = Math.min(vocab, [1, 3, 16][(n + s) % 3]!);
      const signals = { ...PLAIN, topK, tempered: true, noise: { ...noise, seed, step: n } };
      const name = `${shape} V${vocab} k${topK} ${JSON.stringify(noise)}`;
      return { name, vocab, rows: [0, 7, 9, 30], shape, seed, signals, suppress: [] };
    }),
  );
}

test("the WGSL row statistics are those of the reference", async ({ page }) => {
  test.setTimeout(300_000);
  await openModule(page, "pages/row-kernel.ts");
  expect(await page.evaluate((cases) => subject.compareRows(cases), plainCases())).toEqual([]);
});

test("so is the sampled token, for any noise", { tag: SLOW }, async ({ page }) => {
  test.setTimeout(300_000);
  await openModule(page, "pages/row-kernel.ts");
  expect(await page.evaluate((cases) => subject.compareRows(cases), noiseCases())).toEqual([]);
  expect(await page.evaluate((cases) => subject.compareRows(cases), cutCases())).toEqual([]);
});

/** Rows come, go and come again; their histories grow beyond the first buffer; another run starts anew. */
function historyCases(): RowCase[] {
  const steps = [[0, 1, 5], [1, 5], Array.from({ length: 20 }, (_, row) => row), [0, 19], [3]];
  return [2, 257, 1000].flatMap((vocab, v) =>
    SHAPES.flatMap((shape, s) =>
      steps.map((rows, n): RowCase => {
        const seed = 5000 + 100 * v + 10 * s + n;
        const width = 1 + (n % 3);
        const ids = Int32Array.from({ length: rows.length * width }, (_, i) =>
          i % 4 === 3 ? -1 : (7 * i) % vocab,
        );
        const klPrevious = n === 0 || n === 4 ? "first" : "next";
        const signals = { ...PLAIN, gather: { width, ids }, klPrevious, tempered: n % 2 === 0 } as const;
        return { name: `${shape} V${vocab} step ${n}`, vocab, rows, shape, seed, signals, suppress: [1] };
      }),
    ),
  );
}

test("gathered logits, divergence to the step before and tempered statistics", async ({ page }) => {
  test.setTimeout(300_000);
  await openModule(page, "pages/row-kernel.ts");
  expect(await page.evaluate((cases) => subject.compareRows(cases), historyCases())).toEqual([]);
});

/** Scales; then the agreement of the branches for every shape that has one in f32, and both at once. */
function guidedCases(): RowCase[] {
  const signals = { ...PLAIN, topK: 3, probe: [0] };
  const base = { rows: [0, 9], signals, suppress: [1] };
  const scaled = [-1, 0.5, 4].map((scale, s): RowCase => {
    const guidance = { kind: "cfg", scale } as const;
    return { ...base, name: `cfg ${scale}`, vocab: 1000, shape: "normal", seed: 5 + s, guidance };
  });
  const compared = VOCABS.flatMap((vocab, v) =>
    SHAPES.filter((shape) => shape !== "huge").map((shape, s): RowCase => {
      const guidance = { kind: "cfg", scale: 1, agreement: true } as const;
      const seed = 7000 + 31 * v + s;
      return {
        ...base,
        name: `agreement ${shape} V${vocab}`,
        vocab,
        shape,
        seed,
        guidance,
        signals: { ...signals, topK: Math.min(3, vocab) },
      };
    }),
  );
  return [...scaled, ...compared];
}

/** The second branch is kept, used by other rows and fewer of them, and kept anew with another number of rows. */
function residualCases(): RowCase[] {
  const residual = { kind: "residual", scale: 0.5, decay: 0.9 } as const;
  const store = { kind: "cfg", scale: 0.5, store: true } as const;
  const steps = [
    [[2, 3], residual],
    [[0, 1, 5], store],
    [[0, 1, 5], residual],
    [[1, 2, 5, 9], residual],
    [Array.from({ length: 9 }, (_, row) => 2 * row), { ...store, agreement: true }],
    [[0, 3, 16], { ...residual, decay: 1 }],
    [[4], { kind: "none" }],
    [[4, 5], residual],
  ] as const;
  return [2, 257, 1000].flatMap((vocab, v) =>
    (["normal", "ties", "holes", "broken"] as const).flatMap((shape, s) =>
      steps.map(([rows, guidance], n): RowCase => {
        const seed = 9000 + 100 * v + 10 * s + n;
        const name = `${guidance.kind} ${shape} V${vocab} step ${n}`;
        return { name, vocab, rows, shape, seed, guidance, signals: PLAIN, suppress: [1] };
      }),
    ),
  );
}

test("guided logits, the agreement of their branches, and branches that are kept", { tag: SLOW }, async ({
  page,
}) => {
  test.setTimeout(300_000);
  await openModule(page, "pages/row-kernel.ts");
  const cases = [...guidedCases(), ...residualCases()];
  expect(await page.evaluate((all) => subject.compareRows(all), cases)).toEqual([]);
});

test("32 rows of 151936 logits come back as at most 8 kB, and a steady step makes no buffer", {
  tag: SLOW,
}, async ({ page }) => {
  test.setTimeout(300_000);
  await openModule(page, "pages/row-kernel.ts");
  const noise = { temperature: 1, topK: 0, topP: 1, seed: 9, step: 4 };
  const signals: SignalRequest = {
    topK: 16,
    entropy: true,
    current: true,
    probe: [0, 1, 2, 3],
    noise,
    klPrevious: "next",
  };
  const guided = { kind: "cfg", scale: 1, agreement: true, store: true } as const;
  const cuts = [{}, { topP: 0.9 }, { topK: 50, topP: 0.8 }, { topK: 50 }];
  for (const guidance of [{ kind: "none" }, guided] as const) {
    for (const cut of cuts) {
      const asked = { ...signals, tempered: true, noise: { ...noise, ...cut } };
      const work = await page.evaluate((args) => subject.readBack(151_936, args.asked, args.guidance), {
        asked,
        guidance,
      });
      expect(work.bytesRead).toBeGreaterThan(32 * 4 * 42);
      expect(work.bytesRead).toBeLessThanOrEqual(8192);
      expect(work.buffersMadeLate).toBe(0);
    }
  }
  // A constraint asks for more.
  const constrained = { topK: 64, entropy: true, current: true, probe: [0, 1, 2, 3], noise };
  const work = await page.evaluate(
    (wanted) => subject.readBack(151_936, wanted, { kind: "none" }),
    constrained,
  );
  expect(work.bytesRead).toBeLessThanOrEqual(20_480);
});

test("vocabularies of 151936 and 262144, with everything that may be asked for", async ({ page }) => {
  test.setTimeout(300_000);
  await openModule(page, "pages/row-kernel.ts");
  const noises = [
    { temperature: 1, topK: 0, topP: 1 },
    { temperature: 0.7, topK: 0, topP: 0.9 },
    { temperature: 0.2, topK: 40, topP: 0.95 },
  ];
  const large = [151_936, 262_144].flatMap((vocab) =>
    noises.map((noise, n): RowCase => {
      const [probe, suppress] = [[0, vocab - 1], [vocab - 2]];
      const rows = [0, 1, 2, 3];
      const ids = Int32Array.from(rows, (row) => vocab - 3 - row);
      const signals = {
        ...{ ...PLAIN, topK: 16, probe, tempered: true },
        noise: { ...noise, seed: 9, step: n },
        gather: { width: 1, ids },
        klPrevious: n === 0 ? "first" : "next",
      } as const;
      return { name: `V${vocab} ${n}`, vocab, rows, shape: "normal", seed: 8 + n, suppress, signals };
    }),
  );
  expect(await page.evaluate((cases) => subject.compareRows(cases), large)).toEqual([]);
});
