"""Plots in which something goes wrong: lost, storm, brave, rescue, stuck, way."""

from ..world import World, ending, meet, weather


def lost(w: World) -> None:
    """A lost thing is found by the friend."""
    w.say(
        "{h} had a {pct} that {h} [loved very much|took everywhere|had got from {relative}|liked to show around].",
        "{h} [took along|was holding|carried|had packed] a {pct}, a [gift from|present from] [home|a friend|a cousin|an aunt|school].",
        "[The best toy|The dearest thing|The nicest thing] that {h} had was a {pct}.",
        "In one hand {h} [had|held|carried] a {pct}, [and in the other a bag of {food}|and in the other an apple|and with the other {h} waved].",
        "{h} [loved|liked] nothing [more than|so much as] a [certain|] {pct} [from the market|from home|that was a gift|with a tiny mark on it].",
    )
    w.say(
        "[But then|Suddenly|All at once|A little later] the {t} was gone[|, just like that| and could not be seen].",
        "When {h} [looked down|looked around|sat down to rest|came to the gate], the {t} was [not there|gone|nowhere to be seen|missing].",
        "[After a while|Later|Some time later|At noon] {h} [could not find|had lost|missed|did not see] the {t} [any more|anywhere|at all].",
        "{h} [put it down|let go of it] for [a moment|one minute|a short time], and [then|soon] the {t} was [gone|lost|missing].",
    )
    w.say(
        '"[Oh no|Oh dear|Help|Oh, where can it be]! [Where is|Who has seen|I cannot find|I have lost] my {ct}!" {wept h}.',
        '"I [lost|have lost|dropped] my {ct} [somewhere|on the way|and now it is gone|and I miss it so]," {wept h}.',
        "{h} [began to cry|felt very sad|sat down and cried|looked in every pocket] [because|for] the {ct} was {very} [dear to {h.him}|special|hard to replace].",
        "{h} [ran back|turned around|went back] [along the path|the same way|step by step] but [saw nothing|did not see it|there was no {t}|found only {n} old leaves].",
    )
    meet(w)
    w.say(
        '"[Do not worry|Do not cry|Cheer up|Dry your eyes], {h.v}. [I will help you look|We will find it|Let us look together|Two can look better than one]," {said f}.',
        '"[What is wrong|Why are you so sad|What happened|Did you lose something], {h.v}?" {asked f}.',
        "{f} [wanted to help|had good eyes|was glad to help|liked to look for things] and [asked where {h} had been|looked at the ground|came along at once|did not wait].",
    )
    w.say(
        "They [looked|searched|hunted] [here and there|high and low|all over the {p}|up and down the path] [for {n} minutes|until noon|for a long time|without a rest].",
        "First they [looked|searched] [near the path|in the grass|by the water|on the steps], [and then|but the {t} was not there, so] they [went on|looked a bit more|tried again].",
        "They [asked|met] {n} [birds|ants|hens|children|ducks|farmers], but [nobody|none of them|no one there] [had seen|knew about|had found] a {ct}.",
        "{h.n} looked [left|up|in front], and {f.n} looked [right|down|at the back], [and they did not give up|step by step|slowly and with care].",
    )
    w.say(
        "[At last|Then|Finally|In the end] {f.n} found the {ct} {s}[|, and it was not broken|, only a little wet|, covered with dust].",
        "[Then|Suddenly|Soon|After that] {f.n} saw something {c} {s}. It was the {t}!",
        '"[Look|Here|Come here|I see it]!" {cheered f}. The {ct} was {s}[| all the time|, safe and dry].',
        "{f.n} [bent down|took one more look|looked once more] and [there it was|saw the {ct}|found it]: {s} [lay|was] the [lost {t}|{t}].",
    )
    w.ask(f"Who found the {w.thing}?", w.friend.name)
    w.ask(f"Where was the {w.thing}?", w.spot)
    w.ask(f"What did {w.hero.name} lose?", f"a {w.colour} {w.thing}")
    w.say(
        '"[Thank you|Thank you so much|Oh, thank you|How can I thank you], {f.v}! You are a [good|true|dear|real|wonderful] friend," {said h}.',
        "{h} [took the {t}|held the {t} tight|kissed the {t}|wiped the {t}] and [thanked|hugged|smiled at|danced with] {f.n}.",
        "{h} was so [glad|happy] that {f.n} got [{n} {food}|a hug|a big hug|a kiss on the nose] [for it|right away|as a thank you].",
    )
    ending(
        w,
        "From [that day|then|that time] on, {h} [always|] [kept|held on to|took good care of] the {t} [well|at all times|with care|like a treasure].",
        "A [friend|helper] like {f.n} is [better than any {t}|the best thing to find|worth more than {n} toys|a real treasure].",
        "{h} [learned|knew now|saw] that [looking|searching] together is [better|faster|more fun] than [looking|searching] alone.",
    )


def storm(w: World) -> None:
    """A storm; the hero comforts the scared friend."""
    meet(w)
    w.say(
        "They [played|had fun] with a {pct} [all day|for a long time|until lunch time|and laughed a lot].",
        "They [built|made] a [house|tower|road|castle] of [sand|sticks|stones|mud] and [put|set] a {pct} on [top|it].",
        "They [ran|jumped|hopped|rolled] [up and down|around|over the grass] and [picked|counted|looked for] {n} {flowers}.",
    )
    w.say(
        "[Then|Suddenly|All at once|After lunch] [dark|black|big gray|heavy] clouds came over the {p}, and the wind [began to blow|shook the trees|took the hat of {h.n}|howled|blew {n} leaves at {f.n}].",
        "[Then|But soon|A little later|Without warning] the sky [over the {p}|above {h.n}|in the west] [turned|grew|became] [dark|black|gray], and [the birds flew away|{h.n} felt cold|{n} big drops fell on {f.n}|it began to rain on the {p}].",
        "[The wind|The air] [grew cold|became strong|changed], and [{h.n} felt the first rain|the rain came down on {h.n}|{n} big drops fell on {f.n}|{f.n} looked up at {n} black clouds].",
    )
    w.say(
        "There was a [loud|big|great|long] [boom|clap|roll|crash] of thunder [over the {place}|right above {f.n}|far away|that shook the {p}|, and then {n} more].",
        "A [bright|white|sudden|long] flash [lit up the {place}|lit up the face of {h.n}|came from the clouds|made {f.n} jump].",
        "The rain [fell|came down|beat down] [harder and harder|faster and faster|like a river] [on the {place}|on {h.n} and {f.n}|until the {t} was wet|and made {n} big puddles].",
    )
    w.say(
        "{f.n} was scared and [began to shake|began to cry|hid {f.his} face|could not move|held {f.his} ears].",
        '"I am [so|very|really|a bit] scared[| of thunder| of storms], {h.v}," {wept f}.',
        "{f.n} was [so|very] scared [of the storm|of the noise|of the thunder] and [held on to {h.n}|stood still|began to cry|dropped {n} {food}].",
    )
    w.ask("Who was scared?", w.friend.name)
    w.say(
        '"[Hold|Take] my hand, {f.v}. We will [be safe|hide|stay dry|wait] in the {shelter}," {said h}.',
        "{h} [took|led|brought|pulled] {f.n} to a [{shelter}|{shelter} {s}|{shelter} close by], where it was [dry|warm|safe|not so loud].",
        '"Come [with me|quickly|along|on]! I know a {shelter}," {cheered h}. [Then|So] [they ran there|they went|they both ran inside|they were soon there].',
    )
    w.ask("Where did they hide?", f"in the {w.slots['shelter']}")
    w.say(
        "They [sang {n} songs|sang a song about {song}|counted to one hundred|told jokes] until the [rain stopped|storm was over|thunder was far away|clouds were gone].",
        "{h} told a [funny|long|silly|sweet] story about {song}, and {f.n} [stopped shaking|began to smile|laughed a little|felt better].",
        "[There|Inside] {h.n} and {f.n} [ate {ffood}|shared {n} {food}|sat close together|listened to the rain] and [waited|talked of {song}|forgot the storm|kept warm].",
    )
    w.say(
        "[Soon|At last|Then|After a while] the sun [came out|was back|shone] again, and [{h.n} saw|{f.n} saw|they saw|there was] a [big|bright|lovely|wide] rainbow [over the {place}|in the sky|above the {p}].",
        "[When|As soon as] the [storm|rain|thunder] was over, [{n} birds|{n} frogs|{h.n}|the crickets] [began to sing|came out again|looked out] [{in_p}|and so did {f.n}|{s}|, and it smelled of {food}].",
        "[After a while|Later|At last] the {n} [black|gray|dark] clouds [went away|broke up|moved on], and [the {place}|the {t}|the whole {p}|every leaf] was [fresh|bright|shiny|clean] [and wet|again|in the sun].",
    )
    ending(
        w,
        "When [friends|two friends|{h.n} and {f.n}] [are|stay|stick] together, a storm is [not so scary|only half as bad|just rain and noise|soon over] [in the {p}|after all|for both|in a {shelter}].",
        "{f.n} [thought|said|told everyone] that {h.n} was the [bravest|kindest|best] friend [in the {p}|of all|there was].",
        "{f.n} was [never|not] [so|as] scared of [storms|thunder|rain|dark clouds] [again|after that].",
    )


def brave(w: World) -> None:
    """The hero is afraid but goes to look at what makes a sound."""
    w.say(
        "{h} was [always|often|a little|very] afraid of [the dark|loud sounds|big dogs|deep water|strange places] and [of thunder|of ghosts|of {n} other things|of storms].",
        "{h} did not [think|believe|feel] that {h} was brave[|, because {n} things were scary|, at least not in the {p}|, not like others {in_p}].",
        "[Everyone|Some children|The others] {in_p} [said|thought] that {h.n} was [not brave|afraid of everything|too shy|a scaredy cat].",
    )
    meet(w)
    w.say(
        "[Then|Just then|Suddenly|All of a sudden] {h.n} [and {f.n}|] heard [a soft cry|a small voice|a rustle|a squeak|a strange sound|a thump] {s}.",
        "As they [talked|walked|played|ate {food}], there was [a soft cry|a small voice|a rustle|a squeak|a strange sound|a thump] {s}.",
        "Something [moved|cried|scratched|squeaked|rustled|whimpered] {s}, and they [stood still|stopped|looked at each other|held hands].",
    )
    w.ask("Where did the sound come from?", w.spot)
    hid = w.rng.random() < 0.5
    if hid:
        w.say(
            "{f.n} [hid behind|ran and hid behind|jumped behind|got behind] {h.n} and [closed both eyes|did not say a word|shook all over].",
            "{f.n} hid [at once|quickly|right away] and [called|whispered] that it [might be|must be|could be] a [wolf|monster|ghost|big snake].",
        )
        w.ask("Who hid?", w.friend.name)
    else:
        w.say(
            '"[What is that|Did you hear that|Who is there|Is it a monster|Is it a ghost], {h.v}?" {asked f}.',
            '"I do not [want to go there|like this|dare to look|want to know what it is], {h.v}," {said f}.',
        )
    w.say(
        "{h.n} [took a deep breath|thought of {song}|counted to {n}|held a {tool}] and went to look [all alone|with slow steps|while {f.n} waited|step by step] [|without a word|with a {c} lamp|past {f.n}].",
        "{h.n} was scared too, but {h} [walked|went|crept] [closer and closer|a bit closer|{n} steps closer] to [look|see|find out].",
        "{h.n} [picked up a {tool}|thought of home|whistled a tune|took {f.n} by the hand] and went to look [{s}|without {f.n}|with a fast heart].",
        '"I will [look|go and see|find out]," {said h}. [Slowly|With a fast heart|On tiptoe] {h.n} went [closer|to the place|up to it|forward].',
    )
    w.ask("Who went to look?", w.hero.name)
    w.say(
        "It was [only|just|nothing but] a [tiny|baby|little|young] {baby} that [could not find its mother|was stuck|had fallen down|was hungry|was lost].",
        "There [sat|was|lay] a [tiny|baby|little|wet] {baby}, [all alone|cold and hungry|stuck between two stones|with a hurt leg|far from home].",
        "And what was it? A [tiny|baby|small|frightened] {baby} [looked up at {h.n}|blinked|sat there|made that sound] [with wet eyes|under a leaf|in a nest of grass|{s}]!",
    )
    w.ask("What made the sound?", f"a {w.slots['baby']}")
    w.say(
        "{h} [picked it up|held it|lifted it up] [with care|in both hands|gently|softly] and [brought it home|took it to its mother|gave it some water|kept it warm in a {c} scarf].",
        "{h} [gave it|fed it|shared with it] some [water|{food}|crumbs|milk], and [it was not afraid any more|it was soon well|it fell asleep|its mother came].",
        "[Gently|Softly|With care] {h} [set it free|helped it out|wrapped it in a {c} scarf|showed it the way], and it [ran|went] [home|to its mother|away] [with a happy squeak|and looked back at {h.n}|after {n} steps|as fast as it could].",
    )
    w.say(
        '"[You are so brave|How brave you are|That was very brave|What a brave thing to do], {h.v}!" {cheered f}.',
        '"I could [never|not] [do|have done] that. You are [brave|braver than me|a hero], {h.v}," {said f}.',
        "{f.n} [clapped|cheered|came out|laughed] and [gave {h.n} {n} {food}|said sorry to {h.n}|told everyone {in}|wanted to be as brave as {h.n}].",
    )
    ending(
        w,
        "{h} learned that being brave [means|is] [trying|going on|helping|to look] even when [you are scared|your knees shake|it is hard|nobody else will].",
        "Now {h} knew that [{h} was brave after all|a small sound may be just a {baby}|even shy ones can be brave|a {baby} is nothing to fear].",
        "That night {h} was not afraid of [the dark|anything|strange sounds|{n} ghosts] and [slept well|dreamed of the {baby}|slept next to a {t}].",
    )


def rescue(w: World) -> None:
    """The friend is stuck, and the hero pulls."""
    weather(w)
    w.say(
        "[Suddenly|Then|All at once|Just then] {h} heard [someone call for help|a cry for help|a weak voice|a splash and a cry] [somewhere|{s}|not far away|close by].",
        "{h} [stopped|stood still|turned around] and listened. [Someone|Somebody] [called|cried|shouted] for help[| again and again| in a weak voice].",
        "While {h} [picked|looked at|counted] {n} {flowers}, [someone|somebody] [called|cried|shouted] for help.",
    )
    w.say(
        "There was {f.intro}, stuck [in the mud|in a hole|between two rocks|in a thorn bush] {s}.",
        "{f.intro} was stuck {s} and [could not get out|could not move|was up to the knees in mud|had lost {n} buttons].",
        "It was {f.intro}. {f.n} had slipped and was stuck {s}.",
    )
    w.ask("Who was stuck?", w.friend.name)
    w.ask(f"Where was {w.friend.name} stuck?", w.spot)
    w.say(
        '"[Please help me|Help|Help me, please|Oh, please come here]!" {wept f}.',
        '"I [cannot get out|am stuck|cannot move my feet|have been here for {n} hours]," {wept f}.',
        "{f} [was crying|was cold and tired|waved both arms|looked very frightened] and [called again|could hardly speak|was glad that someone came|hoped for help].",
    )
    w.say(
        '"[I am coming|Wait|Hold on|Do not move], {f.v}! I [will help you|have an idea|know what to do|will be quick]!" {cheered h}.',
        "{h} [looked around|thought hard|did not run away|stayed calm] and [soon had an idea|saw something useful|made a plan|thought of a way].",
        '"[Stay|Keep] calm, {f.v}. [I have an idea|I will get you out|We can do it|It will not take long]," {said h}.',
    )
    w.say(
        "{h} [found|took|got|saw] a {tool} [in the grass|close by|under a tree|from home] and [threw|held|gave|passed] one end to {f.n}.",
        "With a {tool} {h} [came as close as {h} could|went to the edge|lay down on the ground], and {f.n} [held on to it|took one end|grabbed it].",
        '"[Hold on to|Take|Grab] this {tool}, {f.v}," {said h}.',
    )
    w.ask(f"What did {w.hero.name} use?", f"a {w.slots['tool']}")
    w.say(
        "{h.n} pulled [and pulled|with all {h.his} might|as hard as {h} could|{n} times], and [slowly|little by little|inch by inch] {f.n} [came out|moved|got loose].",
        "One, two, three, and {h.n} pulled [hard|very hard|with both hands|with all might]! [At last|Then|With a pop] {f.n} was [free|out|safe].",
        "It was [hard|heavy|slow] work, but {h.n} did not [stop|let go|give up], and [at last|in the end|after a while] {f.n} was [free|out|safe].",
    )
    w.ask(f"Who saved {w.friend.name}?", w.hero.name)
    w.say(
        '"You [saved me|helped me|got me out], {h.v}! [Thank you|I will never forget it|You are my hero|How strong you are]," {said f}.',
        "{f.n} [gave|brought|promised] {h.n} [a big hug|{n} {food}|a {pct}|some {ffood}] [to say thank you|for this|and a kiss|the next day].",
        "{f.n} [laughed and cried|took a deep breath|washed off the mud|jumped up and down] and [hugged|thanked] {h.n} [again and again|{n} times|with a full heart].",
    )
    ending(
        w,
        "From that day on they [were best friends|took walks together|looked out for each other|met every week].",
        "{h} learned that [staying calm helps|a calm head is strong|a {tool} can be very useful|even small ones can help].",
        "Everyone {in} [heard|talked|was told] about the [brave|great|clever] rescue [for {n} days|for a long time|and was proud].",
    )


def stuck(w: World) -> None:
    """A thing is out of reach in a tree; they get it down together."""
    meet(w)
    w.say(
        "They [threw|tossed|kicked|passed] a {pct} [to each other|back and forth|up in the air|around].",
        "{h} [wanted to show|showed|had brought] {f.n} a {pct}, and [they played with it|they took turns|both liked it|it was fun].",
        "{f.n} had a {pct}, and [they played with it|they took turns with it|{h} wanted to try it|it was great fun].",
    )
    w.say(
        "[But then|Suddenly|All at once|Then] a [strong|cold|big|wild] wind took the {t} [up into|high into|right into] a [tall|high|big|old] tree.",
        "[Oops|Oh dear|Alas], the {t} flew too [high|far] and [landed|got stuck|stayed] in a [tall|high|big|old] tree.",
        "One throw was too [hard|high|wild], and the {ct} [landed|got stuck|hung] in a [tall|high|big|old] tree.",
    )
    w.ask(f"Where did the {w.thing} get stuck?", "in a tree")
    w.ask("What got stuck in the tree?", f"a {w.colour} {w.thing}")
    w.say(
        "{h} [jumped|jumped up {n} times|stretched|climbed on a stone], but {h} was too [small|short] to [reach it|get it|touch it].",
        '"[Oh no|Oh dear|It is too high for me|I cannot reach it|Now it is gone], {f.v}!" {wept h}.',
        "They [shook|kicked|pushed] the [tree|trunk] [{n} times|again and again|hard], but only [leaves|{n} leaves|a few twigs|some drops] [fell|came] down.",
    )
    w.say(
        '"[I know|Listen|I have an idea|Wait], {h.v}. [A|Maybe a|I think a]  {tool} may help," {said f}.',
        "Then {f.n} [had an idea|thought of something|came up with a plan] and [ran|went] to [get|find|bring] a {tool}.",
        "{f.n} [looked around|walked around] and [found|saw|came back with] a {tool} {s}.",
    )
    w.ask("Who had an idea?", w.friend.name)
    w.say(
        "{h.n} [climbed on|stood on|got up on] [a box|a stone|a bench|a cart], [took|held up|used] the {tool}, and [pushed|poked|pulled] [the branch|hard|once and twice].",
        "{f.n} held [the end|it still|it tight], and {h.n} [pushed|poked|pulled] with the {tool} [until the branch moved|{n} times|again and again].",
        "Together they [lifted|held up|swung] the {tool} and [pushed|poked|hit|shook] [the branch|the leaves] [with care|{n} times|hard].",
    )
    w.say(
        "[At last|Plop|Finally|Little by little], the {ct} [fell|dropped|came|tumbled] [down|to the ground|right into {h.his} arms|on {f.his} head].",
        "[Down|Softly down] came the {t}, [and it was not broken|with {n} leaves on it|and they caught it|straight into the grass].",
    )
    w.say(
        '"[We did it|Hurray|That was clever|It worked], {f.v}!" {cheered h}.',
        "They [clapped|danced|laughed] and [shared {n} {food}|rolled in the grass|played on|sang about {song}].",
    )
    ending(
        w,
        "{h} [learned|saw|knew] that [two heads|two friends|{f.n} and a {tool}|a good idea] can [reach high|solve a hard problem|do a lot|get a {t} down].",
        "After that they [played|threw things] [far away from trees|where there were no trees|on the open grass|only on still days].",
    )


def way(w: World) -> None:
    """The hero loses the way and is led home by landmarks."""
    w.say(
        "{h} [followed|ran after|went after] a [{c} butterfly|white rabbit|{c} bird|small cloud|line of ants] [and did not look back|for a long time|farther and farther|without thinking].",
        "{h} [walked|wandered|went] [on and on|far|too far] [to look for {flowers}|to pick {n} {flowers}|and sang about {song}|and looked at the clouds].",
    )
    w.say(
        "[Soon|Then|After a while|Before long], [everything looked strange|all paths looked the same|{h} did not know the way|there was no path any more].",
        '"[Where am I|Which way is home|How do I get home]?" {asked h}.',
        "{h} [walked|ran|went back] {n} [steps|more steps], but [nothing looked right|it was no use|the {p} was gone].",
    )
    w.say(
        "{h} sat down {s} and [cried|wanted to cry|thought of home|felt very small|was cold].",
        "It [grew|got] [late|dark|cold], and {h} sat {s} [and shook|all alone|and waited|with wet feet].",
    )
    w.ask(f"Where did {w.hero.name} sit?", w.spot)
    w.say(
        "Then {f.intro} came [by|along|out of the trees|down the road] and [heard it all|saw it all|stopped|sat down too].",
        "[Just then|Suddenly|After a while] there were [steps|soft steps], and {f.intro} [looked out|came near|stood there|said hello].",
    )
    w.say(
        '"[Are you lost|Why are you here|Do you need help|What are you doing out here], {h.v}?" {asked f}.',
        '"[Do not be afraid|I know every path here|I know the way|Come with me], {h.v}," {said f}.',
    )
    w.say(
        '"I [lost my way|am lost|cannot find my home|went too far]," {wept h}.',
        "{h} [nodded|looked up] and [told everything|told {f.n} where home was|said that home was near the {place}|asked for help].",
    )
    w.ask("Who was lost?", w.hero.name)
    w.say(
        "{f.n} [took a lamp and went|went first|led the way|walked in front] past [the {shelter}|a {shelter}|{n} tall trees|a field of {flowers}] and [over a bridge|up a hill|through a gate|along a wall].",
        "They [went|walked|hurried] past {n} [tall trees|white stones|old houses|sheep|cows], [then|and then] [over a bridge|up a hill|through a gate|along a wall] and [down|on] to a {shelter}.",
        "[On the way|As they walked] {f.n} [showed {h.n}|pointed at] a {shelter} and {n} [tall trees|white stones|old houses|tall poles], so that {h.n} could [learn|remember] the way.",
    )
    w.ask("Who knew the way?", w.friend.name)
    w.say(
        "[At last|Soon|Finally|After {n} minutes] they [saw|came to] [a light|the right house|the garden gate|the {place}], and {h.n} [was home|cried out with joy|ran the last steps].",
        '"[There is my house|I can see my house|I am home|That is my door]!" {cheered h}.',
    )
    w.say(
        "{h} [gave|brought] {f.n} [{n} {food}|some {ffood}|a {pct}|a cup of tea] [to say thank you|for the help|and a hug].",
        '"[Thank you|Thank you for the help|You are so kind], {f.v}. [Come and see me|Please come back|Let us meet again|Come and eat with us] [tomorrow|soon|one day]," {said h}.',
    )
    ending(
        w,
        "{h} [never again went|did not go|never again ran] so far alone.",
        "{h} learned to [watch|remember] [where the path goes|the way past the {shelter}|the {n} trees and the {shelter}] and to ask [for help|a friend like {f.n}|kind people].",
    )
