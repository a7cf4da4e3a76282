import { ADAPTIVE, GUIDED, SPOILED, WARM } from "./contestants.ts";

/** What a system's authors claim, and how far this comparison can say something about it. */
export interface Claim {
  readonly system: string;
  /** Contestants that stand for it here; none where it is no decoder or cannot be measured by tasks. */
  readonly contestants: readonly string[];
  readonly claim: string;
  /** The nearest contestant without the system's idea. */
  readonly rival?: string;
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
    contestants: [WARM, SPOILED],
    rival: "fast-dllm",
    claim: "about 35 % fewer forwards on GSM8K, with lower accuracy than the strong baseline",
    differs:
      "The paper's draft comes from another model; here it is the right response, as a user's own text is, and the same with a wrong word. Accuracy is therefore that of the draft where the model believes it. A model that is trained with masks believes any token that it sees, so each one is judged with its own cell masked: two more canvases in the first forward, which count as branches.",
  },
  {
    system: "FreeCache and guided diffusion (arXiv 2505.21467)",
    contestants: ["llada + free cache", "llada + prefix cache", "fast-dllm + prefix cache", "guided"],
    claim:
      "up to 34 times end to end, 12.14 times on average, against LLaDA-8B and Dream-7B that recompute all at every step",
    differs:
      "A cache saves rows, not forwards. On a small model a forward of few rows costs nearly as much as one of many, and prompts are short, so the rows saved are few.",
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
    system: "SVDD (arXiv 2408.08252) and search at inference (arXiv 2501.09732)",
    contestants: ["svdd"],
    claim: "higher rewards without gradients, by choosing among candidates at every step",
    differs:
      "Exact match has no reward to climb while the answer is written; a verifier would give the answer away.",
  },
  {
    system: "Classifier-free and adaptive guidance (arXiv 2312.12487)",
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
    differs:
      "Measured apart, on graphs cut open: experiments.md. Answers to task prompts are made of the prompt to the last token, so pruning loses them; reuse keeps them and saves about a quarter of the rows.",
  },
  {
    system: "AutoDiffusion and OLSS, searched schedules (arXiv 2309.10438, 2305.14677)",
    contestants: ["quota-table"],
    claim: "better images at few steps than uniform schedules",
    differs:
      "A table has to be searched on validation data first; a fixed one cannot follow how hard a prompt is, as a threshold does.",
  },
];
