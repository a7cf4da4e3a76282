"""Writes the prompts that `unmask fit` lets a model write from: `--count` of each task, and story openings between them.

No task among them is held out, so a filter or a schedule is never fitted to what `unmask bench strategies` scores. A line is
{"prompt", "mode"}; tasks and stories alternate, so that any evenly spread part of the file is a mix of both.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from . import tasks, worlds

# Words of a story that a model goes on from.
OPENING = 8


def task_prompts(name: str, rng: random.Random) -> Iterator[str]:
    """Endless prompts of the part of a task that is trained on."""
    while True:
        yield tasks.training_sample(name, rng)[0]


def story_openings(rng: random.Random) -> Iterator[str]:
    """Endless openings of stories."""
    while True:
        yield " ".join(worlds.story(rng).text.split()[:OPENING])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training/fixtures/filter_prompts.jsonl"))
    parser.add_argument("--count", type=int, default=8)
    args = parser.parse_args()
    rng = random.Random("filter prompts")
    of_task = {name: task_prompts(name, rng) for name in tasks.TASKS}
    openings = story_openings(rng)
    lines = []
    for _ in range(args.count):
        for at, prompts in enumerate(of_task.values()):
            lines.append({"prompt": next(prompts), "mode": "task"})
            if at % 2 == 1:
                lines.append({"prompt": next(openings), "mode": "story"})
    partial = args.out.with_suffix(".partial")
    partial.write_text("".join(json.dumps(line) + "\n" for line in lines))
    partial.rename(args.out)


if __name__ == "__main__":
    main()
