import type { Target } from "../harness/targets.ts";
import { BLOCK, CANVAS } from "./common.ts";
import type { LargeReport } from "./large-model.ts";
import type { StepCost } from "./step-cost.ts";

const FEWER_MS = 4;
const READBACK_BYTES = 8192;

export function engineTargets({ ratio }: StepCost, { readbackBytes, shape }: LargeReport): Target[] {
  return [
    {
      what: `dual cache, ${BLOCK} of ${CANVAS} rows: times fewer milliseconds a step`,
      target: `at least ${FEWER_MS}`,
      measured: ratio.toFixed(1),
      holds: ratio >= FEWER_MS,
    },
    {
      what: `read back a step, ${BLOCK} rows, vocabulary of ${shape.vocab}`,
      target: `at most ${READBACK_BYTES} bytes`,
      measured: `${readbackBytes} bytes`,
      holds: readbackBytes <= READBACK_BYTES,
    },
  ];
}
