export type { Companion, CompanionAsk } from "../core/companion.ts";
export { type CompanionOptions, type OpenCompanion, openCompanion } from "./open-companion.ts";
