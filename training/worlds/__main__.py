"""Prints the share of 12-grams that two stories have in common, and samples; or writes the stories, JSON lines of {"text"}.

With the seed and the count of training.corpus they are those that it trains on.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from random import Random

from ..corpus import is_validation
from . import shared_grams, stories


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=21_000)
    parser.add_argument("--samples", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write those that are trained on into this file")
    args = parser.parse_args()
    made = list(stories(args.count, Random(args.seed)))
    if args.out:
        trained = (story.text for story in made if not is_validation(story.text))
        args.out.write_text("".join(json.dumps({"text": text}) + "\n" for text in trained))
        return
    words = sum(len(story.text.split()) for story in made) / len(made)
    print(f"{len(made)} different stories of {words:.0f} words on average, {sum(len(s.questions) for s in made)} questions")
    print(f"12-grams that occur in another story: {shared_grams([s.text for s in made]):.2%}")
    for plot, count in Counter(story.plot for story in made).most_common():
        print(f"  {plot}: {count}, within the plot {shared_grams([s.text for s in made if s.plot == plot]):.2%}")
    for story in made[: args.samples]:
        print(f"\n[{story.plot}] {story.text}")
        for question, answer in story.questions:
            print(f"  {question} {answer}")


if __name__ == "__main__":
    main()
