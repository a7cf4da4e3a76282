"""Trains the denoiser. Resumable: run the same command again. Writes a line of JSON to loss.jsonl every 20 steps.

Each start adds a line to sittings.jsonl: from which tokens on, with which batch, text, seed, rounding and master.
The learning rate is flat until `decay.json` ({"start": tokens, "end": tokens}) appears in the run folder; then it falls
linearly to zero between the two and the run stops at `end`. A file named `stop` there ends the run after a save.

With --quantise the forward pass uses the weights rounded as in the shipped bundle, gradients go straight through.

Several one-thread workers share the weights: each computes the gradient of its own batch, then each updates the part of
the weights that it owns. Two of them are faster than one process with two threads, which waits at every single
operation for whichever thread lost its core to another program.
"""

import argparse
import json
import queue
import threading
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, multiprocessing
from torch.nn import functional as F

from .batches import Batch, Sampler
from .master import read_master, sha256
from .model import MATRICES, Denoiser, Shape
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
    return 0.0 if (run / "stop").exists() else share


def prefetch(sampler: Sampler, tokens: int) -> "queue.Queue[Batch]":
    """Batches made ahead by one thread; few, so that a resumed run repeats next to nothing."""
    ready: queue.Queue[Batch] = queue.Queue(maxsize=4)

    def fill() -> None:
        while True:
            ready.put(sampler.batch(tokens))

    threading.Thread(target=fill, daemon=True).start()
    return ready


class State:
    """Everything a run continues from, in shared memory: weights, momenta, Adam's moments, average, counters."""

    def __init__(self, workers: int, shape: Shape) -> None:
        self.model = Denoiser(shape).share_memory()
        names = dict(self.model.named_parameters())
        like = lambda chosen: {name: torch.zeros_like(names[name]).share_memory_() for name in chosen}
        self.momentum = like(MATRICES)
        self.first, self.second = (like([n for n in names if n not in MATRICES]) for _ in range(2))
        self.average = {name: p.detach().clone().share_memory_() for name, p in names.items()}
        self.gradients = [like(names) for _ in range(workers)]
        self.losses = torch.zeros(workers).share_memory_()
        self.share = torch.zeros(1).share_memory_()
        self.step = self.tokens = 0

    def parts(self) -> dict[str, dict[str, Tensor]]:
        return {"model": dict(self.model.named_parameters()), "momentum": self.momentum, "first": self.first, "second": self.second, "average": self.average}

    def save(self, path: Path) -> None:
        plain = {part: {name: t.detach() for name, t in tensors.items()} for part, tensors in self.parts().items()}
        torch.save({**plain, "step": self.step, "tokens": self.tokens, "shape": asdict(self.model.shape)}, path.with_suffix(".partial"))
        path.with_suffix(".partial").rename(path)

    def load(self, path: Path) -> None:
        saved = torch.load(path)
        if Shape(**saved.get("shape", {})) != self.model.shape:
            raise ValueError(f"{path} is a run with {saved['shape']}")
        with torch.no_grad():
            for part, tensors in self.parts().items():
                for name, tensor in tensors.items():
                    tensor.copy_(saved[part][name])
        self.step, self.tokens = saved["step"], saved["tokens"]

    def start_from(self, master: Path) -> None:
        """The weights of a master; momenta, moments and steps begin at zero, and so do the tokens of a twin."""
        weights, training = read_master(master)
        if self.model.shape.attention == "full":
            self.tokens = training["trainingTokens"]
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(weights[name])
                self.average[name].copy_(weights[name])


def work(rank: int, state: State, barrier: threading.Barrier, args: argparse.Namespace) -> None:
    """The loop of one worker; rank 0 also keeps the log, the learning rate and the saved state."""
    torch.set_num_threads(args.threads)
    model, workers = state.model, args.workers
    params = dict(model.named_parameters())
    matrices, others = MATRICES[rank::workers], [n for n in params if n not in MATRICES][rank::workers]
    owned = matrices + others
    muon = Muon([params[n] for n in matrices], MUON_LR)
    adam = torch.optim.AdamW([params[n] for n in others], ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0)
    for name in matrices:
        muon.state[params[name]]["momentum"] = state.momentum[name]
    for name in others:
        adam.state[params[name]] = {"step": torch.tensor(float(state.step)), "exp_avg": state.first[name], "exp_avg_sq": state.second[name]}

    @torch.compile(dynamic=False)
    def loss_of(ids: Tensor, flat: Tensor, target: Tensor, weight: Tensor, *doubled: Tensor) -> tuple[Tensor, Tensor]:
        each = F.cross_entropy(model.logits(ids, flat, *doubled), target, reduction="none")
        return (each * weight).sum() / weight.sum(), (each * (weight == 1)).sum() / (weight == 1).sum()

    # Every worker, and every resumed run, draws other rows; all draw the same sequence of canvas lengths.
    seed = args.seed + 1000 * state.step
    sampler = Sampler(args.data / "train.npz", seed * workers + rank, seed, model.shape.attention, model.shape.block)
    batches = prefetch(sampler, args.batch // workers)
    log = (args.run / "loss.jsonl").open("a") if rank == 0 else None
    saved = seen = time.time()
    losses: list[float] = []
    seen_tokens = state.tokens
    while True:
        if rank == 0:
            state.share[0] = 0.0 if 0 < args.steps <= state.step else rate(args.run, state.tokens, state.step)
        batch = batches.get()
        barrier.wait()
        share = float(state.share[0])
        if share == 0:
            break
        loss, plain = loss_of(*(torch.from_numpy(part) for part in batch.parts()))
        loss.backward()
        with torch.no_grad():
            for name, p in params.items():
                state.gradients[rank][name].copy_(p.grad)
                p.grad = None
            state.losses[rank] = plain.detach()
            barrier.wait()
            mean = {name: sum(g[name] for g in state.gradients) / workers for name in params}
            size = float(torch.stack([g.square().sum() for g in mean.values()]).sum().sqrt())
            for name in owned:
                params[name].grad = mean[name] * min(1.0, CLIP / (size + 1e-6))
        for optimiser, peak in ((muon, MUON_LR), (adam, ADAM_LR)):
            for group in optimiser.param_groups:
                group["lr"] = peak * share
            optimiser.step()
        decay = min(EMA, (state.step + 1) / (state.step + 20))
        with torch.no_grad():
            for name in owned:
                state.average[name].lerp_(params[name], 1 - decay)
                params[name].grad = None
        state.step, state.tokens = state.step + 1, state.tokens + args.batch
        if args.quantise and state.step % args.quantise == 0:
            model.quantise([name for name in owned if name in model.scales])
        barrier.wait()
        if log is None:
            continue
        losses.append(float(state.losses.mean()))
        now = time.time()
        if state.step % 20 == 0:
            speed = (state.tokens - seen_tokens) / (now - seen)
            log.write(json.dumps({"step": state.step, "tokens": state.tokens, "loss": round(sum(losses) / len(losses), 4), "rate": round(share, 4), "tokensPerSecond": round(speed)}) + "\n")
            log.flush()
            losses, seen, seen_tokens = [], now, state.tokens
        if now - saved > SAVE_SECONDS:
            state.save(args.run / "state.pt")
            saved = now
    if rank == 0:
        state.save(args.run / "state.pt")


def sitting(args: argparse.Namespace, state: State) -> dict[str, object]:
    """What a start of a run goes on with; a master keeps it."""
    chosen = {name: getattr(args, name) for name in ("batch", "seed", "workers", "quantise")}
    master = None
    if args.from_master and state.step == 0:
        master = {"name": args.from_master.name, "sha256": sha256(args.from_master / "model.safetensors")}
    return {"tokens": state.tokens, **chosen, "trainSha256": sha256(args.data / "train.npz"), "fromMaster": master}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz")
    parser.add_argument("--run", type=Path, required=True, help="folder for state and log")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4096, help="tokens a step, over all workers")
    parser.add_argument("--workers", type=int, default=2, help="processes, one a core")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--steps", type=int, default=0, help="stop after this many steps (0: run on)")
    parser.add_argument("--quantise", type=int, default=0, metavar="STEPS", help="train on the weights as the bundle rounds them, new block scales every STEPS steps (for the decay; 0: off)")
    parser.add_argument("--from-master", type=Path, help="weights to begin with where the run has no state yet (see training.master)")
    parser.add_argument("--attention", choices=["full", "block-causal", "causal"], default="full", help="causal trains for the next token")
    parser.add_argument("--block", type=int, default=16, help="cells a block of block-causal attention")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    state = State(args.workers, Shape(attention=args.attention, block=args.block if args.attention == "block-causal" else 0))
    if (args.run / "state.pt").exists():
        state.load(args.run / "state.pt")
    elif args.from_master:
        state.start_from(args.from_master)
    with (args.run / "sittings.jsonl").open("a") as sittings:
        sittings.write(json.dumps(sitting(args, state)) + "\n")
    if args.quantise:
        state.model.quantise([*MATRICES, "embed"])
    spawn = multiprocessing.get_context("spawn")
    # A worker that died must not leave the others waiting for ever; compiling takes minutes on a busy machine.
    barrier = spawn.Barrier(args.workers, timeout=900)
    helpers = [spawn.Process(target=work, args=(rank, state, barrier, args), daemon=True) for rank in range(1, args.workers)]
    for helper in helpers:
        helper.start()
    work(0, state, barrier, args)


if __name__ == "__main__":
    main()
