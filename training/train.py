"""Trains the denoiser. Resumable: run the same command again. Writes a line of JSON to loss.jsonl every 20 steps.

The learning rate is flat until `decay.json` ({"start": tokens, "end": tokens}) appears in the run folder; then it falls
linearly to zero between the two and the run stops at `end`.
"""

import argparse
import json
import queue
import threading
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from .batches import Batch, Sampler
from .model import Denoiser, Shape
from .muon import Muon

MUON_LR, ADAM_LR, EMA, WARMUP, CLIP = 0.02, 3e-3, 0.998, 50, 1.0
SAVE_SECONDS = 240


def rate(run: Path, tokens: int, step: int) -> float:
    """Learning rate as a share of its peak; 0 means: stop."""
    share = min(1.0, (step + 1) / WARMUP)
    plan = run / "decay.json"
    if plan.exists():
        at = json.loads(plan.read_text())
        share *= min(1.0, max(0.0, (at["end"] - tokens) / (at["end"] - at["start"])))
    return share


def prefetch(sampler: Sampler, tokens: int) -> "queue.Queue[Batch]":
    """Batches made ahead by one thread; few, so that a resumed run repeats next to nothing."""
    ready: queue.Queue[Batch] = queue.Queue(maxsize=4)

    def fill() -> None:
        while True:
            ready.put(sampler.batch(tokens))

    threading.Thread(target=fill, daemon=True).start()
    return ready


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz")
    parser.add_argument("--run", type=Path, required=True, help="folder for state and log")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4096, help="tokens a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="stop after this many steps (0: run on)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)

    model = Denoiser(Shape())
    matrices = [model.q, model.k, model.v, model.o, model.gate, model.up, model.down]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    muon = Muon(matrices, MUON_LR)
    adam = torch.optim.AdamW(others, ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    average = {name: p.detach().clone() for name, p in model.named_parameters()}
    state_path, step, tokens = args.run / "state.pt", 0, 0
    if state_path.exists():
        state = torch.load(state_path, weights_only=False)
        model.load_state_dict(state["model"])
        muon.load_state_dict(state["muon"])
        adam.load_state_dict(state["adam"])
        average, step, tokens = state["average"], state["step"], state["tokens"]

    def save() -> None:
        state = {"model": model.state_dict(), "muon": muon.state_dict(), "adam": adam.state_dict(), "average": average, "step": step, "tokens": tokens, "seed": args.seed}
        torch.save(state, state_path.with_suffix(".partial"))
        state_path.with_suffix(".partial").rename(state_path)

    @torch.compile(dynamic=False)
    def loss_of(ids: torch.Tensor, flat: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        each = F.cross_entropy(model.logits(ids, flat), target, reduction="none")
        return (each * weight).sum() / weight.sum(), (each * (weight == 1)).sum() / (weight == 1).sum()

    # A resumed run draws other rows than the first one drew.
    batches = prefetch(Sampler(args.data / "train.npz", args.seed + 1000 * step), args.batch)
    log = (args.run / "loss.jsonl").open("a")
    saved = seen = time.time()
    losses: list[float] = []
    seen_tokens = tokens
    while args.steps == 0 or step < args.steps:
        share = rate(args.run, tokens, step)
        if share == 0:
            break
        for group in muon.param_groups:
            group["lr"] = MUON_LR * share
        for group in adam.param_groups:
            group["lr"] = ADAM_LR * share
        batch = batches.get()
        loss, plain = loss_of(*(torch.from_numpy(a) for a in (batch.ids, batch.flat, batch.target, batch.weight)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        muon.step()
        adam.step()
        model.zero_grad(set_to_none=True)
        decay = min(EMA, (step + 1) / (step + 20))
        with torch.no_grad():
            for name, p in model.named_parameters():
                average[name].lerp_(p, 1 - decay)
        step, tokens = step + 1, tokens + batch.ids.size
        losses.append(float(plain.detach()))
        now = time.time()
        if step % 20 == 0:
            speed = (tokens - seen_tokens) / (now - seen)
            log.write(json.dumps({"step": step, "tokens": tokens, "loss": round(sum(losses) / len(losses), 4), "rate": round(share, 4), "tokensPerSecond": round(speed)}) + "\n")
            log.flush()
            losses, seen, seen_tokens = [], now, tokens
        if now - saved > SAVE_SECONDS:
            save()
            saved = now
    save()


if __name__ == "__main__":
    main()
