"""Draws training rows: which document, how it is laid on the canvas, and which cells are masked or wrong."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .corpus import GROUPS
from .doubled import Doubled, double
from .tokenizer import FIRST_SPECIAL, ID

MASK, EOS, PAD = ID["mask"], ID["eos"], ID["pad"]
# Share of rows by canvas length, and of document groups within it.
LENGTHS = {32: 0.04, 64: 0.17, 128: 0.24, 256: 0.49, 512: 0.06}
MIX = {
    32: {"tasks": 1.0},
    64: {"tasks": 0.92, "core": 0.08},
    128: {"tasks": 0.46, "worlds": 0.1, "core": 0.39, "tales": 0.05},
    256: {"core": 0.5, "worlds": 0.26, "tales": 0.06, "chat": 0.12, "tasks": 0.06},
    512: {"core": 0.6, "tales": 0.2, "chat": 0.1, "worlds": 0.1},
}
# Share of batches whose rows are doubled (doubled.py), full attention only; their lengths, and document groups within them.
DOUBLED = 0.36
DOUBLED_LENGTHS = {64: 0.4, 128: 0.4, 256: 0.2}
DOUBLED_MIX = {64: {"tasks": 1.0}, 128: {"tasks": 0.9, "core": 0.1}, 256: {"core": 0.6, "worlds": 0.2, "chat": 0.1, "tasks": 0.1}}
# Their blocks: three in five hold two tokens at most, which is what a decoder sees that writes from left to right.
DOUBLED_BLOCKS = [1, 1, 2, 4, 8]
# Documents that fill a canvas of a group are preferred, unless there are so few that they would come too often.
PLENTY = 5000
# Pads behind the text are trivial and would dominate (those of a gap say how long its text is); the future of a block is what no decoder asks for.
PAD_WEIGHT, FUTURE_WEIGHT = 0.1, 0.1
# Kinds of rows: gaps, one block of a text, and else cells anywhere. One row of gaps in ten lacks a whole sentence or paragraph.
GAPS, BLOCKS, PASSAGES = 0.3, 0.35, 0.1
# Cells of a gap at most, and of a passage; this share of gaps holds one to eight cells too many.
GAP_CELLS, PASSAGE_CELLS, SURPLUS = 40, 96, 0.5
# In this share of rows some visible text of the response is wrong; the loss asks for the original there, and at a part of
# the intact text, or a model would learn that whatever it is asked about must be changed.
CORRUPT_ROWS, CORRUPT_RATES, INTACT_SHARE = 0.3, (0.05, 0.1), 0.25
# Below 1: the log's cross-entropy counts cells of weight 1, which are masked ones.
VISIBLE_WEIGHT = 0.5
# Share of a batch's cells that get a loss at most; the cheapest ones give way.
LOSS_SHARE = 0.5


@dataclass
class Batch:
    """ids [B, T] int64 with masks and wrong tokens in place; flat [K] positions with a loss; target [K]; weight [K].

    Batches of doubled rows also have place [B, T] and sees [B, T, T].
    """

    ids: np.ndarray
    flat: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    place: np.ndarray | None = None
    sees: np.ndarray | None = None

    def parts(self) -> list[np.ndarray]:
        return [part for part in (self.ids, self.flat, self.target, self.weight, self.place, self.sees) if part is not None]


class Sampler:
    """Documents by group and length. Samplers with one `length_seed` draw the same sequence of canvas lengths."""

    def __init__(self, path: Path, seed: int, length_seed: int, attention: str = "full", block: int = 0) -> None:
        self.attention, self.block = attention, block
        pool = np.load(path)
        self.ids = pool["ids"]
        self.ends = np.cumsum(pool["lengths"])
        self.lengths = pool["lengths"]
        self.response = pool["response"]
        self.stops, self.breaks = pool["stops"], pool["breaks"]
        # Inverse of the cumulated unigram distribution of plain text, for drawing wrong tokens.
        counts = np.bincount(self.ids[self.ids < FIRST_SPECIAL], minlength=FIRST_SPECIAL)
        self.unigram = np.cumsum(counts) / counts.sum()
        self.rng = np.random.default_rng(seed)
        self.length_rng = np.random.default_rng(length_seed)
        self.fit: dict[tuple[int, str], np.ndarray] = {}
        self.long: dict[tuple[int, str], np.ndarray] = {}
        self.short: dict[tuple[int, str], np.ndarray] = {}
        # Documents that fill more than half of a doubled row, and those of which it takes a part.
        self.twice: dict[tuple[int, str], np.ndarray] = {}
        for index, name in enumerate(GROUPS):
            of_group, need = pool["group"] == index, 2 * (self.lengths + 1) - np.maximum(self.response, 1)
            for length in DOUBLED_LENGTHS:
                self.twice[length, name] = np.flatnonzero(of_group & (need > length // 2) & ((need <= length) | (self.response <= 1)))
        for length in LENGTHS:
            for index, name in enumerate(GROUPS):
                of_group, need = pool["group"] == index, self.lengths + 1
                self.fit[length, name] = np.flatnonzero(of_group & (need <= length) & (need > length // 2))
                self.long[length, name] = np.flatnonzero(of_group & (need > length))
                self.short[length, name] = np.flatnonzero(of_group & (need <= length // 2))

    def document(self, length: int) -> tuple[np.ndarray, int, bool]:
        """(ids of at most `length - 1` or exactly `length` when cut, start of the response, whether it was cut)."""
        names = list(MIX[length])
        name = names[self.rng.choice(len(names), p=list(MIX[length].values()))]
        shares = [(self.fit, 0.78), (self.long, 0.14), (self.short, 0.08)]
        if name == "tasks":
            shares = [(self.fit, 0.85), (self.short, 0.15)]
        choices = [(docs, share * min(1, len(docs) / PLENTY)) for table, share in shares if len(docs := table[length, name])]
        share = np.array([s for _, s in choices])
        candidates = choices[self.rng.choice(len(choices), p=share / share.sum())][0]
        doc = candidates[self.rng.integers(len(candidates))]
        ids = self.ids[self.ends[doc] - self.lengths[doc] : self.ends[doc]]
        response = int(self.response[doc])
        if len(ids) < length:
            return ids, response, False
        at = 0 if self.rng.random() < 0.5 else int(self.rng.integers(len(ids) - length + 1))
        return ids[at : at + length], (response if at == 0 else 0), True

    def row(self, length: int, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One row [T]: ids with masks and wrong tokens in place, the clean ids, the weight of each cell (0: no loss)."""
        rng = self.rng
        ids, response, cut = self.document(length)
        clean = np.full(length, PAD, np.int64)
        clean[: len(ids)] = ids
        if not cut:
            clean[len(ids)] = EOS
        text_end = len(ids) if cut else len(ids) + 1
        weight = np.zeros(length, np.float32)
        if self.attention == "causal":
            return self.next_tokens(clean, weight, response, text_end)
        if self.attention == "block-causal":
            return self.one_block(clean, weight, response, text_end, t)
        kind = rng.random()
        if kind < GAPS and text_end - response > 12:
            clean = self.mask_spans(clean, weight, response, text_end)
        elif kind < GAPS + BLOCKS:
            self.mask_block(weight, response, text_end, t)
        else:
            # Prompts are seldom worth learning: most are random numbers and letters.
            start = response if response > 1 and rng.random() < 0.85 else min(response, 1)
            cells = np.arange(start, length)
            weight[rng.permutation(cells)[: max(1, int(np.ceil(t * len(cells))))]] = 1.0
        target = clean.copy()
        weight[1 + np.flatnonzero(target != PAD)[-1] :] *= PAD_WEIGHT
        ids = np.where(weight > 0, MASK, clean)
        if rng.random() < CORRUPT_ROWS:
            self.corrupt(ids, weight, response)
        return ids, target, weight

    def doubled_row(self, length: int) -> Doubled:
        """A whole text with its end, or a part that fits of one that is no answer to anything."""
        rng, mix = self.rng, DOUBLED_MIX[length]
        docs = self.twice[length, list(mix)[rng.choice(len(mix), p=list(mix.values()))]]
        doc = docs[rng.integers(len(docs))]
        ids, response = self.ids[self.ends[doc] - self.lengths[doc] : self.ends[doc]], int(self.response[doc])
        text = np.append(ids, EOS)
        if 2 * len(text) - max(response, 1) > length:
            at = 0 if rng.random() < 0.5 else int(rng.integers(len(text) - length // 2))
            text, response = text[at : at + length // 2], response if at == 0 else 0
        return double(text.astype(np.int64), response, int(rng.choice(DOUBLED_BLOCKS)), length, rng)

    def next_tokens(self, clean: np.ndarray, weight: np.ndarray, response: int, text_end: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A row of the causal twin: each cell predicts the next one, up to the end of the text."""
        first = response - 1 if response > 1 and self.rng.random() < 0.85 else 0
        weight[first : text_end - 1] = 1.0
        return clean, np.roll(clean, -1), weight

    def one_block(self, clean: np.ndarray, weight: np.ndarray, response: int, text_end: int, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A row of the block-causal twin: clean before one block at rate t; nothing sees what comes after it."""
        begin = max(response, 1)
        block = int(self.rng.integers(begin // self.block, (max(text_end, begin + 1) - 1) // self.block + 1))
        cells = np.arange(max(begin, block * self.block), min((block + 1) * self.block, len(clean)))
        weight[self.rng.permutation(cells)[: max(1, int(np.ceil(t * len(cells))))]] = 1.0
        ids = np.where(weight > 0, MASK, clean)
        weight[(weight > 0) & (clean == PAD)] *= PAD_WEIGHT
        before = slice(0, (block + 1) * self.block)
        if self.rng.random() < CORRUPT_ROWS:
            self.corrupt(ids[before], weight[before], response)
        return ids, clean, weight

    def corrupt(self, ids: np.ndarray, weight: np.ndarray, response: int) -> None:
        """Replaces some visible tokens of the response in place: half by common tokens, half by others of the row."""
        rng = self.rng
        cells = np.flatnonzero(ids < FIRST_SPECIAL)
        cells = rng.permutation(cells[cells >= response])
        wrong = int(np.round(rng.uniform(*CORRUPT_RATES) * len(cells) + rng.random() - 0.5))
        intact = int(np.ceil(INTACT_SHARE * len(cells)))
        if wrong < 1:
            return
        common = np.minimum(np.searchsorted(self.unigram, rng.random(wrong)), FIRST_SPECIAL - 1)
        of_row = ids[cells[rng.integers(len(cells), size=wrong)]]
        ids[cells[:wrong]] = np.where(rng.random(wrong) < 0.5, common, of_row)
        weight[cells[: wrong + intact]] = VISIBLE_WEIGHT

    def mask_block(self, weight: np.ndarray, response: int, text_end: int, t: float) -> None:
        """As block decoding sees it: clean prefix, one block at rate t, everything after it masked."""
        size = int(self.rng.choice([8, 16, 32]))
        blocks = max(1, (text_end - response + size - 1) // size)
        start = response + size * int(self.rng.integers(blocks))
        end = min(start + size, len(weight))
        cells = np.arange(start, end)
        weight[end:] = FUTURE_WEIGHT
        if len(cells):
            weight[self.rng.permutation(cells)[: max(1, int(np.ceil(t * len(cells))))]] = 1.0

    def mask_spans(self, clean: np.ndarray, weight: np.ndarray, response: int, text_end: int) -> np.ndarray:
        """One to three gaps with all cells masked, or a whole passage; half of them hold surplus pads at their end."""
        rng = self.rng
        passage = self.passage(clean, response, text_end) if rng.random() < PASSAGES else None
        for _ in range(1 if passage else int(rng.integers(1, 4))):
            span = min(1 + int(rng.geometric(1 / 10)), GAP_CELLS, text_end - 1 - response)
            start = int(rng.integers(response, max(response + 1, text_end - span)))
            start, span = passage or (start, span)
            surplus = int(rng.integers(1, 9)) if rng.random() < SURPLUS else 0
            if surplus and text_end + surplus <= len(clean):
                clean = np.concatenate([clean[: start + span], np.full(surplus, PAD), clean[start + span : len(clean) - surplus]])
                weight[:] = np.concatenate([weight[: start + span], np.zeros(surplus, np.float32), weight[start + span : len(weight) - surplus]])
                text_end += surplus
                span += surplus
            weight[start : start + span] = 1.0
        return clean

    def passage(self, clean: np.ndarray, response: int, text_end: int) -> tuple[int, int] | None:
        """(first cell, cells) of a whole sentence, or of a paragraph without its line break, that has others around it."""
        is_sentence = self.rng.random() < 0.5
        ends = 1 + response + np.flatnonzero(np.isin(clean[response : text_end - 1], self.stops if is_sentence else self.breaks))
        cells = np.diff(ends) - (0 if is_sentence else 1)
        fits = np.flatnonzero((cells > 0) & (cells <= PASSAGE_CELLS))
        if len(fits) == 0:
            return None
        chosen = fits[self.rng.integers(len(fits))]
        return int(ends[chosen]), int(cells[chosen])

    def loss_share(self, length: int) -> float:
        """Cells of a batch that get a loss, as a share of its tokens; a block-causal row has one block of them."""
        return {"full": LOSS_SHARE, "causal": 1.0, "block-causal": min(LOSS_SHARE, 2 * self.block / length)}[self.attention]

    def batch(self, tokens: int) -> Batch:
        """`tokens` cells of one canvas length, masking rates stratified over the rows; or of doubled rows of one length."""
        doubled = self.attention == "full" and self.length_rng.random() < DOUBLED
        shares = DOUBLED_LENGTHS if doubled else LENGTHS
        length = list(shares)[self.length_rng.choice(len(shares), p=list(shares.values()))]
        rows = tokens // length
        if doubled:
            many = [self.doubled_row(length) for _ in range(rows)]
            ids, target, weight, place, sees = (np.stack([getattr(row, part) for row in many]) for part in ("ids", "target", "weight", "place", "sees"))
            return self.with_loss(ids, target, weight, int(tokens * LOSS_SHARE), place, sees)
        phase = self.rng.random()
        times = 0.01 + 0.99 * ((phase + np.arange(rows) / rows) % 1.0)
        parts = [self.row(length, float(t)) for t in times]
        ids, target, weight = (np.stack(column) for column in zip(*parts, strict=True))
        return self.with_loss(ids, target, weight, int(tokens * self.loss_share(length)))

    def with_loss(self, ids: np.ndarray, target: np.ndarray, weight: np.ndarray, keep: int, *doubled: np.ndarray) -> Batch:
        """A batch with a loss at `keep` cells: those of most weight."""
        flat = np.flatnonzero(weight.reshape(-1) > 0)
        flat_weight = weight.reshape(-1)[flat]
        order = np.argsort(-(flat_weight + 0.01 * self.rng.random(len(flat))), kind="stable")[:keep]
        chosen = np.sort(flat[order])
        padded = np.zeros(keep, np.int64)
        padded[: len(chosen)] = chosen
        out_weight = np.zeros(keep, np.float32)
        out_weight[: len(chosen)] = weight.reshape(-1)[chosen]
        return Batch(ids, padded, target.reshape(-1)[padded], out_weight, *doubled)
