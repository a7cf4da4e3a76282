/** Decoding strategies for masked diffusion language models: pure, without a browser and without a model. */
export type { RowStats, SignalRequest } from "../core/types.ts";
export { applyGuidance } from "../math/guidance.ts";
export { allocateRowStats, reduceRows } from "../math/row-stats.ts";
export { fixedBlocks } from "./blocks.ts";
export { type Canvas, continuationCanvas, createCanvas, FILLED, GIVEN, MASKED } from "./canvas.ts";
export { type DecodeOutput, type Decoder, type DecodeVerdict, decode, startState } from "./decode.ts";
export { entropyGuard } from "./decoders/entropy-guard.ts";
export { guidedSelector, ngramSupervisor, type Supervisor } from "./decoders/guided.ts";
export { DOUBTFUL, type Doubt, type DoubtWatch, watchDoubts } from "./doubts.ts";
export { type DraftChoice, hintDraft, placeDraft, promptLookup } from "./draft.ts";
export { eosStop } from "./eos-stop.ts";
export { type GoldenRandom, goldenRandom } from "./golden-random.ts";
export { adaptiveGuidance, cfgGuidance, residualGuidance, weakGuidance } from "./guidance.ts";
export { carryDraft, type Written } from "./live/carry-draft.ts";
export {
  nextInput,
  SIMILARITY_DEFAULTS,
  type SimilarityOptions,
  STREAM_START,
  type StreamState,
} from "./live/similarity.ts";
export { type BatchItem, streamBatch } from "./live/stream-batch.ts";
export { canvasHash, createOracle, type Oracle, oracleDenoiser } from "./oracle.ts";
export { ORACLE_DEFAULTS, type OracleParameters, oracleLogits } from "./oracle-logits.ts";
export type { ModelHints, Preset, Settings } from "./preset.ts";
export { buildStrategy, findPreset, PRESET_NAMES, PRESETS } from "./presets.ts";
export { dllmCosineQuota, dllmLinearQuota, dreamQuota, lladaQuota } from "./quota.ts";
export { seededRng } from "./rng.ts";
export { runScripted } from "./run-scripted.ts";
export { gumbelSampler, type SamplerOptions } from "./sampler.ts";
export { probabilityScorer, randomScorer } from "./scorer.ts";
export { quotaSelector, rank, thresholdSelector } from "./selector.ts";
export type * from "./strategy.ts";
