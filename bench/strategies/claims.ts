import {
  ADAPTIVE,
  BLENDED,
  BLENDED_SPOILED,
  DRAWN,
  GUIDED,
  PLAIN,
  RESIDUAL,
  SEARCHED,
  SPOILED,
  UNIFORM,
  WARM,
} from "./contestants.ts";

/** What a system's authors claim, and how far this comparison can say something about it. */
export interface Claim {
  readonly system: string;
  /** Contestants that stand for it here; none where it is no decoder or cannot be measured by tasks. */
  readonly contestants: readonly string[];
  readonly claim: string;
  /** The nearest contestant without the system's idea. */
  readonly rival?: string;
  /** Where else it is measured: the command, the report, and what that says. */
  readonly elsewhere?: string;
  /** It says which tokens are not to be trusted: the standings tell how far that is true. */
  readonly flags?: true;
  /** Why a small model on short tasks measures something else. */
  readonly differs: string;
}

/** The systems this project began from; claims as their papers state them. */
export const CLAIMS: readonly Claim[] = [
  {
    system: "Learn2PD and EoTP (arXiv 2509.25188)",
    contestants: ["learn2pd", "learn2pd without eotp", "llada + eotp", "fast-dllm + eotp"],
    claim:
      "up to 22.58 times the speed of LLaDA-8B without loss, 57.51 times with a K/V cache; against one token a step at fixed lengths of 256 to 1024, block 32",
    differs:
      "Most of a ratio at a long fixed length is the tail behind the end of the text, which plain LLaDA with a stop at that end does not compute either. The learned filter depends on the model it was fitted to.",
  },
  {
    system: "CreditDecoding (arXiv 2510.06133)",
    contestants: ["credit"],
    rival: "fast-dllm",
    claim: "5.48 times on LLaDA-8B-Instruct with 0.48 points more on average of eight benchmarks",
    differs:
      "Credit helps a token whose probability rises slowly over the threshold. In short answers with easy cells plain threshold decoding takes most of the same tokens; the fair baseline for it is fast-dllm.",
  },
  {
    system: "DAEDAL (arXiv 2508.00819)",
    contestants: ["daedal"],
    claim: "matches or beats the best tuned fixed length with a higher share of effective tokens",
    differs:
      "It reads the length from the confidence in end tokens that fill the tail. This model is trained with one end token and padding, so that signal is weaker, and its answers are shorter than the first canvas.",
  },
  {
    system: "Context-aware initialisation (arXiv 2512.19004)",
    contestants: [
      WARM,
      SPOILED,
      BLENDED,
      BLENDED_SPOILED,
      "warm-start from the twin",
      "warm-start from the prompt",
    ],
    rival: "fast-dllm",
    claim: "about 35 % fewer forwards on GSM8K, with lower accuracy than the strong baseline",
    differs:
      "The paper's draft comes from another model; here it is the right response, as a user's own text is, the same with a wrong word, what the autoregressive twin writes, or a passage of the prompt. Accuracy is therefore that of the draft where the model believes it. A model that is trained with masks believes any token that it sees, so each one is judged with its own cell masked: two more canvases in the first forward, which count as branches. Blended into the vectors of the masks (embedding interpolation, half of each), a draft is only ever a hint, and every token is the model's own.",
  },
  {
    system: "FreeCache and guided diffusion (arXiv 2505.21467)",
    contestants: [
      "llada + free cache",
      "llada + prefix cache",
      "fast-dllm + prefix cache",
      "guided",
      "guided by the twin",
    ],
    claim:
      "up to 34 times end to end, 12.14 times on average, against LLaDA-8B and Dream-7B that recompute all at every step",
    differs:
      "A cache saves rows, not forwards. On a small model a forward of few rows costs nearly as much as one of many, and prompts are short, so the rows saved are few. `guided` is supervised by the text so far, `guided by the twin` by the autoregressive model of the same size, whose causal forwards are not counted.",
  },
  {
    system: "ReDiff (arXiv 2510.19871)",
    contestants: ["rediff"],
    claim: "better captions than LLaDA-V at the same number of steps, most at few steps",
    differs:
      "The ability comes from two stages of training on corrupted drafts; a model trained with masks mostly repeats what it sees.",
  },
  {
    system: "Region-adaptive sampling (arXiv 2502.10389)",
    contestants: ["llada + region cache"],
    claim: "2.36 and 2.51 times on two image models at equal preference of users",
    differs:
      "Forwards stay, rows fall. In text one stale row can decide an answer, and an exact match sees it.",
  },
  {
    system: "Ca2-VDM, cache sharing of causal blocks (arXiv 2411.16375)",
    contestants: ["block-dynamic"],
    claim: "one cache serves all denoising steps of later blocks",
    differs:
      "In text this is the block K/V cache of block-causal models, where it is exact; a bundle with full attention cannot have it.",
  },
  {
    system: "SVDD, soft value-based decoding (arXiv 2408.08252)",
    contestants: ["svdd", "svdd with lookahead"],
    rival: DRAWN,
    claim: "higher rewards without gradients, by choosing among candidates at every step",
    differs:
      "Exact match is no reward that may be looked at while the answer is written: a verifier would give it away. The value here is the model's own confidence, which agrees with being right only as far as the model is calibrated.",
  },
  {
    system: "Search at inference: best of n, zero-order, paths (arXiv 2501.09732, 2604.06260, 2602.01842)",
    contestants: ["best of 4", "best of 4 by likelihood", "zero-order search", "path search"],
    rival: DRAWN,
    claim: "better images with more search than more steps give, with a verifier that knows what is wanted",
    differs:
      "The verifier is the model itself (its confidence, or a second look at each token with its cell masked); none here knows the answer. Forwards grow with the texts that are written.",
  },
  {
    system: "Temporal self-consistency voting (arXiv 2508.09138)",
    contestants: ["temporal voting"],
    rival: "fast-dllm",
    claim:
      "answers that appear in the middle of the denoising and are lost at its end are won back, without a further forward",
    differs:
      "It needs many steps with an answer in sight. Here a run takes few steps, and its answer stands at the end of the text, where it is written last.",
  },
  {
    system: "Classifier-free guidance for text (LLaDA, arXiv 2502.09992; A-CFG, arXiv 2505.20199)",
    contestants: [GUIDED, "fast-dllm + weak guidance"],
    rival: "fast-dllm",
    claim:
      "scores rise by some points; 3.9 points on GPQA for the branch that does not see the weakest tokens",
    differs:
      "Without its prompt a task has no answer, so the branch without it says little. A model that is trained on the task's own prompts has little to gain.",
  },
  {
    system: "Residual guidance (StreamDiffusion's RCFG, arXiv 2312.12491)",
    contestants: [RESIDUAL],
    rival: GUIDED,
    claim: "up to 2.05 times the speed of full guidance, by computing the unconditional branch once",
    differs:
      "Here it is computed once a block, because cells of the next block have not been looked at; with few forwards a block there is little to reuse.",
  },
  {
    system: "Adaptive Guidance (arXiv 2312.12487)",
    contestants: [ADAPTIVE],
    rival: GUIDED,
    claim: "25 % of the compute saved by dropping the unconditional branch where it agrees",
    differs:
      "Guidance doubles the rows. A model that is trained on the task's own prompts has little to gain from it.",
  },
  {
    system: "Late-step pruning (arXiv 2511.15098) and layer reuse (arXiv 2312.09608)",
    contestants: [],
    claim:
      "pruned visual tokens are recovered in late steps by models trained from scratch; 41 % and 24 % faster sampling of two image models by reusing features",
    elsewhere:
      "Measured apart, on graphs cut open: `unmask bench experiments --out docs/results`, experiments.md (late steps, lower layers)",
    differs:
      "Answers to task prompts are made of the prompt to the last token, so pruning loses them; reuse keeps them and saves about a quarter of the rows.",
  },
  {
    system: "AutoDiffusion and OLSS, searched schedules (arXiv 2309.10438, 2305.14677)",
    contestants: [SEARCHED, UNIFORM],
    rival: PLAIN,
    claim: "better images at few steps than uniform schedules",
    elsewhere:
      "The table is searched by `unmask fit schedule --out bench/strategies/schedule.json`, on prompts that are not held out",
    differs:
      "A table has to be searched on validation data first; a fixed one cannot follow how hard a prompt is, as a threshold does.",
  },
  {
    system: "EVODiff, the entropy guard (arXiv 2509.26096)",
    contestants: ["fast-dllm + entropy guard"],
    rival: "fast-dllm",
    claim: "better images of solvers that lower the conditional entropy with every step",
    differs:
      "What is left of it in text: commits after which the rest is less certain are undone. Commits above a high threshold rarely are such.",
  },
  {
    system: "Trajectory variance (mode interpolation, arXiv 2406.09358)",
    contestants: ["llada", "fast-dllm"],
    flags: true,
    claim:
      "more than 95 % of hallucinated samples removed while 96 % of the good ones are kept, on small image models",
    differs:
      "A token is looked at a handful of times before it is written, most of them once or twice in a decoder that is fast, so few have a history that could vary; and a calculation may be wrong without any wavering.",
  },
  {
    system: "StreamDiffusion: similarity filter and batched streams (arXiv 2312.12491)",
    contestants: [],
    claim:
      "2.39 times less energy by skipping frames that hardly change, 1.5 times the frames by batching denoising steps",
    elsewhere:
      "Measured apart, on prompts that are typed: `unmask bench experiments --out docs/results`, experiments.md (live editing)",
    differs:
      "One key changes a short prompt more than noise changes a camera's picture, and any key may change the answer: what is skipped is right only where the answer stays. Several canvases in one run save a CPU little.",
  },
  {
    system: "Constraints: regular languages with mask wildcards (DINGO, arXiv 2505.23061)",
    contestants: [
      "fast-dllm + regular expression, best path",
      "fast-dllm + regular expression",
      "llada + regular expression",
    ],
    rival: "fast-dllm",
    claim: "up to 68 points more on structured tasks, every output in the language",
    differs:
      "The expression holds for every response here, so it can only mend responses without an answer; it costs tokens that are committed one after another.",
  },
];
