"""Checkable tasks: every answer is a function of the prompt, so a response is right or wrong, never judged.

A sample is (prompt, response); the response ends in `answer ...`. Prompts whose hash falls into the held-out fiftieth are
never trained on; 4x4 sudoku holds out whole grids instead, because there are only 288 of them.
"""

import hashlib
import itertools
import json
import random
import re
from collections.abc import Callable
from functools import cache

Sample = tuple[str, str]
NAMES = ["Tom", "Lily", "Ben", "Mia", "Sam", "Anna", "Max", "Lucy", "Tim", "Sue"]
THINGS = ["apples", "balls", "books", "shells", "cookies", "stones", "flowers", "toys", "eggs", "coins"]
OBJECTS = ["ball", "book", "hat", "cup", "doll", "key", "kite", "drum"]
PLACES = ["park", "kitchen", "garden", "school", "forest", "barn", "beach", "shop"]
WORDS = "ant bear cat dog egg fish goat hat ice jam kite lion moon nest owl pig rain star tree van wolf yak zoo".split()


def is_held_out(prompt: str) -> bool:
    """One prompt in fifty, by its hash; of products of two digits by two, which are few, one in twenty-five."""
    one_in = 25 if re.fullmatch(r"mul \d+ x \d\d", prompt) else 50
    return int.from_bytes(hashlib.sha1(prompt.encode()).digest()[:2]) < 65536 // one_in


def number(rng: random.Random, digits: int) -> int:
    return rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


def add(rng: random.Random) -> Sample:
    a, b = number(rng, rng.randint(1, 4)), number(rng, rng.randint(1, 4))
    steps, carry, x, y = [], 0, a, b
    while x or y or not steps:
        total = x % 10 + y % 10 + carry
        steps.append(f"{x % 10}+{y % 10}{'+1' if carry else ''}={total}")
        carry, x, y = total // 10, x // 10, y // 10
    return f"add {a} + {b}", f"{' '.join(steps)} answer {a + b}"


def sub(rng: random.Random) -> Sample:
    a, b = sorted((number(rng, rng.randint(1, 4)), number(rng, rng.randint(1, 4))), reverse=True)
    steps, borrow, x, y = [], 0, a, b
    while x or y or not steps:
        top = x % 10 - borrow
        borrow = int(top < y % 10)
        top += 10 * borrow
        steps.append(f"{top}-{y % 10}={top - y % 10}")
        x, y = x // 10, y // 10
    return f"sub {a} - {b}", f"{' '.join(steps)} answer {a - b}"


def mul(rng: random.Random) -> Sample:
    """Partial products; from the second on, but for the last, the sum so far stands behind each."""
    a, b = number(rng, rng.randint(1, 2)), rng.randint(2, 9) if rng.random() < 0.5 else number(rng, 2)
    parts = [(x, y) for y in places(b) for x in places(a)]
    steps, total = [], 0
    for at, (x, y) in enumerate(parts):
        total += x * y
        steps.append(f"{x}x{y}={x * y}" + (f" {total}" if 0 < at < len(parts) - 1 else ""))
    return f"mul {a} x {b}", f"{' '.join(steps)} answer {a * b}"


def places(value: int) -> list[int]:
    """The ones of a number below 100 and, where there are any, its tens."""
    return [value % 10, *([value // 10 * 10] if value > 9 else [])]


def sort(rng: random.Random) -> Sample:
    values = [rng.randrange(100) for _ in range(rng.randint(3, 8))]
    return f"sort {' '.join(map(str, values))}", f"answer {' '.join(map(str, sorted(values)))}"


def sortw(rng: random.Random) -> Sample:
    words = rng.sample(WORDS, rng.randint(3, 6))
    return f"sort words {' '.join(words)}", f"answer {' '.join(sorted(words))}"


def reverse(rng: random.Random) -> Sample:
    letters = [rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9))]
    return f"reverse {' '.join(letters)}", f"answer {' '.join(reversed(letters))}"


def count(rng: random.Random) -> Sample:
    letters = [rng.choice("abcd") for _ in range(rng.randint(4, 12))]
    wanted = rng.choice("abcd")
    running, seen = [], 0
    for letter in letters:
        seen += letter == wanted
        running.append(f"{letter}{seen}")
    return f"count {wanted} in {' '.join(letters)}", f"{' '.join(running)} answer {seen}"


def brackets(rng: random.Random) -> Sample:
    """The steps repeat each mark with the depth behind it: the last mark of a depth is the one to close there."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    text, stack = [], []
    for _ in range(rng.randint(3, 12)):
        if stack and rng.random() < 0.35:
            text.append(stack.pop())
        else:
            mark = rng.choice("([{")
            text.append(mark)
            stack.append(pairs[mark])
    if not stack:
        text.append("(")
        stack.append(")")
    steps, depth = [], 0
    for mark in text:
        depth += 1 if mark in pairs else -1
        steps.append(f"{mark}{depth}")
    return f"brackets {' '.join(text)}", f"{' '.join(steps)} answer {' '.join(reversed(stack))}"


@cache
def sudoku_grids() -> list[tuple[int, ...]]:
    """All 288 solved 4x4 grids, row-major."""
    rows = list(itertools.permutations((1, 2, 3, 4)))
    grids = []
    for four in itertools.product(rows, repeat=4):
        cells = sum(four, ())
        columns = all(len({four[r][c] for r in range(4)}) == 4 for c in range(4))
        boxes = all(len({cells[4 * (r + i) + c + j] for i in (0, 1) for j in (0, 1)}) == 4 for r in (0, 2) for c in (0, 2))
        if columns and boxes:
            grids.append(cells)
    return grids


def sudoku_solutions(cells: list[int]) -> int:
    """Number of solved grids that agree with the given cells (0 = hole)."""
    return sum(all(c in (0, g) for c, g in zip(cells, grid)) for grid in sudoku_grids())


def sudoku4(rng: random.Random, held_out: bool = False) -> Sample:
    grids = sudoku_grids()
    chosen = [g for i, g in enumerate(grids) if (i % 6 == 5) == held_out]
    while True:
        grid = rng.choice(chosen)
        cells = list(grid)
        for hole in rng.sample(range(16), rng.randint(4, 12)):
            cells[hole] = 0
        if sudoku_solutions(cells) == 1:
            break
    show = lambda values: " / ".join(" ".join(str(v) if v else "_" for v in values[i : i + 4]) for i in (0, 4, 8, 12))
    return f"sudoku {show(cells)}", f"answer {show(list(grid))}"


def sudoku6_candidates(cells: list[int], at: int) -> list[int]:
    """Values that row, column and box (2 rows by 3 columns) of a 6x6 grid leave open for cell `at`."""
    row, column = divmod(at, 6)
    top, left = row // 2 * 2, column // 3 * 3
    used = set(cells[6 * row : 6 * row + 6]) | set(cells[column::6])
    used |= {cells[6 * (top + i) + left + j] for i in range(2) for j in range(3)}
    return [value for value in range(1, 7) if value not in used]


def sudoku6_solutions(cells: list[int], limit: int, rng: random.Random | None = None) -> list[list[int]]:
    """Up to `limit` solutions of a 6x6 grid (0 = hole), fewest candidates first; with `rng`, values in random order."""
    holes = [(sudoku6_candidates(cells, at), at) for at, value in enumerate(cells) if value == 0]
    if not holes:
        return [list(cells)]
    values, at = min(holes, key=lambda hole: len(hole[0]))
    if rng:
        rng.shuffle(values)
    found: list[list[int]] = []
    for value in values:
        cells[at] = value
        found += sudoku6_solutions(cells, limit - len(found), rng)
        cells[at] = 0
        if len(found) == limit:
            break
    return found


def sudoku6(rng: random.Random) -> Sample:
    """6x6, boxes of 2 rows by 3 columns, 6 to 20 holes, one solution. There are 28 million grids: held out by prompt."""
    grid = sudoku6_solutions([0] * 36, 1, rng)[0]
    cells, holes = list(grid), rng.randint(6, 20)
    for at in rng.sample(range(36), 36):
        cells[at] = 0
        if len(sudoku6_solutions(cells, 2)) > 1:
            cells[at] = grid[at]
        holes -= cells[at] == 0
        if holes == 0:
            break
    show = lambda values: " / ".join(" ".join(str(v) if v else "_" for v in values[i : i + 6]) for i in range(0, 36, 6))
    return f"sudoku6 {show(cells)}", f"answer {show(grid)}"


# One way or more to state each field of a record; {v} is its value, {n} the name.
FACTS: dict[str, list[str]] = {
    "age": ["{n} is {v} years old.", "{n} is {v}.", "The age of {n} is {v}."],
    "pet": ["{n} has a {v}.", "The pet of {n} is a {v}.", "{n} owns a {v}."],
    "color": ["{n} likes {v} best.", "The best color for {n} is {v}.", "{n} likes {v}."],
    "town": ["{n} lives in {v}.", "The home of {n} is {v}.", "{n} is from {v}."],
    "happy": ["{n} is {v}."],
}
PETS = ["dog", "cat", "bird", "fish", "frog", "duck", "mouse", "hen"]
COLORS = ["red", "blue", "green", "pink", "white", "black", "brown", "yellow"]
TOWNS = ["Oak Hill", "Lake Town", "Rose Bay", "Green Field", "White Rock", "Long Beach", "Bird Valley", "Snow Hill"]


def record(rng: random.Random) -> Sample:
    """Facts in any order, and the JSON object whose fields stand in the order that the prompt names."""
    name = rng.choice(NAMES)
    value = {"name": name, "age": rng.randint(2, 99), "pet": rng.choice(PETS), "color": rng.choice(COLORS), "town": rng.choice(TOWNS), "happy": rng.random() < 0.5}
    fields = ["name", *rng.sample(list(FACTS), rng.randint(2, 3))]
    told = {field: "happy" if value[field] is True else "sad" if value[field] is False else value[field] for field in fields}
    facts = [rng.choice(FACTS[field]).format(n=name, v=told[field]) for field in rng.sample(fields[1:], len(fields) - 1)]
    return f"record {' '.join(fields)}: {' '.join(facts)}", f"answer {json.dumps({field: value[field] for field in fields})}"


def story_math(rng: random.Random) -> Sample:
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    total = rng.randint(2, 20)
    text, steps = [f"{name} has {total} {thing}."], []
    for _ in range(rng.randint(1, 3)):
        amount = rng.randint(1, 9)
        if rng.random() < 0.5 and total >= amount:
            verb = rng.choice(["gives away", "loses", "drops"])
            steps.append(f"{total}-{amount}={total - amount}")
            total -= amount
        else:
            verb = rng.choice(["finds", "gets", "buys"])
            steps.append(f"{total}+{amount}={total + amount}")
            total += amount
        text.append(f"{name} {verb} {amount} {'more' if '+' in steps[-1] else 'of them'}.")
    return f"{' '.join(text)} How many {thing} does {name} have?", f"{' '.join(steps)} answer {total}"


def moves(rng: random.Random) -> tuple[list[str], dict[str, tuple[list[str], str]]]:
    """Sentences about people who go, take and drop; for each person and thing its trail, and where it ends up.

    A trail has a word for each sentence that is about somebody or something, in their order: a place, who takes it, `drops`.
    """
    people = rng.sample(NAMES, rng.randint(2, 3))
    things = rng.sample(OBJECTS, 2)
    at = {person: rng.choice(PLACES) for person in people}
    place = {thing: rng.choice(PLACES) for thing in things}
    trails = {who: [spot] for who, spot in (at | place).items()}
    holder: dict[str, str] = {}
    text = [f"{p} is in the {at[p]}." for p in people] + [f"The {t} is in the {place[t]}." for t in things]
    for _ in range(rng.randint(2, 5)):
        person = rng.choice(people)
        near = [t for t in things if t not in holder and place[t] == at[person]]
        held = [t for t in things if holder.get(t) == person]
        roll = rng.random()
        if near and roll < 0.6:
            thing = rng.choice(near)
            holder[thing] = person
            trails[thing].append(person)
            text.append(f"{person} takes the {thing}.")
        elif held and roll < 0.25:
            thing = rng.choice(held)
            del holder[thing]
            trails[thing].append("drops")
            text.append(f"{person} drops the {thing}.")
        else:
            spot = rng.choice([place[t] for t in things] + [rng.choice(PLACES)])
            at[person] = spot
            for who in (person, *held):
                trails[who].append(spot)
            place |= dict.fromkeys(held, spot)
            text.append(f"{person} goes to the {spot}.")
    ends = {f"the {thing}": (trails[thing], place[thing]) for thing in things}
    return text, ends | {person: (trails[person], spot) for person, spot in at.items()}


def trail(who: str, words: list[str]) -> str:
    return f"{who.removeprefix('the ')} {' '.join(words)}"


def where(rng: random.Random) -> Sample:
    text, ends = moves(rng)
    target = rng.choice(list(ends))
    words, place = ends[target]
    return f"{' '.join(text)} Where is {target}?", f"{trail(target, words)} answer {place}"


def where_all(rng: random.Random) -> Sample:
    """Not scored: a single place is little to learn from for a text of forty tokens. Asked in a drawn order, or places in the text give the answers away."""
    text, ends = moves(rng)
    return everywhere(text, {who: words for who, (words, _) in ends.items()}, rng)


def where_told(rng: random.Random) -> Sample:
    """Nobody moves, and all are in places of their own: what must be found in the text, alone. Not scored."""
    asked = rng.sample([*NAMES, *(f"the {thing}" for thing in OBJECTS)], rng.randint(2, 5))
    at = dict(zip(asked, rng.sample(PLACES, len(asked)), strict=True))
    text = [f"{who[0].upper()}{who[1:]} is in the {place}." for who, place in at.items()]
    return everywhere(text, {who: [place] for who, place in at.items()}, rng)


def everywhere(text: list[str], trails: dict[str, list[str]], rng: random.Random) -> Sample:
    asked = rng.sample(list(trails), len(trails))
    return f"{' '.join(text)} Where are {', '.join(asked)}?", " ".join(trail(who, trails[who]) for who in asked)


TASKS: dict[str, Callable[[random.Random], Sample]] = {
    "add": add, "sub": sub, "mul": mul, "sort": sort, "sortw": sortw, "reverse": reverse, "count": count,
    "brackets": brackets, "sudoku4": sudoku4, "story_math": story_math, "where": where,
    "sudoku6": sudoku6, "record": record,
}  # fmt: skip


# Learned from, never scored.
LESSONS = {"where_all": where_all, "where_told": where_told}


def training_sample(name: str, rng: random.Random) -> Sample:
    """A sample outside the held-out part."""
    while True:
        sample = (TASKS | LESSONS)[name](rng)
        if name == "sudoku4" or not is_held_out(sample[0]):
            return sample


def held_out_sample(name: str, rng: random.Random) -> Sample:
    """A sample of the held-out part."""
    if name == "sudoku4":
        return sudoku4(rng, held_out=True)
    while True:
        sample = TASKS[name](rng)
        if is_held_out(sample[0]):
            return sample


def final_answer(response: str) -> str:
    """What is scored: the text after the last `answer`, spaces collapsed."""
    return " ".join(response.rsplit("answer", 1)[-1].split())
