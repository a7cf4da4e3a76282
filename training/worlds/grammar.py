"""Turns templates into sentences.

`[a|b]` takes one alternative (they nest); `{h}` and `{f}` are the hero and the friend; any other `{slot}` is looked up.

- `{h}` subject, `{h.him}` object, `{h.his}` possessive: a pronoun where it is clear who is meant, else the name.
- `{h.n}` always the name, `{h.v}` as addressed in speech, `{h.self}` himself or herself, `{h.intro}` first appearance.
- `{said h}`, `{asked h}`, `{wept h}`, `{cheered h}`: a dialogue tag.
- `{+she}` stands for nothing and notes that some other `she` was just mentioned.
"""

import re
from dataclasses import dataclass
from random import Random

TAG_VERBS = {
    "said": ["said"],
    "asked": ["asked"],
    "wept": ["cried", "sobbed", "sighed", "said sadly"],
    "cheered": ["cheered", "shouted", "called", "cried"],
}
TAG_TONES = {
    "said": ["softly", "kindly", "with a smile", "quietly", "in a low voice", "after a moment", "at once", "and nodded", "in a calm voice"],
    "asked": ["softly", "in a small voice", "and looked up", "after a while", "with big eyes", "right away", "in the end"],
    "wept": ["in a small voice", "and looked down", "and wiped away a tear", "with a long face", "and shook a little"],
    "cheered": ["happily", "with a big smile", "and jumped up and down", "and clapped", "with a laugh", "and danced around"],
}
INNERMOST = re.compile(r"\[([^\[\]]*)\]")
TOKEN = re.compile(r"\{([^}]*)\}")
SENTENCE_END = re.compile(r'[.!?]"?(?:\s|$)')
# A vowel letter with the sound of "you" or "w" takes "a".
ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou]|hon|hour)(?!one\b|use|uni|honey)")


@dataclass
class Person:
    """A girl, a boy or an animal. `kind` is its noun; an animal without a name is called "the fox"."""

    name: str
    kind: str
    they: str
    them: str
    their: str

    @property
    def is_named(self) -> bool:
        return not self.name.startswith("the ")

    @property
    def is_animal(self) -> bool:
        return self.kind not in ("girl", "boy")


class Grammar:
    """Keeps track of who was mentioned, so that a pronoun always has one meaning."""

    def __init__(self, rng: Random, people: dict[str, Person], slots: dict[str, str]) -> None:
        self.rng, self.people, self.slots = rng, people, slots
        # Keys of the people mentioned in this sentence and the one before; a `+she` stands for someone else.
        self.now: list[str] = []
        self.before: list[str] = []
        self.known: set[str] = set()
        self.pronouns_in_row = 0

    def alternatives(self, text: str) -> str:
        while found := INNERMOST.search(text):
            text = text[: found.start()] + self.rng.choice(found[1].split("|")) + text[found.end() :]
        return text

    def tell(self, template: str) -> str:
        """One beat: one or a few whole sentences."""
        text, out, at, quoted = self.alternatives(template), [], 0, False
        for found in TOKEN.finditer(text):
            quoted = self.literal(text[at : found.start()], out, quoted)
            out.append(self.token(found[1], quoted))
            at = found.end()
        self.literal(text[at:], out, quoted)
        return self.finish("".join(out))

    def literal(self, text: str, out: list[str], quoted: bool) -> bool:
        out.append(text)
        # A full stop inside speech that goes on does not end the sentence that the speech stands in.
        for part in re.split(r'(")', text):
            if part == '"':
                quoted = not quoted
            elif not quoted:
                for _ in SENTENCE_END.findall(part):
                    self.end_sentence()
        if re.search(r'\."\s|\."$', text):
            self.end_sentence()
        return quoted

    def end_sentence(self) -> None:
        self.before, self.now = self.now, []

    def finish(self, text: str) -> str:
        text = re.sub(r"\s+([,.!?])", r"\1", re.sub(r"\s+", " ", text)).strip()
        text = ARTICLE.sub(r"\1n ", text)
        text = text[0].upper() + text[1:]
        for pattern in (r'(\."?\s+)([a-z])', r"([!?]\s+)([a-z])", r'((?:^|\s)")([a-z])'):
            text = re.sub(pattern, lambda found: found[1] + found[2].upper(), text)
        if self.now:
            self.end_sentence()
        # After "they", neither of two girls is simply "she".
        if re.search(r"\b[Tt]hey\b", text) and len({person.they for person in self.people.values()}) == 1:
            self.before = []
        return text

    def is_clear(self, key: str) -> bool:
        they = self.people[key].they
        same = lambda keys: [k for k in keys if (k[1:] if k[0] == "+" else self.people[k].they) == they]
        now, before = same(self.now), same(self.before)
        return now[-1] == key if now else set(before) == {key}

    def mention(self, key: str) -> None:
        self.now.append(key)
        self.known.add(key)

    def token(self, token: str, quoted: bool) -> str:
        if token[0] == "+":
            self.now.append(token)
            return ""
        if " " in token:
            verb, key = token.split()
            return self.tag(verb, key)
        key, _, role = token.partition(".")
        if key not in self.people:
            return self.alternatives(self.slots[token])
        person = self.people[key]
        if role == "v":
            return person.name if person.is_named else f"{self.rng.choice(['little', 'dear'])} {person.kind}"
        if role == "self":
            return person.them + "self" if person.they == "she" else "himself"
        if role == "intro":
            return self.introduction(key)
        if quoted or role == "n":
            return self.name(key) + ("'s" if role == "his" else "")
        return self.reference(key, role)

    def reference(self, key: str, role: str) -> str:
        person, first = self.people[key], key not in self.now
        pronoun = self.is_clear(key)
        if pronoun and first and role == "":
            pronoun = self.pronouns_in_row < 2 and self.rng.random() < 0.6
        if first:
            self.pronouns_in_row = self.pronouns_in_row + 1 if pronoun else 0
        if not pronoun:
            return self.name(key) + ("'s" if role == "his" else "")
        self.mention(key)
        return {"": person.they, "him": person.them, "his": person.their}[role]

    def name(self, key: str) -> str:
        """The name; an animal that was not met yet is named with its kind."""
        person, known = self.people[key], key in self.known
        self.mention(key)
        return person.name if known or not person.is_named or not person.is_animal else f"{person.name} the {person.kind}"

    def introduction(self, key: str) -> str:
        person, trait = self.people[key], self.slots[f"{key}_trait"]
        self.mention(key)
        if not person.is_named:
            return f"a {trait} {person.kind}"
        forms = [f"a {trait} {person.kind} named {person.name}", f"a {person.kind} called {person.name}", f"{person.name}, a {trait} {person.kind}"]
        return self.rng.choice(forms[:2] if not person.is_animal else [*forms[:2], f"{person.name} the {person.kind}"])

    def tag(self, verb: str, key: str) -> str:
        clear = self.is_clear(key) and self.pronouns_in_row < 2
        who = self.reference(key, "")
        said = self.rng.choice(TAG_VERBS[verb])
        tone = f" {self.rng.choice(TAG_TONES[verb])}" if self.rng.random() < 0.5 and " " not in said else ""
        is_pronoun = clear and who == self.people[key].they
        return f"{who} {said}{tone}" if is_pronoun or " " in said or self.rng.random() < 0.45 else f"{said} {who}{tone}"
