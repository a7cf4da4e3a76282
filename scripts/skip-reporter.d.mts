import type { Reporter } from "vitest/node";

export declare class SkipReporter implements Reporter {
  onTestRunEnd: NonNullable<Reporter["onTestRunEnd"]>;
}
