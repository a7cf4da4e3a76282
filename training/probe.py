"""What a run knows of each task, asked cell by cell, so that progress shows long before whole answers are right.

Over held-out prompts on a canvas of 64: cells right with one hole in the right response, with everything from the cell on
masked, and with all of it masked; responses of which every cell is right behind the right ones before it; and final
answers that are right when the model writes from left to right, a token at a time, behind what it wrote itself.
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
from .tasks import final_answer
from .tokenizer import ID

LENGTH = 64
HELD_OUT = Path(__file__).parent / "fixtures" / "heldout_tasks.jsonl"


@torch.no_grad()
def right(model: Denoiser, clean: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """[N, LENGTH] bool: where the best token is the one of `clean` [LENGTH] on each canvas with the cells `masked` [N, LENGTH]."""
    rows = torch.from_numpy(np.where(masked, ID["mask"], clean))
    return model.logits(rows, torch.arange(rows.numel())).argmax(-1).view(rows.shape).numpy() == clean


@torch.no_grad()
def written(model: Denoiser, samples: list[tuple[list[int], int]]) -> list[list[int]]:
    """What the model writes to each prompt on a canvas of LENGTH, up to its end or that of the canvas."""
    rows, at = np.full((len(samples), LENGTH), ID["mask"]), np.array([begin for _, begin in samples])
    for row, (ids, begin) in zip(rows, samples, strict=True):
        row[:begin] = ids[:begin]
    going = np.arange(len(samples))
    while len(going):
        best = model.logits(torch.from_numpy(rows[going]), torch.from_numpy(np.arange(len(going)) * LENGTH + at[going])).argmax(-1).numpy()
        rows[going, at[going]] = best
        going = going[best != ID["eos"]]
        at[going] += 1
        going = going[at[going] < LENGTH]
    return [row[begin:end].tolist() for row, (_, begin), end in zip(rows, samples, at, strict=True)]


def probe(model: Denoiser, tok: Tokenizer, samples: list[tuple[list[int], int]]) -> dict[str, float]:
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
    answers = [final_answer(tok.decode(ids)) == final_answer(tok.decode(right_ids[begin:])) for ids, (right_ids, begin) in zip(written(model, samples), samples, strict=True)]
    return {"samples": len(samples), "hole": np.mean(hole), "behind": np.mean(behind), "all": np.mean(all_masked), "whole": np.mean(whole), "answer": np.mean(answers)}


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
        found = probe(model, tok, samples[: args.samples])
        print(f"{name:10s}", *(f"{key} {value:.3g}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
