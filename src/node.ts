export { type SplitAnswer, splitThinking } from "./chat/thinking.ts";
export {
  ERROR_CODES,
  type ErrorDetail,
  isUnmaskError,
  UnmaskError,
  type UnmaskErrorCode,
} from "./core/errors.ts";
export type {
  Commit,
  CommitReason,
  DoneReason,
  GenerateEvent,
  LoadEvent,
  Pieces,
  SearchReport,
  Trace,
} from "./core/events.ts";
export type { Candidate, ChatMessage, ChatOptions, GenerateOptions, ScoreFunction } from "./core/job.ts";
export type { BackendKind, Engine, EngineInfo, LoadOptions, RunOptions } from "./protocol.ts";
export { type OpenNodeEngineOptions, openNodeEngine as openEngine } from "./runtime/host/node-engine.ts";
