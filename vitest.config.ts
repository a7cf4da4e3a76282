import { defineConfig } from "vitest/config";
import { SkipReporter } from "./scripts/skip-reporter.mjs";

/** `unit` runs everywhere in minutes; `slow` holds what needs many forwards or large files. */
export default defineConfig({
  test: {
    reporters: ["default", new SkipReporter()],
    projects: [
      {
        test: {
          name: "unit",
          setupFiles: ["scripts/seed-properties.ts"],
          include: ["src/**/*.test.ts", "bench/**/*.test.ts", "workers/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: ["**/*.slow.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "slow",
          include: ["src/**/*.slow.test.ts", "scripts/**/*.slow.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
