"""The state of one story while it is told, and the beats that all plots share."""

from dataclasses import dataclass
from random import Random

from . import words
from .grammar import ARTICLE, Grammar, Person


@dataclass
class Place:
    noun: str
    look: str
    before: str


class World:
    """People, things and places of a story; `say` tells a beat, `ask` notes a question that the state answers."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.hero = person(rng, None)
        self.friend = person(rng, self.hero)
        noun = rng.choice(list(words.PLACES))
        self.place = Place(noun, rng.choice(["", "big", "green", "old", "little", "wide", "beautiful", "pretty", "sunny", "peaceful", "large", "nearby"]), words.PLACES[noun])
        self.thing, self.colour, self.look = rng.choice(words.THINGS), rng.choice(words.COLOURS), rng.choice(words.LOOKS)
        self.spot, self.number = words.spot(rng), rng.choice(words.NUMBERS)
        self.food, food_look = words.food(rng)
        self.lines: list[str] = []
        self.questions: list[tuple[str, str]] = []
        place = f"{self.place.look} {noun}".strip() if not noun.startswith("old") else noun
        traits = rng.sample(words.TRAITS, 2)
        self.slots = {
            "t": self.thing, "ct": f"{self.colour} {self.thing}", "c": f"[{'|'.join(words.COLOURS)}]", "colour": self.colour, "pct": f"{self.look} {self.colour} {self.thing}",
            "p": noun, "place": place, "in_p": f"{self.place.before} the {place}", "in": f"{self.place.before} the {noun}",
            "s": self.spot, "food": self.food, "ffood": f"{food_look} {self.food}", "n": f"[{'|'.join(words.NUMBERS)}]", "k": self.number,
            "h_trait": traits[0], "f_trait": traits[1], "size": rng.choice(words.SIZES), "game": rng.choice(words.GAMES),
            "song": rng.choice(words.SONGS), "relative": rng.choice(words.RELATIVES), "flowers": rng.choice(words.FLOWERS),
            "shelter": rng.choice(words.SHELTERS).format(rng.choice(words.SHELTER_LOOK)), "baby": rng.choice([b for b in words.BABIES if b not in (self.hero.kind, self.friend.kind)]),
            "tool": f"{rng.choice(words.TOOL_LOOK)} {rng.choice(words.TOOLS)}", "race": rng.choice(words.RACES),
            "day": rng.choice(words.DAYS), "happy": "[happy|glad|cheerful|pleased|content]", "very": "[|very|so|really]",
        }  # fmt: skip
        self.grammar = Grammar(rng, {"h": self.hero, "f": self.friend}, self.slots)

    def say(self, *templates: str) -> str:
        """Tells one of the templates and returns the text."""
        text = self.grammar.tell(self.rng.choice(templates))
        self.lines.append(text)
        return text

    def maybe(self, share: float, *templates: str) -> None:
        if self.rng.random() < share:
            self.say(*templates)

    def ask(self, question: str, answer: str) -> None:
        self.questions.append((question, ARTICLE.sub(r"\1n ", answer)))


def person(rng: Random, other: Person | None) -> Person:
    """Someone who shares neither name nor kind of animal with `other`, and in two of three stories not the pronoun."""
    girl, boy = ("she", "her", "her"), ("he", "him", "his")
    forms = girl if rng.random() < 0.5 else boy
    if other and rng.random() < 0.4:
        forms = boy if other.they == "she" else girl
    if rng.random() < 0.68:
        names = [n for n in (words.GIRLS if forms is girl else words.BOYS) if not other or n[:3] != other.name[:3]]
        return Person(rng.choice(names), "girl" if forms is girl else "boy", *forms)
    kind = rng.choice([a for a in words.ANIMALS if not other or a != other.kind])
    name = rng.choice([n for n in words.PETS if not other or n != other.name]) if rng.random() < 0.85 else f"the {kind}"
    return Person(name, kind, *forms)


def opening(w: World) -> None:
    """Who the story is about."""
    kind = w.hero.kind
    w.grammar.known.add("h")
    if w.hero.is_named:
        w.say(
            f"[Once upon a time|Once|Long ago|One summer|Not so long ago] there was a {{h_trait}} {{size}} {kind} [named|called] {{h.n}}.",
            f"{{h.n}} was a {{h_trait}} {{size}} {kind} who [lived|loved to play|had a house|liked to be] {{in_p}}.",
            f"There once was a {{size}} {kind} [called|named] {{h.n}}. {{h}} was {{very}} {{h_trait}} [and loved to play|but a bit slow|and liked to sing|and had many ideas].",
            f"In a [small|sunny|quiet|little|far] [town|house|village] lived a {{h_trait}} {kind} [named|called] {{h.n}}.",
            f"[This is the story of|Let me tell you about|This story is about|Here is a story about] {{h.n}}, a {{h_trait}} {{size}} {kind}.",
            f"Everyone {{in_p}} [knew|liked|had met|was fond of] {{h.n}}, the {{h_trait}} {{size}} {kind}.",
        )
    else:
        w.grammar.now.append("h")
        w.say(
            f"[Once upon a time|Once|Long ago|One spring|Not so long ago] there was a {{h_trait}} [little|small|young] {kind} who lived {{in_p}}.",
            f"A {{h_trait}} [little|small|young] {kind} [lived in a small house|had a home|lived all alone|had a warm nest] [close to|near|not far from] the {{place}}.",
            f"[Near|Close to|Not far from] a [quiet|big|lovely|sunny] {{p}} there lived a {{h_trait}} {kind}.",
            f"There once was a {{h_trait}} {{size}} {kind} with [a soft nose|a long tail|big eyes|a warm coat|a funny hat|a loud voice].",
        )


def outing(w: World) -> None:
    """Where it begins."""
    w.say(
        "[One|On a|On one] {day} [day|morning|afternoon], {h} went to the {place}[| to play| to look around| all alone| with a song].",
        "It was a {day} [morning|day|afternoon], and {h} [walked|ran|skipped|hurried|went] [to|all the way to|over to] the {place}.",
        "On a {day} [afternoon|morning|day] {h} [wanted to play|was out for a walk|had time to play|was looking for fun] {in}.",
        "One {day} morning {h} [woke up early|jumped out of bed|put on a {c} coat|ate breakfast fast|washed and dressed] and [ran|went|walked|hurried] to the {place}.",
        "{h} [had nothing to do|had done all the work|wanted some fresh air|felt like a walk] that {day} day, so {h} [went|walked|ran] to the {place}.",
        "When the [sun came up|rooster called|bells rang|birds began to sing] on a {day} day, {h} [set out for|went to|left for|ran to] the {place}.",
        "{in_p} it was [quiet|nice|lovely|still|busy] on that {day} day, and {h} [was there early|had come to play|sat in the sun|walked around].",
    )  # fmt: skip
    w.ask(f"Where did {w.hero.name} go?" if "went to" in w.lines[-1] else f"Where was {w.hero.name}?", f"the {w.place.noun}")


def weather(w: World) -> None:
    """A look around, told now and then."""
    w.maybe(
        0.35,
        "[A|One] [small|little|brown|blue|lone] [bird|sparrow|robin|bee|butterfly] [sang|rested|sat|was busy] [in a tree|on a branch|near a flower|on the grass|in the sun].",
        "The [grass|ground|path|air] was [wet|soft|cool|warm|fresh] and the [sky was clear|sky was blue|sun was bright|wind was gentle|light was lovely].",
        "The [flowers|leaves|trees|clouds] [moved|danced|swayed|shook] [a little|softly|up and down|from side to side] in the [wind|breeze|warm air].",
        "[Far away|Somewhere near|In the distance|Not far off] a [dog barked|bell rang|cow mooed|duck quacked|train went by|rooster called].",
        "It [smelled of|smelled like] [flowers|fresh bread|wet leaves|apples|hay|the sea|warm soup] [there|all around|that day|everywhere].",
    )


def meet(w: World) -> None:
    """The friend comes in."""
    weather(w)
    w.say(
        "[There|Soon|On the way|After a while|Near the path|By chance] {h} met {f.intro}.",
        "[Soon|Then|A moment later|Before long|Just then] {f.intro} came [along|by|up the path|out from the trees|down the road] and [said hello|waved|smiled|stopped].",
        "{h} saw {f.intro} [there|nearby|not far away|on the path] and [waved|said hello|called out|smiled].",
        "[Standing|Sitting|Waiting|Playing] [in the sun|in the shade|by the road|on the grass|near the water|all alone] was {f.intro}.",
        "{f.intro} [was already there|was there too|was also out|had come there too] that day[| and was glad to see {h.him}| and waved at once].",
        "{h} was not alone. {f.intro} [was there as well|had come too|was sitting close by|lived nearby].",
    )
    w.maybe(
        0.4,
        "They [had known each other|had been friends|had played together] [since the spring|for a long time|for {n} years|for {n} weeks].",
        "They [liked|loved] to play {game} [together|after school|on such days|when they had time].",
        '"[Hello|Good day|Hi|Hi there|Good morning], {h.v}! [How are you|What are you doing|Where are you going|Is it not a nice day]?" {asked f}.',
        '"[How nice|How good|What luck|I am so glad] to see you, {f.v}!" {cheered h}.',
    )


def ending(w: World, *morals: str) -> None:
    """How they feel, and what is learned."""
    w.say(
        "{h} [felt|was] {happy} [and|and also] a [little|bit] [tired|hungry|sleepy|proud].",
        "{h.n} and {f.n} were {very} {happy} [that day|again|in the end|at last|together].",
        "{h} [smiled|sang|hummed|whistled|laughed|skipped] [all the way home|the whole way back|on the way home|until bedtime].",
        "{h.n} [hugged|thanked|smiled at|waved to] {f.n} and [laughed|sang a song|went home|clapped|danced a little].",
        "They were both {very} {happy}, and they [laughed|sang|danced|hugged|ate {food}] until [dark|supper|the stars came out|it was late].",
        "[That night|In the evening|At home|Later|At supper] {h} told [the story of {f.n}|the whole story|all about it|about {f.n}] to [everyone|the family|a big sister|a toy bear|{n} friends].",
        "[The two friends|The two of them|{h.n} and {f.n}] [walked|went|skipped|ran] home [hand in hand|side by side|together|with a song] [before dark|as the sun went down|for supper|past the {p}|to eat {food}].",
    )
    w.maybe(0.85, *morals)
