"""Writes the held-out story worlds that `unmask eval` scores: stories whose text no training run has seen, JSON lines,
and questions about further ones, `{"task": "reading", "prompt", "answer"}`, answered from the state and not from the text.

The split is the one of the corpus, by content, so the stories are held out whatever seed a corpus was made with.
"""

import argparse
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from . import worlds
from .corpus import is_validation


def held_out_stories(seed: str) -> Iterator[worlds.Story]:
    """Different held-out stories without end; one story in fifty is one."""
    rng, seen = random.Random(seed), set[str]()
    while True:
        story = worlds.story(rng)
        if is_validation(story.text) and story.text not in seen:
            seen.add(story.text)
            yield story


def reading(count: int) -> Iterator[tuple[str, str]]:
    """`count` questions, each behind a story of its own, and their answers."""
    asked = (story for story in held_out_stories("held-out reading") if story.questions)
    for story in islice(asked, count):
        question, answer = story.questions[0]
        yield f"{story.text} {question}", answer


def write_lines(path: Path, lines: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(line) + "\n" for line in lines))
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training/fixtures"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--questions", type=int, default=300)
    args = parser.parse_args()
    texts = [{"text": story.text} for story in islice(held_out_stories("held-out worlds"), args.count)]
    write_lines(args.out / "heldout_worlds.jsonl", texts)
    asked = [{"task": "reading", "prompt": prompt, "answer": answer} for prompt, answer in reading(args.questions)]
    write_lines(args.out / "heldout_reading.jsonl", asked)


if __name__ == "__main__":
    main()
