/** Search at inference time over any strategy: pure, without a browser and without a model. */
export type { Search } from "./input.ts";
export { driveSearch, type ScriptedSearch } from "./scripted.ts";
export { runSearch } from "./search.ts";
export {
  openSession,
  type SearchAnswer,
  type SearchOutput,
  type SearchSetting,
  type Session,
} from "./session.ts";
