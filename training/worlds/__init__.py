"""Story worlds: short stories of a drawn cast, thing and place, in simple language, with questions whose answers are known.

A story is a plot skeleton (a list of beats) told with randomly chosen people, traits, things and places. Every beat has
many surface forms, so that few runs of twelve words come twice, while names and pronouns stay consistent: that is what a
small model has to learn. `python -m training.worlds` prints samples and the share of repeated 12-grams.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .plots import PLOTS
from .world import World, opening, outing


@dataclass
class Story:
    """`questions` are (question, answer) pairs; the answers come from what was drawn and done, not from the text."""

    text: str
    questions: list[tuple[str, str]]
    request: str
    plot: str


def story(rng: Random) -> Story:
    """One story with up to two of its reading questions."""
    world = World(rng)
    plot = rng.choice(list(PLOTS))
    opening(world)
    if plot != "bedtime":
        outing(world)
    PLOTS[plot](world)
    first = rng.randint(2, 4)
    second = first + rng.randint(3, 5)
    paragraphs = [" ".join(world.lines[part]) for part in (slice(first), slice(first, second), slice(second, None))]
    text = ("\n" if rng.random() < 0.5 else " ").join(paragraphs)
    asked = rng.sample(world.questions, rng.choice([0, 1, 1, 2]))
    about = world.hero.name if world.hero.is_named else f"a {world.hero.kind}"
    return Story(text, asked, f"Write a story about {about} {world.slots['in']}.", plot)


def stories(count: int, rng: Random) -> Iterator[Story]:
    """`count` different stories."""
    seen: set[str] = set()
    while len(seen) < count:
        made = story(rng)
        if made.text not in seen:
            seen.add(made.text)
            yield made


def shared_grams(texts: list[str], size: int = 12) -> float:
    """Share of the distinct `size`-grams of a text (words between spaces) that also occur in another of the texts."""
    grams = []
    for text in texts:
        words = text.split()
        grams.append({hash(tuple(words[at : at + size])) for at in range(len(words) - size + 1)})
    times: dict[int, int] = {}
    for of_text in grams:
        for gram in of_text:
            times[gram] = times.get(gram, 0) + 1
    return sum(times[gram] > 1 for of_text in grams for gram in of_text) / sum(map(len, grams))
