"""What a run knows of each task, asked cell by cell, so that progress shows long before whole answers are right.

Over held-out prompts on a canvas of 64: cells right with one hole in the right response, with everything from the cell on
masked, and with all of it masked; and responses of which every cell is right behind the right ones before it.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from .corpus import task_ids
from .evaluate import load
from .model import Denoiser
from .tokenizer import ID

LENGTH = 64
HELD_OUT = Path(__file__).parent / "fixtures" / "heldout_tasks.jsonl"


@torch.no_grad()
def right(model: Denoiser, clean: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """[N, LENGTH] bool: where the best token is the one of `clean` [LENGTH] on each canvas with the cells `masked` [N, LENGTH]."""
    rows = torch.from_numpy(np.where(masked, ID["mask"], clean))
    return model.logits(rows, torch.arange(rows.numel())).argmax(-1).view(rows.shape).numpy() == clean


def probe(model: Denoiser, samples: list[tuple[list[int], int]]) -> dict[str, float]:
    hole, behind, all_masked, whole = [], [], [], []
    cells = np.arange(LENGTH)
    for ids, begin in samples:
        clean = np.full(LENGTH, ID["pad"])
        clean[: len(ids)], clean[len(ids)] = ids, ID["eos"]
        own = np.arange(begin, len(ids) + 1)
        rows = np.arange(len(own))
        hole += right(model, clean, cells == own[:, None])[rows, own].tolist()
        steps = right(model, clean, cells >= own[:, None])
        behind += steps[rows, own].tolist()
        whole.append(bool(steps[rows, own].all()))
        all_masked += steps[0, own].tolist()
    return {"samples": len(samples), "hole": np.mean(hole), "behind": np.mean(behind), "all": np.mean(all_masked), "whole": np.mean(whole)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=40, help="held-out prompts a task")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tok = Tokenizer.from_file(str(args.data / "tokenizer" / "tokenizer.json"))
    model, tokens = load(args.run, raw=False)
    tasks: dict[str, list[tuple[list[int], int]]] = {}
    for line in HELD_OUT.read_text().splitlines():
        sample = json.loads(line)
        ids, begin = task_ids(tok, sample["prompt"], sample["response"])
        if len(ids) < LENGTH:
            tasks.setdefault(sample["task"], []).append((ids, begin))
    print(f"{tokens} training tokens")
    for name, samples in tasks.items():
        found = probe(model, samples[: args.samples])
        print(f"{name:10s}", *(f"{key} {value:.3g}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
