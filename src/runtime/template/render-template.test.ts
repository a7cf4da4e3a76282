import { expect, test } from "vitest";
import { renderTemplate, TEMPLATE_LIMITS, type TemplateWorker } from "./render-template.ts";
import type { TemplateAnswer } from "./template-runner.ts";
import { startTemplateWorker } from "./template-worker-node.ts";

/** Real threads; the fakes are for what they never do. */
const run = (template: string, limits = TEMPLATE_LIMITS) =>
  renderTemplate(startTemplateWorker, { template, variables: { name: "you" } }, limits);
const failed = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

test("a template gives its text", async () => {
  expect(await run("Hello {{ name }}{% for i in range(3) %} {{ i }}{% endfor %}.")).toBe("Hello you 0 1 2.");
});

/** 10^15 rounds. */
const LOOPS = `${"{% for i in range(1000) %}".repeat(5)}{% endfor %}`.replace(
  "{% endfor %}",
  "{% endfor %}".repeat(5),
);

test("a template that loops for ever is killed when its time is over", async () => {
  const began = performance.now();
  await expect(run(LOOPS, { ...TEMPLATE_LIMITS, runMs: 300 })).rejects.toEqual(
    failed("invalid-options", /runs for longer than 0\.3 s/),
  );
  expect(performance.now() - began).toBeLessThan(TEMPLATE_LIMITS.startMs);
});

test("a template that takes all memory ends alone", async () => {
  const grows =
    "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}";
  await expect(run(grows, { ...TEMPLATE_LIMITS, runMs: 20_000 })).rejects.toEqual(
    failed("invalid-options", /./),
  );
});

test("what a template says when it fails is told, and what it writes is bounded", async () => {
  await expect(run("{{ raise_exception('no') }}")).rejects.toEqual(
    failed("invalid-options", /cannot be used: no\./),
  );
  await expect(
    run("{% for i in range(2000) %}xxxxx{% endfor %}", { ...TEMPLATE_LIMITS, maxChars: 9999 }),
  ).rejects.toEqual(failed("invalid-options", /writes 10000 characters/));
});

test("a worker that never comes, or dies, is an error, and is killed all the same", async () => {
  let killed = 0;
  const fake = (listen: TemplateWorker["listen"]) => (): TemplateWorker => ({
    post() {},
    listen,
    kill: () => void killed++,
  });
  const request = { template: "", variables: {} };
  const limits = { ...TEMPLATE_LIMITS, startMs: 1 };
  await expect(
    renderTemplate(
      fake(() => {}),
      request,
      limits,
    ),
  ).rejects.toEqual(failed("backend-unavailable", /not there after/));
  const dies = fake((_, onDeath) => onDeath("blocked by the policy"));
  await expect(renderTemplate(dies, request)).rejects.toEqual(
    failed("backend-unavailable", /blocked by the policy/),
  );
  const ready: TemplateAnswer = { kind: "ready" };
  const stops = fake((onAnswer, onDeath) => {
    onAnswer(ready);
    onDeath("out of memory");
  });
  await expect(renderTemplate(stops, request)).rejects.toEqual(failed("invalid-options", /out of memory/));
  expect(killed).toBe(3);
});
