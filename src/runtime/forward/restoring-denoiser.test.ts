import { expect, test } from "vitest";
import { UnmaskError } from "../../core/errors.ts";
import type { Denoiser, ForwardRequest, KvPlan, RowStats } from "../../core/types.ts";
import { runJob } from "../../engine/run/run-job.ts";
import { testModel } from "../../engine/run/scripted-model.ts";
import { createRestoringDenoiser } from "./restoring-denoiser.ts";

const STATS = { k: 1 } as RowStats;

/** A denoiser that works `lives` times and is then lost; it writes down what it was asked. */
function mortal(lives: number, log: string[], name: string): Denoiser {
  let left = lives;
  return {
    vocab: 4,
    maskId: 3,
    maxCanvas: 8,
    async forward({ kv }) {
      log.push(`${name} ${kv === null ? "full" : kv.readRows.length === 0 ? "fill" : "read"}`);
      if (left-- <= 0) throw new UnmaskError("device-lost", "gone");
      return STATS;
    },
    dispose: async () => void log.push(`${name} freed`),
  };
}

function request(kv: "full" | "fill" | "read"): ForwardRequest {
  const rows = Int32Array.of(0);
  const none = new Int32Array(0);
  const plan: KvPlan =
    kv === "read"
      ? { queryRows: rows, readRows: rows, writeRows: none }
      : { queryRows: rows, readRows: none, writeRows: rows };
  return {
    canvases: [rows],
    rows,
    attention: { kind: "full" },
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [] },
    suppress: [],
    kv: kv === "full" ? null : plan,
    promptLen: 0,
  };
}

test("a lost forward is repeated on a new model, after those that stored what it reads", async () => {
  const log: string[] = [];
  const denoiser = createRestoringDenoiser(mortal(2, log, "a"), async () => mortal(9, log, "b"));
  denoiser.watch((why) => log.push(why));
  await denoiser.forward(request("fill"));
  await denoiser.forward(request("read"));
  for (const kv of ["read", "read", "fill", "read"] as const)
    expect(await denoiser.forward(request(kv))).toBe(STATS);
  await denoiser.dispose();
  expect(log).toEqual([
    "a fill",
    "a read",
    "a read",
    "a freed",
    "the GPU was taken away; going on with a new one",
    "b fill",
    "b read",
    "b read",
    "b fill",
    "b read",
    "b freed",
  ]);
});

test("devices that keep dying end in device-lost, and a later forward tries again", async () => {
  const log: string[] = [];
  const models = [0, 0, 0, 1].map((lives, i) => mortal(lives, log, `m${i}`));
  const denoiser = createRestoringDenoiser(models.shift()!, async () => models.shift()!);
  await expect(denoiser.forward(request("full"))).rejects.toMatchObject({ code: "device-lost" });
  expect(models).toHaveLength(1);
  expect(await denoiser.forward(request("full"))).toBe(STATS);
});

test("no new device is device-lost too; other errors pass; a closed one is disposed", async () => {
  const log: string[] = [];
  const denoiser = createRestoringDenoiser(mortal(0, log, "a"), async () => {
    throw new UnmaskError("webgpu-unavailable", "no adapter");
  });
  await expect(denoiser.forward(request("full"))).rejects.toMatchObject({
    code: "device-lost",
    message: expect.stringContaining("no adapter"),
  });
  const broken = { ...mortal(1, log, "c"), forward: () => Promise.reject(new UnmaskError("internal", "x")) };
  const other = createRestoringDenoiser(broken, async () => mortal(1, log, "d"));
  await expect(other.forward(request("full"))).rejects.toMatchObject({ code: "internal" });
  await other.dispose();
  await expect(other.forward(request("full"))).rejects.toMatchObject({ code: "disposed" });
});

test("closing while the model is opened again frees the new one", async () => {
  const log: string[] = [];
  let reached = (): void => {};
  const reopening = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const denoiser = createRestoringDenoiser(mortal(0, log, "a"), async (signal) => {
    reached();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return mortal(1, log, "b");
  });
  const forward = denoiser.forward(request("full"));
  await reopening;
  await denoiser.dispose();
  await expect(forward).rejects.toMatchObject({ code: "disposed" });
  expect(log).toEqual(["a full", "a freed", "b freed"]);
});

test("a device without memory is reported and given up; the next forward has a new one", async () => {
  const log: string[] = [];
  const full = {
    ...mortal(1, log, "a"),
    forward: () => Promise.reject(new UnmaskError("out-of-memory", "x")),
  };
  const denoiser = createRestoringDenoiser(full, async () => mortal(9, log, "b"));
  denoiser.watch((why) => log.push(why));
  await expect(denoiser.forward(request("fill"))).rejects.toMatchObject({ code: "out-of-memory" });
  expect(log).toEqual(["a freed"]);
  expect(await denoiser.forward(request("full"))).toBe(STATS);
  expect(log).toEqual(["a freed", "b full"]);
});

test("a request beyond a known limit costs nothing but itself", async () => {
  const log: string[] = [];
  const limited = new UnmaskError("out-of-memory", "x", { detail: { limitBytes: 1 } });
  const small: Denoiser = {
    ...mortal(9, log, "a"),
    forward: async (asked) => {
      if (asked.kv !== null) throw limited;
      return STATS;
    },
  };
  const denoiser = createRestoringDenoiser(small, async () => mortal(9, log, "b"));
  await expect(denoiser.forward(request("fill"))).rejects.toBe(limited);
  expect(await denoiser.forward(request("full"))).toBe(STATS);
  expect(log).toEqual([]);
});

const RECIPES: readonly object[] = [
  ...["none", "prefix", "dual", "partial", "region"].map((cache) => ({
    preset: "llada",
    block: 16,
    steps: 20,
    cache,
  })),
  { preset: "klass" },
  { preset: "llada", block: 16, guidance: { cfg: 1, residual: { every: 0, decay: 1 } } },
  { preset: "llada", block: 16, guidance: { cfg: 1, residual: { every: 3, decay: 0.9 } }, cache: "dual" },
];

test.each(RECIPES.map((recipe) => [JSON.stringify(recipe), recipe] as const))(
  "a text by %s ends the same",
  async (_, recipe) => {
    const options = { maxNewTokens: 40, recipe };
    const run = async (denoiser: Denoiser) => {
      const events = [];
      const model = { ...testModel(), denoiser };
      const job = { kind: "generate", prompt: "hello", options } as const;
      for await (const event of runJob(job, model, { stop: () => false })) events.push(event);
      return events;
    };
    const whole = await run(testModel().denoiser);
    for (const lives of [1, 6, 13]) {
      let left = lives;
      const { denoiser } = testModel();
      const dying: Denoiser = {
        ...denoiser,
        forward: async (asked) => {
          if (left-- <= 0) throw new UnmaskError("device-lost", "gone");
          return denoiser.forward(asked);
        },
      };
      let reopened = 0;
      const restoring = createRestoringDenoiser(dying, async () => {
        reopened++;
        return testModel().denoiser;
      });
      expect(await run(restoring)).toEqual(whole);
      expect(reopened).toBe(1);
    }
  },
);

test("several canvases that are too much at once are computed one at a time, on a new device", async () => {
  const log: string[] = [];
  const small = (name: string, alone: boolean): Denoiser => ({
    ...mortal(99, log, name),
    batchRows: alone ? 0 : 64,
    forwardAll: async (requests) => {
      log.push(`${name} ${requests.length} ${alone ? "alone" : "together"}`);
      if (!alone) throw new UnmaskError("out-of-memory", "x");
      return requests.map(() => STATS);
    },
  });
  const denoiser = createRestoringDenoiser(small("a", false), async (_signal, alone) => small("b", alone));
  denoiser.watch((why) => log.push(why));
  expect(denoiser.batchRows).toBe(64);
  const lanes = (kv: "fill" | "read") => [0, 1].map((lane) => ({ ...request(kv), lane }));
  await denoiser.forward(lanes("fill")[0]!);
  expect(await denoiser.forwardAll(lanes("read"))).toEqual([STATS, STATS]);
  expect(denoiser.batchRows).toBe(0);
  expect(log).toEqual([
    "a fill",
    "a 2 together",
    "a freed",
    "the GPU ran out of memory with several texts in one run; going on one at a time",
    "b fill",
    "b 2 alone",
  ]);
});

test("what is stored of each text is brought back on a new device", async () => {
  const log: string[] = [];
  const lived = (name: string, lives: number): Denoiser => {
    let left = lives;
    return {
      ...mortal(99, log, name),
      forward: async ({ lane, kv }) => {
        log.push(`${name} ${lane} ${kv?.readRows.length === 0 ? "fill" : "read"}`);
        if (left-- <= 0) throw new UnmaskError("device-lost", "gone");
        return STATS;
      },
    };
  };
  const denoiser = createRestoringDenoiser(lived("a", 3), async () => lived("b", 99));
  const of = (kv: "fill" | "read", lane?: number): ForwardRequest =>
    lane === undefined ? request(kv) : { ...request(kv), lane };
  for (const lane of [0, 1, 0]) await denoiser.forward(of("fill", lane));
  await denoiser.forward(of("read", 1));
  expect(log).toEqual([
    "a 0 fill",
    "a 1 fill",
    "a 0 fill",
    "a 1 read",
    "a freed",
    "b 1 fill",
    "b 0 fill",
    "b 1 read",
  ]);
});
