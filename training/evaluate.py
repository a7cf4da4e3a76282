"""Held-out NELBO (of the causal twin: NLL) and samples of a run's averaged weights.

NELBO is LLaDA's bound: for t stratified in (0, 1], k = ceil(t L) cells masked, L/k times the sum of their cross-entropies,
per token; bits per byte divide by the UTF-8 length of the text. The canvas is the text alone: no padding is scored.
The block-causal twin has one such bound for each block given the clean text before it; they add up.
"""

import argparse
import json
import math
import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from . import tasks
from .corpus import GROUPS, task_ids
from .model import MATRICES, Denoiser, Shape
from .tokenizer import ID

MASK, EOS, PAD = ID["mask"], ID["eos"], ID["pad"]


def load(run: Path, raw: bool) -> tuple[Denoiser, int]:
    state = torch.load(run / "state.pt", weights_only=False)
    model = Denoiser(Shape(**state.get("shape", {}))).eval()
    model.load_state_dict(state["model"])
    if not raw:
        model.load_state_dict(state["average"], strict=False)
    return model, state["tokens"]


def bound(model: Denoiser, ids: torch.Tensor, first: int, draws: int, rng: np.random.Generator) -> float:
    """Bound in nats on the cells from `first` on, given those before; masking rates stratified over `draws` rows."""
    length, phase = len(ids) - first, rng.random()
    rows, cells = ids.repeat(draws, 1), []
    for i in range(draws):
        k = max(1, math.ceil((phase + i) / draws % 1.0 * length))
        chosen = first + rng.permutation(length)[:k]
        rows[i, chosen] = MASK
        cells.append(np.stack([np.full(k, i * len(ids)) + chosen, np.full(k, length / k)]))
    flat = torch.from_numpy(np.concatenate(cells, 1)[0].astype(np.int64))
    weight = torch.from_numpy(np.concatenate(cells, 1)[1])
    losses = F.cross_entropy(model.logits(rows, flat), ids.repeat(draws)[flat], reduction="none").double()
    return float((losses * weight).sum()) / draws


@torch.no_grad()
def nelbo(model: Denoiser, path: Path, tok: Tokenizer, group: str, documents: int, draws: int, seed: int = 7) -> dict[str, float]:
    """Nats a token and bits a byte over the first `documents` validation texts of 32 to 511 tokens."""
    pool = np.load(path)
    ends = np.cumsum(pool["lengths"])
    rng = np.random.default_rng(seed)
    nats = tokens = size = used = 0
    for doc in np.flatnonzero(pool["group"] == GROUPS.index(group)):
        ids = torch.from_numpy(pool["ids"][ends[doc] - pool["lengths"][doc] : ends[doc]].astype(np.int64))
        if not 33 <= len(ids) <= 512:
            continue
        length = len(ids) - 1
        if model.shape.attention == "causal":
            total = float(F.cross_entropy(model.logits(ids[None], torch.arange(length)), ids[1:], reduction="sum"))
        else:
            size_of = model.shape.block or len(ids)
            total = sum(bound(model, ids[: start + size_of], max(start, 1), draws, rng) for start in range(0, len(ids), size_of))
        nats, tokens, size, used = nats + total, tokens + length, size + len(tok.decode(ids[1:].tolist()).encode()), used + 1
        if used == documents:
            break
    name = "nll" if model.shape.attention == "causal" else "nelbo"
    return {"documents": used, "tokens": tokens, name: nats / tokens, "bitsPerByte": nats / math.log(2) / size}


@torch.no_grad()
def fill(model: Denoiser, canvas: torch.Tensor, start: int, block: int, temperature: float, seed: int) -> tuple[torch.Tensor, int]:
    """LLaDA's low-confidence order, one token a forward, block by block; stops after a block that ends the text."""
    generator = torch.Generator().manual_seed(seed)
    forwards = 0
    left, right = start, start
    while right < canvas.shape[1]:
        # Blocks of the block-causal twin lie on a grid from the first cell; others begin after the prompt.
        left, right = right, min(canvas.shape[1], right + block - (right % block if model.shape.block else 0))
        while bool((canvas[0, left:right] == MASK).any()):
            rows = left + torch.nonzero(canvas[0, left:right] == MASK)[:, 0]
            logits = model.logits(canvas, rows)
            logits[:, MASK] = -torch.inf
            forwards += 1
            noise = -torch.log(-torch.log(torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7)))
            picked = (logits + temperature * noise).argmax(-1)
            best = logits.softmax(-1).gather(1, picked[:, None])[:, 0].argmax()
            canvas[0, rows[best]] = picked[best]
        if bool((canvas[0, left:right] == EOS).any()):
            break
    return canvas, forwards


@torch.no_grad()
def go_on(model: Denoiser, canvas: torch.Tensor, start: int, temperature: float, seed: int) -> torch.Tensor:
    """Left to right, one token a forward, until the text ends."""
    generator = torch.Generator().manual_seed(seed)
    for at in range(start, canvas.shape[1]):
        logits = model.logits(canvas[:, :at], torch.tensor([at - 1]))[0]
        logits[MASK] = -torch.inf
        noise = -torch.log(-torch.log(torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7)))
        canvas[0, at] = (logits + temperature * noise).argmax()
        if canvas[0, at] == EOS:
            break
    return canvas


def respond(model: Denoiser, head: list[int], length: int, block: int, temperature: float, seed: int) -> tuple[list[int], bool]:
    canvas = torch.tensor([[*head, *[MASK] * length]])
    if model.shape.attention == "causal":
        canvas = go_on(model, canvas, len(head), temperature, seed)
    else:
        canvas, _ = fill(model, canvas, len(head), model.shape.block or block, temperature, seed)
    out = canvas[0, len(head) :].tolist()
    ended = EOS in out
    return (out[: out.index(EOS)] if ended else [i for i in out if i not in (MASK, PAD)]), ended


def repeated(ids: list[int]) -> float:
    """Share of 4-grams that already stood earlier in the text."""
    grams = [tuple(ids[i : i + 4]) for i in range(len(ids) - 3)]
    return 1 - len(set(grams)) / max(1, len(grams))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--raw", action="store_true", help="the weights themselves instead of their average")
    parser.add_argument("--quantised", action="store_true", help="with the weights rounded as in the q4 bundle")
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=10, help="held-out prompts a task")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tok = Tokenizer.from_file(str(args.data / "tokenizer" / "tokenizer.json"))
    model, tokens = load(args.run, args.raw)
    if args.quantised:
        model.quantise([*MATRICES, "embed"])
    result: dict[str, object] = {"trainingTokens": tokens}
    for group in ("core", "worlds"):
        if args.documents:
            result[group] = nelbo(model, args.data / "validation.npz", tok, group, args.documents, args.draws)
            print(group, result[group], flush=True)
    scores = {}
    for name in tasks.TASKS if args.prompts else []:
        rng, right = random.Random(99), 0
        for index in range(args.prompts):
            prompt, response = tasks.held_out_sample(name, rng)
            ids, begin = task_ids(tok, prompt, response)
            head = ids[:begin]
            out, _ = respond(model, head, 16 * math.ceil((len(tok.encode(" " + response).ids) + 2) / 16), 16, 0.0, index)
            right += tasks.final_answer(tok.decode(out)) == tasks.final_answer(response)
            if index == 0:
                print(f"  {prompt} -> {tok.decode(out)} [{response}]")
        scores[name] = right / args.prompts
    result["tasks"] = scores
    print(scores, flush=True)
    for index in range(args.samples):
        out, ended = respond(model, [ID["story"]], 224, 16, (0.0, 0.5, 0.8)[index % 3], index)
        print(f"--- ended {ended}, {len(out)} tokens, repeated 4-grams {repeated(out):.2f}\n{tok.decode(out)}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
