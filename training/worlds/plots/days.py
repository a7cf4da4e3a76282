"""Plots around a special day: birthday, contest, garden, bedtime."""

from ..world import World, ending, meet, weather


def birthday(w: World) -> None:
    """A gift for the friend."""
    w.say(
        "[The next day was|Soon it would be|In {n} days it would be] the birthday of {f.n}[, a good friend|, who lived close by|, and {h} could not wait|].",
        "It was a [special|great|happy|big] day. It was the birthday of {f.n}[, the best friend of {h.n}|, and there were balloons|, a dear friend|].",
        "{h} [knew|had heard|remembered] that {f.n}, [a good friend|the best of friends|an old friend], had a birthday [soon|that week|in {n} days].",
    )
    w.ask("Whose birthday was it?", w.friend.name)
    w.say(
        "{h} wanted to [give|make|find] something [nice|special|lovely|fine] for {f.n}[|, but had only {k} coins|, not just {food}].",
        "But {h} had no [gift|present|surprise] [yet|at all] and [thought hard|looked around|had only {k} coins|did not know what to do].",
        "{h} thought about a [gift|present|surprise] [all day|for {n} days|all night|the whole way].",
    )
    made = w.rng.random() < 0.5
    if made:
        w.say(
            "So {h} made a {pct} [by hand|out of wood|from old things|out of paper and glue] [in {n} hours|in secret|with great care].",
            "{h} worked for {n} [hours|days] and made a {pct} [out of wood|by hand|with glue and paper|all alone].",
        )
    else:
        w.say(
            "{h} [found|saw|bought] a {pct} at [the market|a small shop|the toy store] [for {k} coins|and paid with {k} coins|, and it cost {k} coins|behind {n} old books, for {k} coins].",
            "At [the market|a small shop|the toy store] {h} [found|saw|picked out] a {pct} [that was just right|behind {n} old books|under a {c} cloth] and [bought it|took it home] for {k} coins.",
        )
    if not made:
        w.ask("How many coins did the gift cost?", w.number)
    w.ask("What was the gift?", f"a {w.colour} {w.thing}")
    w.say(
        "{h} [hid|put|kept] the gift {s}[| until the party| where nobody would look| and told no one| for one night].",
        "{h} put it in a [{c} box|big box|paper bag|basket] with [a ribbon|{n} ribbons|a bow|a flower] [on it|on top|and a card].",
        "{h} also [brought|got|found] {ffood}, {n} [of them|in all|on a plate], [and a card|for the party|with sugar on top].",
    )
    w.say(
        '"[Happy birthday|All the best|Surprise|Happy, happy birthday], {f.v}!" {cheered h}.',
        "When {f.n} [came|opened the door|woke up|came home], {h.n} [jumped up|jumped out|was there] and [sang a song|cheered|called a loud hello|sang about {song}].",
        '"[Close your eyes|Do not look yet|Guess what I have|Come and see], {f.v}," {said h}.',
    )
    w.say(
        "{f.n} [opened|unwrapped|shook] the [box|gift|present] [with care|fast|slowly] and [saw|found|took out] the {ct}.",
        '"A {ct}! [Thank you|I love it|It is wonderful|I wanted one so much], {h.v}!" {cheered f}.',
        "{f.n} [could not believe it|was speechless|jumped for joy|laughed out loud]. It was [really|indeed|such] a [lovely|fine|nice] {t}!",
    )
    w.say(
        "They ate {ffood} and [danced|sang|played {game}|told stories] [until it was late|all evening|with {n} guests|under the stars].",
        "They played {game} with {n} guests until [it was late|the stars came out|they fell asleep].",
        "Then there [was a plate of|was a mountain of] {ffood} for [everyone|all {n} guests|young and old].",
    )
    ending(
        w,
        "It was the [best|nicest|happiest] birthday [ever|of all|in years|so far].",
        "The best gift [is one that] comes from [the heart|a friend].",
        "{f.n} kept the {t} [for a long, long time|for many years|{s}|next to the bed].",
    )


def contest(w: World) -> None:
    """A contest which either of them may win."""
    meet(w)
    w.say(
        "There was a [big|great|small|yearly] {race} [that day|that afternoon|{in_p}|for all].",
        '"[Let us|Shall we|We could] [enter|join|be in] the {race}[| today| together], {h.v}," {said f}.',
        "[Everyone|Everybody|All the children] [{in_p}|in town|there] [was talking about|waited for|was ready for] the {race}.",
    )
    w.ask("What kind of contest was it?", f"a {w.slots['race']}")
    w.say(
        "{f} was [very|really|known to be] good [at it|at this], and had [never lost|won {n} times|often won] [in the {p}|before|against {n} others].",
        '"I will win, {h.v}. [I am the best of all|I always win|I have won {n} times|Nobody can beat me]," {said f}.',
        "{f} had [trained|practiced] for {n} [days|weeks|months] and [felt sure|was ready|could not wait|hoped to win].",
    )
    w.say(
        "{h} was [not so good|new to it|nervous|smaller], but {h} [did not give up|wanted to try|took heart|had a plan].",
        "{h} had [practiced|trained] [each morning|{n} times|a little|in secret] and [hoped for the best|was nervous|felt {n} butterflies inside].",
        '"I will [just|only|simply] [do my best|try|have fun], {f.v}," {said h}.',
    )
    w.say(
        "[One, two, three, and|The bell rang, and|A {c} flag went down, and|Someone called out, and] [they began|it began|off they went|the {race} began]!",
        "[The bell rang|A drum sounded|A {c} flag went up] [{n} times|once|loudly], and [both did their best|nobody spoke|the people cheered|they began].",
    )
    if w.rng.random() < 0.5:
        winner = w.hero
        w.say(
            "[But|Then|Near the end|Halfway] {f.n} [made a mistake|got too tired|looked back|stopped to wave], and {h.n} [went on|kept going|did not stop|caught up].",
            "{h.n} [went on|kept going] [slowly|calmly|with a beating heart], while {f.n} [took a rest|ate {n} {food}|was too sure|lost time].",
        )
    else:
        winner = w.friend
        w.say(
            "{h.n} [did well|tried hard|was close|fought to the end], but {f.n} was [still|even|a little] better.",
            "[Then|Near the end|Halfway] {h.n} [slipped|stumbled|made a mistake] but [went on|got up|laughed] and [finished|did not give up|tried again].",
        )
    name = "h" if winner is w.hero else "f"
    w.say(
        f"And the winner was {{{name}.n}}[| in the end| this time| by a hair]!",
        f"{{{name}.n}} [won|came first in] the {{race}}[| in the end| by a hair| that day], and [everyone|everybody|the crowd] [clapped|cheered|called out].",
        f'"The winner is {{{name}.n}}!" [called|cried] [the judge|an old man|the teacher|the baker|a tall woman].',
    )
    w.ask(f"Who won the {w.slots['race']}?", winner.name)
    w.say(
        "The [prize|first prize|reward] was a {pct} [and {n} {food}|on a cushion|in a box|with a ribbon].",
        f"{{{name}.n}} got a {{pct}} as a prize[| and held it up high| and {{n}} {{food}} too| and blushed].",
    )
    w.ask("What was the prize?", f"a {w.colour} {w.thing}")
    other = "f" if name == "h" else "h"
    w.say(
        f'"[You did so well|That was great|Well done|What a day], {{{name}.v}}," {{said {other}}}.',
        "They [shook hands|hugged|laughed] and [shared {n} {food}|talked about it|went for a swim|drank cold milk].",
        f"{{{other}.n}} [was a little sad at first|was not angry|took it well] and [clapped|sang|cheered {{n}} times] for {{{name}.n}}.",
    )
    ending(
        w,
        "{h} [learned|saw|knew] that [trying hard|doing your best|having fun] [matters more|is better|counts more] than [winning|the prize|any {t}].",
        "They shared the [prize|{t}], because [they were friends|both had done well|it was more fun].",
        "Next [year|month|summer] they would [try|enter|come] again[| as a team| with {n} friends|].",
    )


def garden(w: World) -> None:
    """Seeds need time."""
    w.say(
        "{h} [had|found|bought|was given] {k} [tiny|small|round|dark] seeds [for {flowers}|of {flowers}].",
        "[A neighbor|An uncle|An aunt|An old farmer|The baker] had [given|sent|left] {h.n} a [small|paper|{c}] bag with {k} seeds for {flowers}.",
        "In a [{c} box|drawer|old pot|coat pocket] {h} found {k} seeds [of|for] {flowers}.",
    )
    w.ask("What were the seeds for?", w.slots["flowers"])
    w.ask("How many seeds were there?", w.number)
    w.say(
        "{h.n} [made|dug] {k} [small|deep|neat] holes {s} and [put in the seeds|planted them|covered them with dirt].",
        "{h.n} planted the seeds {s}[| in a neat row| with great care| and sang about {song}].",
        "With a [small|{c}|rusty] [shovel|spoon|stick] {h.n} [dug in|turned|broke up] the dirt {s} and planted [every seed|the seeds|them all].",
    )
    w.ask("Who planted the seeds?", w.hero.name)
    w.ask("Where were the seeds planted?", w.spot)
    w.say(
        "[Every day|Each morning|Each evening|Twice a day] {h} [gave them water|watered them|brought a can of water|came with a {c} can] and [waited|hoped|looked closely|sang to them].",
        "{h} watered [them|the seeds|the ground {s}] [for {n} days|day after day|every morning] and [waited|hoped|pulled out {n} weeds|kept the birds away|told them about {song}].",
    )
    w.say(
        "But [nothing|not one of the {flowers}|not a single leaf] [came up|grew|was to be seen] [for a long time|for {n} days|, no matter what|that week], [and {h} was sad|and {h.n} worried|which was hard for {h.n}].",
        "[Day after day|After {n} days|Still] there was only [dirt|brown dirt|a weed|a snail], and {h} [was sad|lost heart|wanted to give up|almost cried|dreamed of {flowers}].",
        '"[Why does nothing grow|What did I do wrong|Are the seeds bad|Will they ever grow]?" {asked h}.',
    )
    meet(w)
    w.say(
        '"You must wait [a little|a bit|some days|{n} days] longer, {h.v}. [Seeds are slow|They are only asleep|Good things take time]," {said f}.',
        '"[Plants|Seeds|{flowers}] need [time and sun|time, sun and water|rain and love|a little time], {h.v}," {said f}.',
        '"Do not give up, {h.v}. [I had to wait too|Look again tomorrow|I will water them with you]," {said f}.',
    )
    w.say(
        "[Then|And then] one {day} morning there was [a small green leaf|a tiny leaf|something green|{n} green leaves] [in the dirt|{s}|where nothing had been|at the feet of {h.n}].",
        "[At last|After {n} more days|One night after the rain|And so it was:] [a tiny plant|a green tip|the first leaf|one of the {n} seeds] came [out of the ground|up {s}|into the light|up at last].",
        "{f.n} was right. After {n} [more|long|warm] days {h.n} saw [a tiny plant|a green tip|the first leaf|{n} thin leaves] {s}.",
    )
    w.say(
        "Soon the [whole place|ground {s}|garden of {h.n}|corner {s}] was full of [fine {flowers}|{flowers} and bees|{flowers}, and {n} of them were huge].",
        "[They|The {flowers}] grew and grew, and [by summer|in {n} weeks|soon|before {h.n} knew it] there were [so many|{n} rows of|{n} baskets of] {flowers}.",
        "[By summer|In {n} weeks|When it got warm], {flowers} [stood|grew] [everywhere|as high as {h.n}|in long rows|along the wall].",
    )
    ending(
        w,
        "{h} learned that good things [take time|come slowly|need {n} weeks or more|need care].",
        "{h.n} and {f.n} [sat|rested|played] [among|near|next to] the {flowers} and [smiled|ate {food}|counted bees|talked].",
        "They [picked some|took {n} of them|filled a {c} basket] and gave them to [everyone {in}|old people|the sick|a kind neighbor].",
    )


def bedtime(w: World) -> None:
    """The hero cannot sleep; the friend tells a story."""
    w.say(
        "It was [late|night|long past supper|dark outside], and [the moon|a round moon|a thin moon|a golden moon] [was bright|stood high|hung low|was up] over the {place}.",
        "The sun was [down|gone|long gone], [the {p} lay in the dark|{n} stars were out|the owls were up], and it was time for [{h.n} to sleep|little ones to rest|all good children to sleep|bed, even for {h.n}].",
        "[Supper was over|The {food} were all eaten|All {n} lamps were out|The day was done], and {h.n} [went to bed|put on a {c} nightshirt|lay under a {c} blanket|said good night].",
        "Night [came|fell] over the {place}, and [the birds were quiet|{n} stars came out|the lamps went out|all was still].",
    )
    w.say(
        "But {h.n} could not [sleep|close both eyes|rest|dream] [at all|that night|no matter what|for {n} hours|after all those {food}].",
        "{h.n} was in bed, but [not tired at all|wide awake|the bed felt hard|sleep would not come].",
        "{h.n} turned [left and right|over {n} times|from side to side] and could not [sleep|lie still|find rest].",
    )
    w.ask("Who could not sleep?", w.hero.name)
    w.say(
        "{h} missed a {pct} that was [still outside|lost|at the school|left {s}|with {n} friends|in the {p}].",
        "{h} heard [the wind|a branch|an owl|a clock|a cricket] [outside|at the window|in the night] and [pulled up a {c} blanket|sat up|held a {pct}|thought of {n} ghosts].",
        "{h} thought [about the long {day} day|of {n} things at once|about a {pct}|about {game} and {food}].",
        "{h} counted {n} [sheep|stars|ducks|clouds], but [it did not help|it was no use|the last one ran away|still lay awake].",
    )
    w.say(
        "{f.n} [came in|looked in|opened the door] [softly|on tiptoe|with a {c} lamp|wearing {c} slippers] and sat down [on the bed|next to {h.n}|close to {h.n}|on a {c} chair].",
        "Then {f.n}, who [slept|lived|was] [next door|in the same room|in the house], [heard {h.n}|woke up|saw the light] and came [to see|to help|to look|in with a {c} candle].",
        '"Why are you [still awake|up so late|not asleep], {h.v}?" {asked f}.',
    )
    w.say(
        '"I cannot sleep[, {f.v}| because of the dark|, not even after {n} songs| without my {ct}]," {wept h}.',
        '"Will you [tell me a story|sing for me|read to me|stay here] [until I sleep|for a bit|tonight|once more], {f.v}?" {asked h}.',
        '"I want [my {ct}|a story|some water|a song about {song}], {f.v}," {said h}.',
    )
    verb, told = w.rng.choice([("sing a song", "sang a song"), ("tell a story", "told a story"), ("read a book", "read a book")])
    w.say(
        f"{{f.n}} [smiled and|sat down and|nodded and|then] {told} about {{song}}[| in a low voice| and held a {{pct}}| and stroked the blanket].",
        f"So {{f.n}} [gladly|softly|kindly] {told} about {{song}}[| and a {{ct}}| and {{n}} tiny mice| until the lamp burned low].",
    )
    w.ask(f"Who {told}?", w.friend.name)
    w.ask(f"What did {w.friend.name} {verb} about?", w.slots["song"])
    w.say(
        "{h.n} listened, and [slowly|soon|little by little] {h.his} eyes [became|grew|got] [heavy|small|tired].",
        "[Slowly|Softly|After {n} minutes] {h.n} closed {h.his} eyes [and sighed|and breathed slowly|and smiled].",
        "{h.n} yawned [once, and then again|{n} times|a big yawn] and [lay down|hugged the {c} pillow|rolled up like a ball|held on to {f.n}].",
    )
    w.say(
        '"[Good night|Sleep well|Sweet dreams|Sleep tight], {h.v}," {said f}.',
        "{f.n} [turned off the light|blew out the candle|closed the {c} curtain] and [went out|tiptoed away|gave {h.n} a kiss|went to bed too].",
    )
    w.say(
        "{h.n} [slept|fell asleep] and dreamed of [the {place}|{food}|a {ct} that could fly|{song}|{n} {flowers}].",
        "Soon {h.n} was [fast|sound] asleep[| with a smile| under a {c} blanket| until morning].",
        "And {h.n} had the [sweetest|nicest|best] dream about [a {ct}|{song}|{ffood}|{game}].",
    )
