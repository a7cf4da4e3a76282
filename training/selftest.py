"""Checks that need no training data: python -m training.selftest (about 10 s)."""

import json
import random
import re
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from . import tasks, worlds
from .batches import EOS, LENGTHS, LOSS_SHARE, MASK, PAD, VISIBLE_WEIGHT, Sampler
from .corpus import GROUPS, Pool
from .doubled import double
from .export import tensors
from .master import read_master, write_master
from .model import Denoiser, Shape
from .muon import orthogonalise
from .quantise import rounded, scales_of, straight_through
from .tokenizer import FIRST_SPECIAL
from .worlds.grammar import Grammar, Person


def plain_forward(weights: dict[str, torch.Tensor], shape: Shape, ids: torch.Tensor) -> torch.Tensor:
    """Logits [T, vocab] of an exported checkpoint for ids [T], written independently of the model, in float32."""
    w = {name: tensor.float() for name, tensor in weights.items()}
    rms = lambda x, g: x / (x.square().mean(-1, keepdim=True) + shape.eps).sqrt() * g
    half = shape.head // 2
    angle = torch.arange(len(ids))[:, None] / shape.theta ** (torch.arange(half) / half)
    turn = lambda x: torch.cat([x[..., :half] * angle.cos() - x[..., half:] * angle.sin(), x[..., half:] * angle.cos() + x[..., :half] * angle.sin()], -1)
    x = w["model.embed_tokens.weight"][ids]
    for layer in range(shape.layers):
        get = lambda name: w[f"model.layers.{layer}.{name}.weight"]
        h = rms(x, get("input_layernorm"))
        q, k, v = ((h @ get(f"self_attn.{n}_proj").T).view(len(ids), shape.heads, shape.head).transpose(0, 1) for n in "qkv")
        q, k = turn(rms(q, get("self_attn.q_norm"))), turn(rms(k, get("self_attn.k_norm")))
        mixed = (q @ k.transpose(1, 2) / shape.head**0.5).softmax(-1) @ v
        x = x + mixed.transpose(0, 1).reshape(len(ids), -1) @ get("self_attn.o_proj").T
        h = rms(x, get("post_attention_layernorm"))
        x = x + (F.silu(h @ get("mlp.gate_proj").T) * (h @ get("mlp.up_proj").T)) @ get("mlp.down_proj").T
    return rms(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].T


def check_export() -> None:
    """The folded checkpoint gives the same logits as the model."""
    torch.manual_seed(0)
    model = Denoiser(Shape(), torch.float32)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.02 * torch.randn_like(p))
            p.copy_(p.bfloat16())
        ids = torch.randint(0, 4096, (40,))
        ours = model.logits(ids[None], torch.arange(40))
        assert (ours - plain_forward(tensors(model), model.shape, ids)).abs().max() < 1e-2 * ours.std()


def check_quantise() -> None:
    """The fixture holds what this code gives; a test of the converter holds it against its own result."""
    case = json.loads(Path("training/fixtures/quantised.json").read_text())
    weights = torch.tensor(case["weights"]).view(case["n"], case["k"])
    assert torch.equal(weights, weights.bfloat16().float())
    for bits in (4, 8):
        scales = scales_of(weights, bits)
        assert torch.equal(scales.flatten(), torch.tensor(case[f"scales{bits}"]))
        assert torch.equal(rounded(weights, scales, bits).flatten(), torch.tensor(case[f"values{bits}"]))
    leaf = weights.clone().requires_grad_()
    (straight_through(leaf, scales_of(leaf, 4), 4) * weights).sum().backward()
    assert torch.equal(leaf.grad, weights)


def check_attention() -> None:
    """A cell's logits depend on exactly the cells it may see."""
    torch.manual_seed(1)
    small = dict(vocab=64, hidden=32, layers=2, heads=1, head=32, inner=64, positions=32)
    for kind, block, sees in (("full", 0, lambda i: 32), ("block-causal", 8, lambda i: 8 * (i // 8 + 1)), ("causal", 0, lambda i: i + 1)):
        model = Denoiser(Shape(**small, attention=kind, block=block), torch.float32)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.1 * torch.randn_like(p))
            ids, at = torch.randint(0, 64, (1, 32)), torch.arange(32)
            before = model.logits(ids, at)
            for changed in (0, 11, 31):
                other = ids.clone()
                other[0, changed] = (ids[0, changed] + 1) % 64
                moved = (model.logits(other, at) - before).abs().amax(-1) > 1e-6
                assert moved.tolist() == [changed < sees(i) for i in range(32)], (kind, changed)


def check_doubled() -> None:
    """The masked block of a doubled row gets the logits that a block-causal model gives it behind its clean past."""
    torch.manual_seed(3)
    small = dict(vocab=4096, hidden=32, layers=2, heads=1, head=32, inner=64, positions=64)
    model, causal = (Denoiser(Shape(**small, attention=kind, block=8), torch.float32) for kind in ("full", "block-causal"))
    with torch.no_grad():
        for p, q in zip(model.parameters(), causal.parameters(), strict=True):
            q.copy_(p.add_(0.1 * torch.randn_like(p)))
    text = np.random.default_rng(4).integers(0, 4000, 28)
    # The prompt is one block of the grid, and the last block holds four tokens only.
    row = double(text, 8, 8, 60, np.random.default_rng(5))
    assert (row.target[row.weight > 0] == text[row.place[row.weight > 0]]).all() and (row.ids[row.weight > 0] == MASK).all()
    parts = (torch.from_numpy(part)[None] for part in (row.place, row.sees))
    with torch.no_grad():
        ours = model.logits(torch.from_numpy(row.ids)[None], torch.arange(60), *parts)[28:48]
        for start in (8, 16, 24):
            cells = slice(start, min(start + 8, 28))
            noisy = torch.from_numpy(row.ids[28:48][start - 8 : cells.stop - 8])
            assert (noisy == MASK).any()
            plain = causal.logits(torch.cat((torch.from_numpy(text[:start]), noisy))[None], torch.arange(start, cells.stop))
            assert torch.allclose(ours[start - 8 : cells.stop - 8], plain, atol=1e-5), start


def check_master() -> None:
    """A master gives back the averaged weights as bf16 holds them."""
    torch.manual_seed(2)
    model = Denoiser(Shape(vocab=64, hidden=32, layers=2, heads=1, head=32, inner=64, positions=32))
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = Path(folder) / "tokenizer"
        tokenizer.mkdir()
        (tokenizer / "tokenizer.json").write_text("{}")
        write_master(model, tokenizer, {"trainingTokens": 7}, Path(folder) / "tiny")
        assert (Path(folder) / "tiny" / "tokenizer.json").exists()
        weights, training = read_master(Path(folder) / "tiny")
        assert training == {"trainingTokens": 7} and set(weights) == set(dict(model.named_parameters()))
        for name, p in model.named_parameters():
            assert torch.equal(weights[name], p.detach().bfloat16().float()), name


def check_muon() -> None:
    for rows, cols in ((320, 320), (864, 320), (320, 864)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(1, rows, cols))[0].float())
        assert 0.1 < values.median() < 1.3 and values.max() < 1.5, values


def trail_of(who: str, text: str) -> list[str]:
    """The trail of somebody or something through a text of `where`, read from its sentences alone; who holds it may change."""
    found, holder = [], ""
    for words in (sentence.split() for sentence in text.split(". ")[:-1]):
        if words[1] in ("takes", "drops"):
            if words[-1] == who:
                holder = words[0] if words[1] == "takes" else ""
                found.append(holder or "drops")
        elif words[0] in (who, holder) or words[:2] == ["The", who]:
            found.append(words[-1])
    return found


def check_tasks() -> None:
    """Answers by another way than the generators'; held-out prompts are never drawn for training."""
    rng = random.Random(3)
    for _ in range(300):
        for name in {*tasks.TASKS, *tasks.LESSONS} - {"sudoku6"}:
            prompt, response = tasks.training_sample(name, rng)
            answer, words = tasks.final_answer(response), prompt.split()
            assert name == "sudoku4" or not tasks.is_held_out(prompt)
            if name in ("add", "sub", "mul"):
                a, b = int(words[1]), int(words[3])
                assert int(answer) == {"add": a + b, "sub": a - b, "mul": a * b}[name]
            elif name == "sort":
                assert [int(w) for w in answer.split()] == sorted(int(w) for w in words[1:])
            elif name == "reverse":
                assert answer.split() == words[:0:-1]
            elif name == "count":
                assert int(answer) == words[3:].count(words[1])
            elif name == "brackets":
                text = "".join(words[1:]) + answer.replace(" ", "")
                while text != (shorter := text.replace("()", "").replace("[]", "").replace("{}", "")):
                    text = shorter
                assert text == ""
            elif name in tasks.LESSONS:
                asked = [who.removeprefix("the ") for who in prompt.split("Where are ")[1].rstrip("?").split(", ")]
                assert response == " ".join(" ".join((who, *trail_of(who, prompt))) for who in asked)
            elif name == "where":
                who = words[-1].rstrip("?")
                trail = trail_of(who, prompt)
                assert response == " ".join((who, *trail, "answer", answer))
                assert answer == [word for word in trail if word in tasks.PLACES][-1]
            elif name == "sudoku4":
                given = [w for w in words[1:] if w != "/"]
                full = [w for w in answer.split() if w != "/"]
                assert all(g in ("_", f) for g, f in zip(given, full, strict=True))
            elif name == "record":
                record = json.loads(answer)
                assert list(record) == prompt.split(":")[0].split()[1:]
                told = {True: "happy", False: "sad"}
                assert all(str(told.get(v, v) if isinstance(v, bool) else v) in prompt for v in record.values())


def check_sudoku6() -> None:
    """Rows, columns and boxes of the answer are complete, the givens stand, and no other grid fits them."""
    rng = random.Random(5)
    for _ in range(40):
        prompt, response = tasks.training_sample("sudoku6", rng)
        given = [0 if w == "_" else int(w) for w in prompt.split()[1:] if w != "/"]
        grid = np.array([int(w) for w in tasks.final_answer(response).split() if w != "/"]).reshape(6, 6)
        boxes = grid.reshape(3, 2, 2, 3).transpose(0, 2, 1, 3).reshape(6, 6)
        assert all((np.sort(lines, -1) == np.arange(1, 7)).all() for lines in (grid, grid.T, boxes))
        assert all(g in (0, f) for g, f in zip(given, grid.flat, strict=True)) and 0 in given
        assert len(tasks.sudoku6_solutions(given, 2)) == 1


def check_worlds() -> None:
    """Stories differ, answers are told, and the text is well formed."""
    made = list(worlds.stories(6000, random.Random(1)))
    assert len({story.text for story in made}) == 6000 and len({story.plot for story in made}) >= 12
    assert worlds.shared_grams([story.text for story in made]) < 0.03
    for story in made:
        for question, answer in story.questions:
            assert answer.split()[-1].lower() in story.text.lower(), (question, answer, story.text)
        for wrong in (r"[\[\]{}|]", r"  ", r"\ba [aeio]", r"\ban [^aeiouh]", r"(^|[.!?] |\s\")[a-z]", r" [,.!?]", r"[.,!?][.,!?]", r"\b(\w+) \1\b(?! and)"):
            assert not (found := re.search(wrong, story.text)), (found, story.text)
        assert story.text.count('"') % 2 == 0 and story.text[-1] in '.!"'


def check_pronouns() -> None:
    """A pronoun stands only where one person can be meant."""
    tom, ben, mia = Person("Tom", "boy", "he", "him", "his"), Person("Ben", "boy", "he", "him", "his"), Person("Mia", "girl", "she", "her", "her")
    boys = Grammar(random.Random(1), {"h": tom, "f": ben}, {})
    assert boys.tell("{h.n} saw {f.n} and gave {f.him} {h.his} hat.") == "Tom saw Ben and gave him Tom's hat."
    assert boys.tell("{h} laughed because {h} was {h.his} friend.") == "Tom laughed because he was his friend."
    pair = Grammar(random.Random(1), {"h": tom, "f": mia}, {})
    assert pair.tell("{h.n} saw {f.n} and gave {f.him} {h.his} hat.") == "Tom saw Mia and gave her his hat."
    assert pair.tell("{+she} {f.his} own a [open] [hour].") == "Mia's own an open hour."


def check_batches() -> None:
    """Cells with a full loss are masked; cells without a loss show the text; wrong tokens are text of the response."""
    pool, rng = Pool(), random.Random(2)
    for _ in range(400):
        size = rng.choice([20, 50, 100, 200, 400])
        for name in GROUPS:
            pool.add(name, [rng.randrange(4000) for _ in range(size)], rng.choice([0, 1, 8]))
    with tempfile.TemporaryDirectory() as folder:
        pool.save(Path(folder) / "train.npz", [5, 6, 7], [8])
        sampler = Sampler(Path(folder) / "train.npz", 1, 1)
        wrong_cells = intact_cells = surplus = 0
        for length in LENGTHS:
            for t in np.linspace(0.01, 1, 200):
                ids, clean, weight = sampler.row(length, float(t))
                assert len(ids) == len(clean) == len(weight) == length
                shown = ids != MASK
                assert (ids == clean)[weight == 0].all() and (weight[~shown] > 0).all()
                assert set(weight[shown]) <= {0, VISIBLE_WEIGHT}
                wrong = shown & (ids != clean)
                assert (ids[wrong] < FIRST_SPECIAL).all() and (clean[wrong] < FIRST_SPECIAL).all()
                wrong_cells += wrong.sum()
                intact_cells += (shown & (ids == clean) & (weight > 0)).sum()
                assert not (clean == MASK).any() and (clean == EOS).sum() <= 1
                pads, last = np.flatnonzero(clean == PAD), np.flatnonzero(clean != PAD)[-1]
                assert (weight[pads[pads > last]] <= 0.1 + 1e-6).all() and (weight[pads[pads < last]] == 1).all()
                surplus += (pads < last).sum()
        assert 0 < 2 * wrong_cells < intact_cells and surplus > 0
        line = np.array([1, 2, 5, 3, 4, 6, 9, 8, 1, 1, 8, 2, EOS])
        assert {sampler.passage(line, 0, len(line)) for _ in range(60)} == {(3, 3), (8, 2)}
        kinds = set()
        for _ in range(8):
            batch = sampler.batch(4096)
            kinds.add(batch.sees is None)
            assert batch.ids.size == 4096 and len(batch.flat) == len(batch.target) == len(batch.weight) == 4096 * LOSS_SHARE
            assert (batch.ids.reshape(-1)[batch.flat[batch.weight == 1]] == MASK).all()
        assert len(kinds) == 2
        for t in np.linspace(0.01, 1, 200):
            ids, clean, weight = (rows := Sampler(Path(folder) / "train.npz", 1, 1, "causal")).row(128, float(t))
            assert (ids != MASK).all() and (clean[:-1] == ids[1:]).all() and weight[-1] == 0
            assert (clean[weight > 0] != PAD).all() and (rows.loss_share(128) == 1)
        blocks = Sampler(Path(folder) / "train.npz", 1, 1, "block-causal", 16)
        for t in np.linspace(0.01, 1, 200):
            ids, clean, weight = blocks.row(128, float(t))
            masked = np.flatnonzero(ids == MASK)
            assert len(masked) and len(set(masked // 16)) == 1 and (weight[masked] > 0).all()
            assert np.flatnonzero(weight).max() // 16 == masked[0] // 16


if __name__ == "__main__":
    for check in (check_export, check_quantise, check_attention, check_doubled, check_master, check_muon, check_tasks, check_sudoku6, check_worlds, check_pronouns, check_batches):
        check()
        print(f"{check.__name__}: ok")
