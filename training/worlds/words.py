"""Word lists of the story worlds: everything a story takes one of, once for the whole story."""

from random import Random

GIRLS = (
    "Alice Amy Ann Anna Bella Daisy Ella Emma Jane Janet Jenny Jill Lila Lily Lisa Lucy Luna Lulu Mary Mia Mimi Molly Nina Rosie Sally Sara "
    "Sarah Sue Susie Zoe Ruby Clara Nora Ivy Maya Leah Eva Poppy Olive Grace June Mila Edie Pia Kate Wendy Nell Dora Elsa Fiona Gina Holly Iris Julia Lena Nelly Paula Rita Tina Vera Willa Zara Helen"
).split()
BOYS = (
    "Andy Ben Benny Billy Bob Bobby Charlie Danny Finn Frank Fred Jack Jake Jim Jimmy Joe John Leo Mark Martin Max Noah Oscar Pete Peter Sam "
    "Sammy Ted Teddy Tim Timmy Toby Tom Tommy Hugo Luke Adam Eric Kai Felix Owen Henry Paul Nico Theo Ravi Omar Otto Emil Arlo Carl David Eddie George Harry Ian Ken Louie Milo Nate Ralph Simon Tony Victor Walter"
).split()
ANIMALS = (
    "fox rabbit bear mouse owl duck frog squirrel hedgehog turtle kitten puppy badger beaver goat lamb pony raccoon mole deer hen goose"
).split()
PETS = (
    "Pip Dot Momo Bobo Coco Biscuit Pepper Clover Pebble Mango Tiki Sunny Fern Bramble Acorn Pumpkin Maple Toffee Ziggy Bingo Buzz Fluffy Chirpy "
    "Flop Tweet Blackie Hoppy Muffin Nutmeg Ginger Snowy Rusty Patch Scout Juniper Gogo Zuzu Kiki Lolo Tilly Wally Dusty"
).split()
TRAITS = (
    "kind brave shy clever quiet cheerful curious gentle careful busy friendly lively thoughtful patient polite playful merry honest funny helpful dreamy bold calm jolly tidy bright sweet hungry sleepy wise eager sensible"
).split()
DAYS = "sunny windy warm cool bright cloudy fresh golden misty breezy gray mild hot clear pleasant still chilly busy happy".split()
SIZES = ["little", "small", "young"]
COLOURS = "red blue green yellow white brown golden silver pink purple orange black".split()
LOOKS = ["little", "shiny", "pretty", "new", "old", "special", "tiny", "lovely", "fine", "bright"]
THINGS = [
    "ball", "kite", "hat", "boat", "drum", "book", "key", "bell", "basket", "lantern", "scarf", "cup", "box", "flute", "whistle", "ribbon",
    "spoon", "toy train", "puppet", "doll", "teddy bear", "marble", "coin", "feather", "shell", "map", "mitten", "button", "necklace",
    "ring", "bucket", "paintbrush", "umbrella", "pencil", "toy car", "toy duck", "truck", "crown", "jar", "purse", "flag", "whale puzzle",
]  # fmt: skip
# Place and the word before it.
PLACES = {
    "park": "in", "garden": "in", "forest": "in", "meadow": "in", "beach": "on", "barn": "in", "village": "in", "hill": "on", "river": "by",
    "orchard": "in", "market": "at", "playground": "at", "pond": "by", "farm": "on", "lake": "by", "valley": "in", "field": "in", "woods": "in",
    "mill": "by", "town square": "in", "harbor": "in", "schoolyard": "in", "stream": "by", "old castle": "at",
}  # fmt: skip
NATURAL = ["bush", "rock", "oak tree", "pine tree", "log", "hedge", "apple tree", "tree stump", "pile of leaves", "willow", "heap of stones", "berry bush"]
BUILT = ["bench", "bridge", "gate", "fence", "shed", "well", "cart", "wheelbarrow", "ladder", "barrel", "wall", "haystack", "boat house", "stone steps"]
NATURAL_LOOK = ["big", "old", "mossy", "round", "gray", "tall", "wide", "crooked"]
BUILT_LOOK = ["old", "wooden", "broken", "little", "white", "dusty", "red", "long"]
BEFORE_SPOT = ["under", "behind", "beside", "next to", "near", "right behind", "close to"]
SHELTERS = [
    "{} cave", "{} shed", "{} barn", "{} hut", "{} hollow tree", "{} tent", "{} cabin", "{} stable", "{} tunnel", "{} tree house",
]  # fmt: skip
SHELTER_LOOK = ["dry", "little", "warm", "old", "small", "dark", "quiet", "cozy"]
FRUIT = ["apples", "pears", "plums", "berries", "cherries", "peaches", "strawberries", "grapes", "carrots", "nuts", "oranges"]
FRUIT_LOOK = ["sweet", "ripe", "fresh", "tasty", "fine", "lovely"]
BAKED = ["cookies", "cakes", "honey rolls", "buns", "muffins", "pancakes", "tarts", "crackers", "sandwiches", "cupcakes", "biscuits", "pies"]
BAKED_LOOK = ["warm", "fresh", "tasty", "little", "round", "yummy"]
NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"]
FLOWERS = "roses tulips daisies sunflowers poppies bluebells lilies violets daffodils buttercups cornflowers snowdrops pansies marigolds".split()
BABIES = ["bird", "kitten", "duck", "rabbit", "owl", "squirrel", "mouse", "hedgehog", "lamb", "puppy", "goat", "fox"]
TOOLS = ["rope", "branch", "ladder", "stick", "vine", "plank", "pole", "blanket", "scarf", "belt"]
TOOL_LOOK = ["long", "strong", "thick", "old", "sturdy", "good"]
RELATIVES = ["grandma", "grandpa", "uncle", "aunt", "mother", "father", "big sister", "big brother"]
SONGS = ["the moon", "the stars", "the sea", "a sleepy bear", "a tiny boat", "a far land", "three white sheep", "the rain", "a brave knight", "a lost star"]
GAMES = ["tag", "hide and seek", "catch", "hopscotch", "leapfrog", "pirates", "kings and queens", "follow the leader", "explorers", "store"]
RACES = ["running race", "sack race", "boat race", "jumping contest", "singing contest", "kite contest", "baking contest", "drawing contest"]


def spot(rng: Random) -> str:
    """A hiding place such as "behind the old gate"."""
    noun, look = (rng.choice(NATURAL), rng.choice(NATURAL_LOOK)) if rng.random() < 0.5 else (rng.choice(BUILT), rng.choice(BUILT_LOOK))
    return f"{rng.choice(BEFORE_SPOT)} the {look} {noun}"


def food(rng: Random) -> tuple[str, str]:
    """(plural noun, adjective)."""
    return (rng.choice(FRUIT), rng.choice(FRUIT_LOOK)) if rng.random() < 0.5 else (rng.choice(BAKED), rng.choice(BAKED_LOOK))
