"""Writes the held-out prompts that `unmask eval` scores: fixed seed, at most `--count` different ones a task, JSON lines.

A line is {"task", "prompt", "answer", "response"}: the answer is what must stand after the last `answer` of an output, and
the response is one full solution with its steps. A task with few different prompts (mul) gives all that it holds out.
"""

import argparse
import json
import random
from pathlib import Path

from . import tasks

# Draws without a new prompt after which a task's held-out part counts as exhausted (mul: 16 prompts, each 1 in 800 draws).
PATIENCE = 300


def held_out(name: str, count: int) -> list[tasks.Sample]:
    """Up to `count` different held-out (prompt, response) pairs of one task."""
    rng, found, idle = random.Random(f"held-out {name}"), {}, 0
    while len(found) < count and idle < PATIENCE:
        prompt, response = tasks.held_out_sample(name, rng)
        idle = idle + 1 if prompt in found else 0
        found.setdefault(prompt, response)
    return list(found.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training/fixtures/heldout_tasks.jsonl"))
    parser.add_argument("--count", type=int, default=300)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    with partial.open("w") as file:
        for name in tasks.TASKS:
            for prompt, response in held_out(name, args.count):
                file.write(json.dumps({"task": name, "prompt": prompt, "answer": tasks.final_answer(response), "response": response}) + "\n")
    partial.rename(args.out)


if __name__ == "__main__":
    main()
