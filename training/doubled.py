"""Rows that hold a text twice: clean, and masked block by block (BD3-LM, Arriola et al. 2025, section 5.1).

Each masked block sees the prompt, itself, and the clean text before it, so one row teaches every block of a text given all
that precedes it. A plain row teaches one such state; it also shows later cells from which earlier ones can be copied, so
what must be computed forwards (sums, counts) is learned several times faster from doubled rows.
"""

from dataclasses import dataclass

import numpy as np

from .tokenizer import ID

MASK, PAD = ID["mask"], ID["pad"]


@dataclass
class Doubled:
    """ids, place (the position on the canvas), target: [T] int64; weight [T] float32; sees [T, T] bool, row looks at column."""

    ids: np.ndarray
    place: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    sees: np.ndarray


def double(text: np.ndarray, response: int, size: int, length: int, rng: np.random.Generator) -> Doubled:
    """A row of `length` cells of a text [n] whose first `response` tokens are the prompt, the rest blocks of `size`; pads fill up."""
    n = len(text)
    first = max(response, 1)
    # The prompt is block -1, and its cells see no more than that; no two pads share a block.
    block = np.concatenate([np.full(first, -1), np.arange(n - first) // size])
    times = rng.random(block[-1] + 1)
    masked = rng.random(n - first) < times[block[first:]]
    # A block without a mask would teach nothing.
    starts = np.arange(0, n - first, size)
    masked[starts] |= ~np.logical_or.reduceat(masked, starts)
    unused = length - n - (n - first)
    ids = np.concatenate([text, np.where(masked, MASK, text[first:]), np.full(unused, PAD)])
    target = np.concatenate([text, text[first:], np.full(unused, PAD)])
    place = np.concatenate([np.arange(n), np.arange(first, n), np.zeros(unused, np.int64)])
    weight = np.concatenate([np.zeros(n), masked, np.zeros(unused)]).astype(np.float32)
    blocks = np.concatenate([block, block[first:], n + np.arange(unused)])
    noisy = np.arange(length) >= n
    mine, other = blocks[:, None], blocks[None]
    sees = np.where(noisy[None], noisy[:, None] & (mine == other), (other < mine) | ((other == mine) & ~noisy[:, None]))
    return Doubled(ids, place, target, weight, sees)
