/** What is learned from a model's own runs: a commit filter, a schedule of steps. Pure and seeded. */
export { type FitOptions, type FitReport, fitFilter } from "./fit-filter.ts";
export { type FilterExample, greedyOracle } from "./greedy-oracle.ts";
export {
  type BlockTrace,
  cutSchedule,
  entropyCosts,
  missCosts,
  recordingSelector,
  type SlowStep,
  searchSchedule,
} from "./schedule.ts";
