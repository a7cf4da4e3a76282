"""Reads the text files, splits off a validation part, and packs everything into one ragged array of token ids."""

import argparse
import hashlib
import lzma
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from . import tasks, tokenizer, worlds
from .tokenizer import ID

CORE = ["tinystories-fragments", "tinystories-more", "storybooks-ccby"]
TALES = ["gutenberg-easy", "african-storybook-more-ccby", "fairytaleqa-stories"]
# Samples of each task; rows are drawn evenly from all that fit a canvas, so these are also their shares of the rows.
# What must be computed or found in a text needs several times the rows of what is copied.
SAMPLES = {
    "add": 65_000, "sub": 45_000, "mul": 60_000, "sort": 130_000, "sortw": 110_000, "reverse": 20_000, "count": 110_000,
    "brackets": 65_000, "sudoku4": 45_000, "story_math": 75_000, "where": 150_000, "sudoku6": 20_000, "record": 20_000,
    "where_all": 90_000, "where_told": 300_000,
}  # fmt: skip
GROUPS = ["core", "tales", "tasks", "worlds", "chat"]
COMMON = set("that this then there they with what when were from have said very into back them their would could about".split())


def documents(data: Path, name: str) -> Iterator[str]:
    """Documents of one file, stripped; one paragraph a line."""
    with lzma.open(data / f"{name}.txt.xz", "rt", encoding="utf-8") as file:
        for document in file.read().split("<|endoftext|>"):
            if text := document.strip():
                yield text


def is_validation(text: str) -> bool:
    """One document in fifty, by content, is never trained on."""
    return int(hashlib.sha1(text.encode()).hexdigest(), 16) % 50 == 0


def write_prompt(text: str, rng: random.Random) -> str | None:
    """A request that the story fulfils, made of two of its own words; None when it has too few."""
    words = sorted({w for w in re.findall(r"\b[a-z]{4,9}\b", text) if w not in COMMON})
    if len(words) < 8:
        return None
    first, second = rng.sample(words, 2)
    return f"Write a story with the words {first} and {second}."


class Pool:
    """Ragged token ids with, for each document, its group and where its response begins (0 = all of it)."""

    def __init__(self) -> None:
        self.ids: list[np.ndarray] = []
        self.response: list[int] = []
        self.group: list[int] = []

    def add(self, group: str, ids: list[int], response: int) -> None:
        self.ids.append(np.asarray(ids, np.int16))
        self.response.append(response)
        self.group.append(GROUPS.index(group))

    def save(self, path: Path, stops: list[int], breaks: list[int]) -> None:
        """`stops` are the ids that end a sentence, `breaks` those that end a paragraph."""
        lengths = np.array([len(ids) for ids in self.ids], np.int64)
        np.savez(path, ids=np.concatenate(self.ids), lengths=lengths, response=np.array(self.response, np.int32), group=np.array(self.group, np.int8), stops=stops, breaks=breaks)
        for index, name in enumerate(GROUPS):
            chosen = np.array(self.group) == index
            print(f"{path.name} {name}: {int(chosen.sum())} documents, {int(lengths[chosen].sum())} tokens")


def task_ids(tok: Tokenizer, prompt: str, response: str) -> tuple[list[int], int]:
    head = [ID["task"], *tok.encode(prompt).ids, ID["work"]]
    return [*head, *tok.encode(" " + response).ids], len(head)


def chat_ids(tok: Tokenizer, prompt: str, response: str) -> tuple[list[int], int]:
    head = [ID["user"], *tok.encode(prompt).ids, ID["end"], ID["assistant"]]
    return [*head, *tok.encode(response).ids], len(head)


def build(data: Path, out: Path, seed: int, share: float, stories: int, given: Path | None) -> None:
    """Writes the tokenizer (the one in the folder `given`, or a new one), train.npz and validation.npz (core and worlds)."""
    rng = random.Random(seed)
    core = [text for name in CORE for text in documents(data, name)]
    tales = [text for name in TALES for text in documents(data, name)]
    core_train = [text for text in core if not is_validation(text)]
    made = list(worlds.stories(stories, rng))
    samples = {name: [tasks.training_sample(name, rng) for _ in range(round(share * count))] for name, count in SAMPLES.items()}

    if given:
        tok = Tokenizer.from_file(str(given / "tokenizer.json"))
    else:
        sample_text = [f"{p}\n {r}" for many in samples.values() for p, r in many[:1500]]
        tok = tokenizer.train([*core_train, *core_train, *tales[::3], *sample_text, *(story.text for story in made[:3000])])
    tokenizer.save(tok, out / "tokenizer")

    train, validation = Pool(), Pool()
    for text in core:
        ids = [ID["story"], *tok.encode(text).ids]
        if is_validation(text):
            validation.add("core", ids, 1)
            continue
        train.add("core", ids, 1)
        if rng.random() < 0.2:
            train.add("core", ids[1:], 0)
        if rng.random() < 0.3 and (prompt := write_prompt(text, rng)):
            train.add("chat", *chat_ids(tok, prompt, text))
    for text in tales:
        if not is_validation(text):
            train.add("tales", tok.encode(text).ids, 0)
    for name, many in samples.items():
        for prompt, response in many:
            train.add("tasks", *task_ids(tok, prompt, response))
    for story in made:
        ids = [ID["story"], *tok.encode(story.text).ids]
        if is_validation(story.text):
            validation.add("worlds", ids, 1)
            continue
        train.add("worlds", ids, 1)
        for question, answer in story.questions:
            train.add("tasks", *task_ids(tok, f"{story.text} {question}", f"answer {answer}"))
        if rng.random() < 0.2:
            train.add("chat", *chat_ids(tok, story.request, story.text))
    marks = tokenizer.sentence_ends(tok), tokenizer.line_breaks(tok)
    train.save(out / "train.npz", *marks)
    validation.save(out / "validation.npz", *marks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", type=float, default=1.0, help="task samples, as a share of SAMPLES")
    parser.add_argument("--stories", type=int, default=21_000, help="4.8 % of the 12-grams of so many occur in another of them")
    parser.add_argument("--tokenizer", type=Path, help="folder with tokenizer.json to keep (default: train a new one); a run can only go on with its own")
    args = parser.parse_args()
    build(args.data, args.out, args.seed, args.tasks, args.stories, args.tokenizer)
