"""Writes the held-out story worlds that `unmask eval` scores: stories whose text no training run has seen, JSON lines.

The split is the one of the corpus, by content, so the stories are held out whatever seed a corpus was made with.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from . import worlds
from .corpus import is_validation


def held_out_stories(count: int) -> Iterator[str]:
    """The first `count` different held-out stories of a fixed seed; one story in fifty is one."""
    rng, seen = random.Random("held-out worlds"), set[str]()
    while len(seen) < count:
        text = worlds.story(rng).text
        if is_validation(text) and text not in seen:
            seen.add(text)
            yield text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training/fixtures/heldout_worlds.jsonl"))
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    partial.write_text("".join(json.dumps({"text": text}) + "\n" for text in held_out_stories(args.count)))
    partial.rename(args.out)


if __name__ == "__main__":
    main()
