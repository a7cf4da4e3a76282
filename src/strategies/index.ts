/** Decoding strategies for masked diffusion language models: pure, without a browser and without a model. */
export type { RowStats, SignalRequest } from "../core/types.ts";
export { applyGuidance } from "../math/guidance.ts";
export { allocateRowStats, reduceRows } from "../math/row-stats.ts";
export { fixedBlocks } from "./blocks.ts";
export { type Canvas, continuationCanvas, createCanvas, FILLED, GIVEN, MASKED } from "./canvas.ts";
export { type DecodeOutput, type Decoder, type DecodeVerdict, decode, startState } from "./decode.ts";
export { entropyGuard } from "./decoders/entropy-guard.ts";
export { guidedSelector, ngramSupervisor, type Supervisor } from "./decoders/guided.ts";
export { carryDraft, type Written } from "./live/carry-draft.ts";
export {
  nextInput,
  SIMILARITY_DEFAULTS,
  type SimilarityOptions,
  STREAM_START,
  type StreamState,
} from "./live/similarity.ts";
export { type BatchItem, streamBatch } from "./live/stream-batch.ts";
export { type GoldenRandom, goldenRandom } from "./oracle/golden-random.ts";
export { canvasHash, createOracle, type Oracle, oracleDenoiser } from "./oracle/oracle.ts";
export { ORACLE_DEFAULTS, type OracleParameters, oracleLogits } from "./oracle/oracle-logits.ts";
export { runScripted } from "./oracle/run-scripted.ts";
export { DOUBTFUL, type Doubt, type DoubtWatch, watchDoubts } from "./pieces/doubts.ts";
export { type DraftChoice, hintDraft, placeDraft, promptLookup } from "./pieces/draft.ts";
export { eosStop } from "./pieces/eos-stop.ts";
export { adaptiveGuidance, cfgGuidance, residualGuidance, weakGuidance } from "./pieces/guidance.ts";
export { dllmCosineQuota, dllmLinearQuota, dreamQuota, lladaQuota } from "./pieces/quota.ts";
export { gumbelSampler, type SamplerOptions } from "./pieces/sampler.ts";
export { probabilityScorer, randomScorer } from "./pieces/scorer.ts";
export { quotaSelector, rank, thresholdSelector } from "./pieces/selector.ts";
export type { ModelHints, Preset, Settings } from "./recipe/preset.ts";
export { buildStrategy, findPreset, PRESET_NAMES, PRESETS } from "./recipe/presets.ts";
export { seededRng } from "./rng.ts";
export type * from "./strategy.ts";
