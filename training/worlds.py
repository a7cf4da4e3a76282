"""Story worlds: short stories from a simulated state, in simple language, with questions whose answers are known.

A story is a plot skeleton (a list of beats) told with randomly chosen people, traits, things and places; every beat has
several surface forms. The text is low in entropy and keeps its names, which is what a small model has to learn.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PEOPLE = {
    "girl": ["Lily", "Mia", "Anna", "Lucy", "Sue", "Emma", "Ella", "Zoe", "Nina", "Rosie"],
    "boy": ["Tom", "Ben", "Sam", "Max", "Tim", "Jack", "Leo", "Finn", "Oscar", "Noah"],
}
ANIMALS = ["fox", "rabbit", "bear", "mouse", "owl", "duck", "frog", "squirrel", "hedgehog", "turtle", "kitten", "puppy"]
TRAITS = ["kind", "brave", "shy", "clever", "quiet", "cheerful", "curious", "gentle", "careful", "busy"]
COLOURS = ["red", "blue", "green", "yellow", "white", "brown", "golden", "silver", "pink", "purple"]
THINGS = ["ball", "kite", "hat", "boat", "drum", "book", "key", "bell", "basket", "lantern", "scarf", "cup", "box", "flute"]
PLACES = ["park", "garden", "forest", "meadow", "beach", "barn", "village", "hill", "river", "orchard", "market", "playground"]
SPOTS = ["under a bush", "behind a big rock", "next to the old tree", "in the tall grass", "near the little bridge",
         "inside a hollow log", "on the wooden bench", "beside the well", "under a pile of leaves", "behind the gate"]  # fmt: skip
FOODS = ["apples", "berries", "cookies", "pears", "nuts", "carrots", "cakes", "plums", "honey rolls", "sandwiches"]
WEATHER = ["sunny", "windy", "warm", "cool", "bright", "cloudy", "quiet", "fresh"]
FEELINGS = ["happy", "glad", "proud", "full of joy", "very pleased"]
SOUNDS = ["a soft cry", "a small voice", "a rustle", "a little squeak", "a strange sound", "a quiet song"]


@dataclass
class Person:
    name: str
    kind: str
    they: str
    them: str
    their: str


@dataclass
class Story:
    text: str
    questions: list[tuple[str, str]]
    request: str


@dataclass
class World:
    """The state of one story while it is told."""

    rng: random.Random
    hero: Person
    friend: Person
    thing: str
    colour: str
    place: str
    spot: str
    food: str
    lines: list[str] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)

    def say(self, *forms: str) -> None:
        """Adds one of the surface forms; {h}, {f}, {t}, {p} ... are filled from the state."""
        h, f = self.hero, self.friend
        text = self.rng.choice(forms).format(
            h=h.name, hk=h.kind, hthey=h.they, hthem=h.them, htheir=h.their, Hthey=h.they.capitalize(), Htheir=h.their.capitalize(),
            f=f.name, fk=f.kind, fthey=f.they, fthem=f.them, ftheir=f.their, Fthey=f.they.capitalize(),
            t=self.thing, c=self.colour, p=self.place, s=self.spot, food=self.food,
            w=self.rng.choice(WEATHER), feel=self.rng.choice(FEELINGS), sound=self.rng.choice(SOUNDS), trait=self.rng.choice(TRAITS),
        )  # fmt: skip
        self.lines.append(text[0].upper() + text[1:])

    def ask(self, question: str, answer: str) -> None:
        self.questions.append((question, answer))


def person(rng: random.Random, taken: set[str]) -> Person:
    if rng.random() < 0.6:
        kind = rng.choice(["girl", "boy"])
        name = rng.choice([n for n in PEOPLE[kind] if n not in taken])
        return Person(name, f"little {kind}", *(("she", "her", "her") if kind == "girl" else ("he", "him", "his")))
    animal = rng.choice([a for a in ANIMALS if a not in taken])
    she = rng.random() < 0.5
    return Person(f"the {animal}", animal, *(("she", "her", "her") if she else ("he", "him", "his")))


def opening(w: World) -> None:
    if w.hero.name.startswith("the "):
        w.say("Once upon a time there was a {trait} {hk} who lived near the {p}.", "Once there was a {trait} little {hk}.",
              "A {trait} {hk} lived in a small house by the {p}.", "In a quiet {p} there lived a {trait} {hk}.")  # fmt: skip
    else:
        w.say("Once upon a time there was a {trait} {hk} named {h}.", "{h} was a {trait} {hk} who lived near the {p}.",
              "There once was a {hk} called {h}. {Hthey} was very {trait}.", "In a small town lived a {trait} {hk} named {h}.")  # fmt: skip
    w.say("One {w} day, {h} went to the {p}.", "It was a {w} morning, and {h} walked to the {p}.",
          "On a {w} afternoon {h} wanted to play in the {p}.", "One {w} morning {h} woke up early and ran to the {p}.")  # fmt: skip


def meet(w: World) -> None:
    w.say("There {hthey} met {f}.", "{f} was already there.", "Soon {f} came along and said hello.",
          "{Hthey} saw {f} and waved.", "On the way {hthey} met {f}, {htheir} best friend.")  # fmt: skip


def ending(w: World, *morals: str) -> None:
    w.say("{h} was {feel}.", "{h} and {f} were {feel}.", "{h} smiled all the way home.", "{h} hugged {f} and laughed.", "They were both {feel}.")
    w.say(*morals)


def lost(w: World) -> None:
    w.say("{h} had a {c} {t} that {hthey} loved very much.", "{h} took {htheir} {c} {t} along.", "{Htheir} favorite toy was a {c} {t}.")
    w.say("But then the {t} was gone!", "When {hthey} looked down, the {t} was not there.", "Suddenly {hthey} could not find the {t} anywhere.")
    w.say('"Oh no! Where is my {t}?" cried {h}.', '"I lost my {t}," {h} said in a sad voice.', "{h} began to cry.")
    meet(w)
    w.say('"Do not worry. I will help you look," said {f}.', '"Let us look together," {f} said.', "{f} wanted to help.")
    w.say("They looked here and there, and they looked behind the trees.", "They searched the whole {p}.", "First they looked near the path. The {t} was not there.")
    w.say("At last {f} found the {c} {t} {s}.", "Then {f} saw something {c} {s}. It was the {t}!", '"Look!" called {f}. The {t} was {s}.')
    w.ask(f"Who found the {w.thing}?", w.friend.name)
    w.ask(f"Where was the {w.thing}?", w.spot)
    w.say('"Thank you, {f}!" said {h}.', '"You are a good friend," {h} said.')
    ending(w, "From that day on, {h} always took good care of the {t}.", "A friend who helps is the best thing of all.", "{h} knew that looking together is better than looking alone.")


def sharing(w: World) -> None:
    w.say("{h} had a basket full of {food}.", "{h} had brought some {food} to eat.", "{Htheir} mom had given {hthem} a bag of {food}.")
    meet(w)
    w.say("{f} looked very hungry.", "{f} had nothing to eat.", '"I am so hungry," said {f}.')
    w.say("At first {h} did not want to share.", "{h} held the {food} tight. {Hthey} wanted them all.", "{h} thought for a moment.")
    w.say("Then {h} saw that {f} was sad.", "But {f} looked so sad that {h} felt bad.", "{h} knew that sharing is kind.")
    w.say('"Here, you can have some of my {food}," said {h}.', "{h} gave half of the {food} to {f}.", '"Let us share the {food}," {h} said with a smile.')
    w.ask("What did they share?", w.food)
    w.ask(f"Who shared the {w.food}?", w.hero.name)
    w.say("They sat {s} and ate together.", "They ate all of the {food} and talked.", "The {food} tasted even better together.")
    ending(w, "{h} learned that sharing makes everyone happy.", "Sharing with a friend is more fun than eating alone.", "After that day they always shared.")


def storm(w: World) -> None:
    meet(w)
    w.say("They played with a {c} {t} all day.", "They flew a {c} kite and laughed.", "They ran up and down the {p}.")
    w.say("Then dark clouds came, and the wind began to blow.", "Suddenly the sky turned dark.", "All at once it began to rain very hard.")
    w.say("There was a loud boom of thunder.", "A bright flash lit up the sky.", "The rain fell harder and harder.")
    w.say("{f} was scared and began to shake.", '"I am scared," said {f}.', "{f} did not like the storm at all.")
    w.say('"Hold my hand," said {h}. "We will be safe {s}."', "{h} took {f} to a dry place {s}.", '"Come with me," said {h}, and they hid {s}.')
    w.ask("Who was scared?", w.friend.name)
    w.ask("Where did they hide?", w.spot)
    w.say("They sang a song until the rain stopped.", "{h} told a funny story, and {f} stopped shaking.", "They waited and counted to one hundred.")
    w.say("Soon the sun came out again, and there was a rainbow.", "After a while the clouds went away.", "Then the storm was over and the birds began to sing.")
    ending(w, "When friends are together, a storm is not so scary.", '"You are very brave," said {f}.', "{f} was never so scared of storms again.")


def new_friend(w: World) -> None:
    w.say("{h} had no one to play with.", "{h} felt lonely that day.", "All the others were away, and {h} was alone.")
    w.say("Then {hthey} heard {sound} {s}.", "{Hthey} sat down {s} and sighed.", "{Hthey} saw someone new {s}.")
    w.say("It was {f}, who was new in the {p}.", "There sat {f}, all alone.", "{f} looked up and smiled.")
    w.say('"Hello, my name is {h}. Do you want to play?"' if not w.hero.name.startswith("the ") else '"Hello! Do you want to play with me?" asked {h}.', '"Hello," said {h}. "What are you doing here?"', '"Hi! I have a {c} {t}. Do you want to play?" asked {h}.')
    w.say('"Yes, please!" said {f}.', "{f} nodded and stood up.", '"I would love to," {f} said.')
    w.say("They played with the {c} {t} until the sun went down.", "They ran and jumped and laughed all afternoon.", "They played hide and seek near the {p}.")
    w.ask(f"Who was new in the {w.place}?", w.friend.name)
    w.ask("Where did they first meet?", w.spot)
    w.say('"Will you come back tomorrow?" asked {f}. "Of course!" said {h}.', "They promised to meet again the next day.", '"Now I have a friend," said {f}.')
    ending(w, "A kind word is enough to make a new friend.", "{h} was not lonely any more.", "From then on they played together every day.")


def brave(w: World) -> None:
    w.say("{h} was afraid of the dark.", "{h} was always a little afraid.", "{h} did not think {hthey} was brave.")
    meet(w)
    w.say("Then they heard {sound} {s}.", "Just then there was {sound} {s}.", "All of a sudden they heard {sound}. It came from {s}.")
    w.say('"What is that?" whispered {f}.', "{f} hid behind {h}.", '"I do not want to go there," said {f}.')
    w.say("{h} took a deep breath and went to look.", "{h} was scared too, but {hthey} walked closer.", '"I will look," said {h}, and {hthey} took one small step and then another.')
    w.say("It was only a tiny bird that could not fly.", "It was only a kitten stuck in a bush.", "It was only a lost baby duck.")
    w.ask("Who went to look?", w.hero.name)
    w.ask("Who hid?", w.friend.name) if "hid behind" in w.lines[-3] else None
    w.say("{h} picked it up with care.", "{h} helped it, and it was not hurt.", "{h} gave it some water and took it home to its mother.")
    w.say('"You are so brave!" said {f}.', '"I could never do that," {f} said. "You are brave."', "{f} clapped and cheered.")
    ending(w, "{h} learned that being brave means trying even when you are scared.", "Now {h} knew that {hthey} was brave after all.", "That night {h} was not afraid of the dark.")


def helping(w: World) -> None:
    meet(w)
    w.say("{f} was trying to carry a big box of {food}.", "{f} had to pick all the {food} before night.", "{f} was cleaning up, and it was a lot of work.")
    w.say('"This is too much for me," said {f}.', "{f} was very tired.", "{f} sat down and sighed.")
    w.say('"Can I help you?" asked {h}.', '"I will help," said {h}.', "{h} wanted to play, but {hthey} saw that {f} needed help.")
    w.say("They worked together all morning.", "{h} took one side and {f} took the other.", "Together they put everything {s}.")
    w.ask("Who needed help?", w.friend.name)
    w.ask("Who helped?", w.hero.name)
    w.say("Soon all the work was done.", "It did not take long with two.", "Before the sun went down they were done.")
    w.say('"Thank you! Take this {c} {t}," said {f}.', "{f} gave {h} a {c} {t} to say thank you.", '"You made my day," said {f}, and gave {hthem} some {food}.')
    ending(w, "Many hands make the work small.", "{h} learned that helping feels good.", "Since that day they help each other all the time.")


def trick(w: World) -> None:
    meet(w)
    w.say("{h} wanted to play a trick.", "{h} had a silly idea.", "{h} thought it would be funny to tease {f}.")
    w.say("{Hthey} took the {c} {t} of {f} and hid it {s}.", "When {f} looked away, {h} hid the {c} {t} {s}.", "{h} put the {c} {t} of {f} {s} and said nothing.")
    w.ask(f"Who hid the {w.thing}?", w.hero.name)
    w.ask(f"Where was the {w.thing} hidden?", w.spot)
    w.say("{f} looked for the {t} and could not find it.", '"Where is my {t}?" asked {f}.', "{f} looked everywhere and began to cry.")
    w.say("Now {h} did not think it was funny any more.", "{h} felt bad inside.", "When {h} saw the tears, {hthey} was sorry.")
    w.say('"I am sorry. I hid it {s}," said {h}.', "{h} ran and brought the {t} back.", '"It was me," said {h}. "Here is your {t}. I am so sorry."')
    w.say('"Please do not do that again," said {f}.', '"I forgive you," said {f}.', "{f} dried {ftheir} eyes and smiled.")
    ending(w, "{h} learned that a trick is only fun when everyone laughs.", "After that {h} was always honest with {f}.", "Saying sorry made everything better.")


def birthday(w: World) -> None:
    w.say("Tomorrow was the birthday of {f}.", "It was a special day. It was the birthday of {f}.", "{h} knew that {f} had a birthday soon.")
    w.say("{h} wanted to give {fthem} something nice.", "But {h} had no gift yet.", "{h} thought about a gift all day.")
    w.say("{Hthey} found a {c} {t} at the market.", "So {hthey} made a {c} {t} with {htheir} own hands.", "{Hthey} worked for hours and painted a {t} {c}.")
    w.ask(f"Whose birthday was it?", w.friend.name)
    w.ask("What was the gift?", f"a {w.colour} {w.thing}")
    w.say("{h} hid the gift {s}.", "{Hthey} put it in a box with a ribbon.", "{Hthey} also baked some {food}.")
    w.say('"Happy birthday!" called {h}.', "When {f} came, {h} jumped up and sang a song.", '"Close your eyes," said {h}.')
    w.say("{f} opened the box and saw the {c} {t}.", '"A {c} {t}! Thank you!" said {f}.', "{f} could not believe it. It was a {c} {t}!")
    w.say("They ate {food} and danced.", "They played games until it was late.", "Then there were {food} for everyone.")
    ending(w, "It was the best birthday ever.", "The best gift is one that comes from the heart.", "{f} kept the {t} for a long, long time.")


def contest(w: World) -> None:
    meet(w)
    w.say("There was a big race that day.", '"Let us race to the end of the {p}," said {f}.', "Everyone in the {p} was talking about the race.")
    w.say("{f} was very fast.", "{f} had never lost a race.", '"I will win," said {f}. "I am the fastest of all."')
    w.say("{h} was slow, but {hthey} did not give up.", "{h} practiced every day.", '"I will just do my best," said {h}.')
    w.say("One, two, three, and they ran!", "The bell rang and the race began.", "They both ran as fast as they could.")
    if w.rng.random() < 0.5:
        w.say("{f} stopped {s} to rest, and {h} ran past {fthem}.", "{f} looked back and tripped. {h} kept running.", "Near the end {f} was too tired, but {h} went on.")
        winner = w.hero
        w.say("{h} won the race!", "And the winner was {h}!", "{h} was the first at the end.")
    else:
        w.say("{h} ran well, but {f} was still faster.", "{h} was close behind, but {f} did not slow down.", "{h} tripped {s} and got up again.")
        winner = w.friend
        w.say("{f} won the race!", "And the winner was {f}!", "{f} was the first at the end.")
    w.ask("Who won the race?", winner.name)
    w.say("The prize was a {c} {t}.", "They got a {c} {t} as a prize.")
    w.ask("What was the prize?", f"a {w.colour} {w.thing}")
    w.say('"That was a good race," said {f}.', "They shook hands and laughed.", '"You ran so well," said {h}.')
    ending(w, "{h} learned that trying hard matters more than winning.", "They shared the prize, because they were friends.", "Next year they would race again.")


def garden(w: World) -> None:
    w.say("{h} had some tiny seeds.", "{h} found a bag of seeds {s}.", "Someone had given {h} a few seeds.")
    w.say("{Hthey} made a hole and put the seeds in the ground.", "{Hthey} planted them {s}.", "{Hthey} dug in the dirt and planted every seed.")
    w.say("Every day {hthey} gave them water.", "{Hthey} watered them and waited.", "{h} came back each morning with a can of water.")
    w.say("But nothing happened.", "Day after day there was only dirt.", "{h} was sad, because no plant came up.")
    meet(w)
    w.say('"You must wait a little longer," said {f}.', '"Plants need time and sun," {f} said.', '"Do not give up," said {f}.')
    w.ask("Who planted the seeds?", w.hero.name)
    w.say("Then one morning there was a small green leaf.", "At last a tiny plant came out of the ground.", "After many days a {c} flower opened.")
    w.say("Soon the whole place was full of {c} flowers.", "The plants grew and grew.", "In the summer there were so many {food}.")
    ending(w, "{h} learned that good things take time.", "{h} and {f} sat among the flowers and smiled.", "They picked some and gave them to everyone in the {p}.")


def rescue(w: World) -> None:
    w.say("Suddenly {hthey} heard someone call for help.", "Then {hthey} heard {sound}.", "All at once {hthey} heard a cry.")
    w.say("{f} was stuck {s}.", "It was {f}. {Fthey} had fallen and could not get up.", "There was {f}, stuck in the mud {s}.")
    w.ask("Who was stuck?", w.friend.name) if "stuck" in w.lines[-1] else None
    w.say('"Please help me!" called {f}.', '"I cannot get out," said {f}.', "{f} was crying.")
    w.say('"I am coming!" said {h}.', "{h} looked around for something to use.", '"Stay calm. I have an idea," said {h}.')
    w.say("{Hthey} found a long rope and threw it to {f}.", "{Hthey} held out a strong branch.", "{Hthey} used {htheir} {c} scarf as a rope.")
    w.say("{h} pulled and pulled.", "{h} pulled with all {htheir} might.", "One, two, three, and {h} pulled hard.")
    w.say("At last {f} was free!", "With a pop, {f} came out.", "Then {f} was safe.")
    w.ask(f"Who saved {w.friend.name}?", w.hero.name)
    w.say('"You saved me!" said {f}.', '"Thank you, thank you," said {f}.', "{f} gave {h} a big hug and some {food}.")
    ending(w, "From that day on they were best friends.", "{h} learned that staying calm helps.", "Everyone in the {p} heard about the brave rescue.")


def bedtime(w: World) -> None:
    w.lines[-1:] = []
    w.say("It was late, and the moon was bright over the {p}.", "The sun was down and it was time for bed.", "Night came to the {p}.")
    w.say("But {h} could not sleep.", "{h} was in bed, but {hthey} was not tired.", "{h} turned left and {h} turned right.")
    w.say("{Hthey} missed {htheir} {c} {t}.", "{Hthey} heard {sound} outside.", "{Hthey} thought about the long day.")
    w.say("{f} came in and sat down next to {hthem}.", '"Why are you awake?" asked {f}.', "Then {f} heard {hthem} and came to see.")
    w.say('"I cannot sleep," said {h}.', '"Will you tell me a story?" asked {h}.', '"I want my {t}," said {h}.')
    w.say("{f} sang a soft song about the stars.", "{f} told a story about a {c} {t} that could fly.", "{f} read a book about the {p}.")
    w.ask("Who could not sleep?", w.hero.name)
    w.say("{h} listened, and {htheir} eyes became heavy.", "Slowly {h} closed {htheir} eyes.", "{h} yawned once, and then again.")
    w.say('"Good night, {h}," said {f}.' if not w.hero.name.startswith("the ") else '"Good night," said {f}.', "{f} turned off the light.", "{f} gave {hthem} a kiss.")
    w.say("{h} slept and dreamed of the {p}.", "Soon {h} was fast asleep.", "And {h} had the sweetest dream about a {c} {t}.")


PLOTS: dict[str, Callable[[World], None]] = {
    "lost": lost, "sharing": sharing, "storm": storm, "new_friend": new_friend, "brave": brave, "helping": helping,
    "trick": trick, "birthday": birthday, "contest": contest, "garden": garden, "rescue": rescue, "bedtime": bedtime,
}  # fmt: skip


def story(rng: random.Random) -> Story:
    """One story with its reading questions; the answers come from the state, not from the text."""
    hero = person(rng, set())
    friend = person(rng, {hero.name, hero.kind})
    world = World(
        rng, hero, friend, rng.choice(THINGS), rng.choice(COLOURS), rng.choice(PLACES), rng.choice(SPOTS), rng.choice(FOODS)
    )
    plot = rng.choice(list(PLOTS))
    opening(world)
    PLOTS[plot](world)
    cut = rng.randint(2, 4)
    paragraphs = [" ".join(world.lines[:cut]), " ".join(world.lines[cut : cut + 4]), " ".join(world.lines[cut + 4 :])]
    text = ("\n" if rng.random() < 0.5 else " ").join(p for p in paragraphs if p)
    asked = [rng.choice(world.questions)] if world.questions and rng.random() < 0.5 else []
    about = hero.name if not hero.name.startswith("the ") else f"a {hero.kind}"
    return Story(text, asked, f"Write a story about {about} in the {world.place}.")


def stories(count: int, rng: random.Random) -> Iterator[Story]:
    """`count` different stories."""
    seen: set[str] = set()
    while len(seen) < count:
        made = story(rng)
        if made.text not in seen:
            seen.add(made.text)
            yield made
