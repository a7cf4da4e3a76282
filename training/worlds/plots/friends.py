"""Plots between two friends: sharing, new_friend, helping, trick."""

from ..world import World, ending, meet, weather


def sharing(w: World) -> None:
    """The hero does not want to share food at first."""
    w.say(
        "{h} had [a basket|a bag|a box|a bowl|a sack] full of {ffood}[| to eat later| for lunch| on {h.his} arm].",
        "{h} [had brought|had packed|had bought|carried] {n} {ffood} [to eat|for lunch|in a {c} bag|in a {c} box|for the way].",
        "The {relative} of {h.n} had [made|packed|given {h.him}] {ffood}, [{n} of them|a whole bag full|enough for a day|wrapped in paper].",
    )
    meet(w)
    w.say(
        "{f} [looked|was] {very} hungry [and looked at the {food}|because there had been no breakfast|after the long walk|and a little pale].",
        "{f} had [nothing to eat|forgotten to bring lunch|lost {n} coins and could not buy lunch|eaten nothing all day].",
        '"I am [so|very|really] hungry, {h.v}. [What is in there|Is that lunch|What smells so good]?" {asked f}.',
    )
    w.ask("Who was hungry?", w.friend.name)
    w.say(
        "[At first|For a while|To tell the truth,] {h.n} did not want to share[| the {food}| at all| anything].",
        "{h.n} held the {food} tight. [There were not so many|They were all for one|They smelled so good|It was hard to share].",
        "{h.n} [thought|waited|looked away] for [a moment|a while|a long time]. [The {food} were so good|It was not easy to give|There were only {n} left].",
        "{h.n} [hid the {food}|put the {food} away|closed the lid] and [ate one|said nothing|looked at the sky|began to hum].",
    )
    w.say(
        "[Then|But then|After a moment] {h} [saw|noticed] that {f.n} was [sad|near tears|trying not to cry|sitting far away|weak].",
        "But {f.n} [looked so sad|was so quiet|waited so nicely|did not even ask] that {h.n} felt [bad|sorry|ashamed|odd inside].",
        "{h} [remembered|thought of] [a day|a time|one cold night] when [there was nothing to eat|someone had shared with {h.him}|a friend had been kind].",
    )
    w.say(
        '"Here, {f.v}, [you can have|take|please take] [some of my|half of my] {food} [if you like|and eat|right now]," {said h}.',
        "{h.n} [gave|passed|handed] [half|some|more than half] of the {ffood} to {f.n}[| with a smile| and felt lighter| without a word].",
        '"Let us [share|eat] the {food}[| together| here in the sun| now], {f.v}," {said h}.',
        "{h.n} [broke|cut|split] the {ffood} [in two parts|into parts|with care] and [gave the bigger part to|shared with|put {n} bits in front of] {f.n}.",
    )
    w.ask("What did they share?", w.food)
    w.ask(f"Who shared the {w.food}?", w.hero.name)
    w.say(
        "They sat {s} and ate [together|until they were full|slowly|with sticky hands].",
        "They [ate|finished|tasted] the {food} and [talked|laughed|told jokes|spoke] about {song} [until noon|for a long time|all the while].",
        "The {food} tasted [even better|twice as good|sweeter|so much better] [together|in the sun|with a friend|this way].",
    )
    w.maybe(
        0.5,
        "[The next day|A day later|Soon after|One week later] {f.n} [came back|knocked at the door|was there again] with {n} [fresh eggs|{flowers}|red balloons|warm rolls] for {h.n}.",
        "[Then|After that] {f.n} [pulled out|found] a {pct} and let {h.n} [play with it|keep it|hold it] [for a while|all day|until evening].",
    )
    ending(
        w,
        "{h} [learned|saw|knew now] that sharing [makes everyone happy|makes food taste better|makes two people glad|is a kind of gift].",
        "[Sharing|Eating] {food} with a friend is [more fun|much better|nicer] than [eating|having them all] alone.",
        "After that [day|time] they [always|often|gladly] shared [what they had|their lunch|their {food}|every bite].",
    )


def new_friend(w: World) -> None:
    """A lonely hero meets someone new."""
    w.say(
        "{h} had [no one|nobody] to play [with|{game} with] [that day|that week|for {n} days|any more].",
        "{h} [felt|was] {very} lonely [that day|all week|and a little bored|in the big {p}].",
        "All the [others|other children|old friends] were [away|sick|at school|far away], and {h} was [alone|lonely|bored|by {h.self}].",
        "{h} [played|had played] ball [alone|all alone|with a stone|with a doll], but it was [no fun|boring|not the same].",
    )
    weather(w)
    w.say(
        "[Then|Just then|After {n} minutes] {h} [heard a soft song|heard a sigh|saw someone|saw a {c} hat] {s}.",
        "{h} [walked|looked] around and [saw|found] someone {s}[|, all alone|, with a sad face|, under a {c} hat].",
        "[But who was that|Who could that be]? [Someone|Somebody] [sat|stood|hummed|sighed] {s}.",
    )
    w.say(
        "It was {f.intro}, who was new {in}[| and did not know anyone| and had come {n} days ago| and rather shy].",
        "There [sat|was|stood] {f.intro}, [all alone|with a {c} scarf|with wet eyes|drawing in the sand]. {f} was new {in}.",
        "{f.intro} [looked up|turned around|stood there] and [smiled|said nothing|waved|blinked]. {f} was new {in}.",
    )
    w.ask(f"Who was new {w.slots['in']}?", w.friend.name)
    w.ask("Where did they first meet?", w.spot)
    hello = "my name is {h.n}" if w.hero.is_named else "I live near here"
    w.say(
        f'"[Hello|Hi|Good day], {hello}. [Do you want to play {{game}}|Shall we play|Would you like to play with me|Are you new]?" {{asked h}}.',
        f'"[Hello|Hi|Hi there], {hello}. [What are you doing here|Why are you alone|Have you just moved here|Do you like {{food}}]?" {{asked h}}.',
        f'"[Hello|Hi|Hey]! I have a {{pct}}. [Do you want to play|Do you want to see it|Shall we take turns|Would you like to try it]?" {{asked h}}.',
    )
    w.say(
        '"[Yes, please|I would love to|Yes, I would|Oh yes|With joy], [let us begin|but I do not know how|and then I show you a trick|that sounds fun]," {said f}.',
        "{f} [nodded|smiled|blushed|thought for a moment] and [stood up|came closer|said yes|took a step forward].",
        '"[Yes, I was so alone|Oh yes, nobody asked me before|Yes, but I am a little shy|I would like that very much]," {said f}.',
    )
    w.say(
        "They [played with the {ct}|played {game}|built a den|looked for shells|ran and jumped] until [the sun went down|it was dark|supper time|they were tired].",
        "{h.n} showed {f.n} [the best trees|a secret path|how to play {game}|the {shelter}|where {flowers} grew] and [they laughed a lot|they had fun|the hours flew by].",
        "[First|At first] they [talked about {song}|only sat {s}|shared {n} {food}], then they [played {game}|told jokes|drew a {t} in the sand|raced], and [soon|in the end] {f.n} [laughed|was a friend|did not want to stop].",
    )
    w.maybe(
        0.6,
        "They [also|even] shared {n} {food} [on a wall|by the road|in the shade].",
        "{f.n} [knew|sang] a song about {song}, and {h.n} [learned it|sang along|clapped|hummed it too].",
    )
    w.say(
        '"Will you come [back tomorrow|again|to my house one day], {h.v}?" {asked f}.',
        "They [promised|agreed|wanted] to meet [again|at the same place|{s}] [the next day|every week|soon|after school].",
        '"Now I [have a friend|am not alone any more|like it here], {h.v}," {said f}.',
    )
    ending(
        w,
        "A [kind|friendly|warm] [word|hello|smile] is [enough|all you need|often enough] to [make|find|win] a new friend.",
        "{h} was [not|never] lonely [any more|after that|again in the {p}].",
        "From then on they [played together|met {s}|shared all games] [every day|each week|when the sun shone].",
    )


def helping(w: World) -> None:
    """The friend has too much work."""
    meet(w)
    work = w.rng.choice(["carry", "pick", "paint", "clean"])
    if work == "carry":
        w.say(
            "{f} was [trying|about] to carry [a big|a heavy|a huge] [box|sack|bag|basket] of {ffood} [home|to the market|up the hill|to a neighbor].",
            "{f} had [a cart|a box|a sack] [full of|with] {food} and [could not move it|could hardly lift it|had to bring it home].",
        )
    elif work == "pick":
        w.say(
            "{f} had to [pick|gather|count] [all the|a hill of|{n} bags of] {food} before [night|dark|the rain|supper].",
            "{f} was [picking up|gathering|sorting] {n} bags of {food}, and there was [so much left|no end to it|a lot to do].",
        )
    elif work == "paint":
        w.say(
            "{f} [wanted to|had to] paint [a long fence|a wall|a door|a boat] {colour} [before night|that very day|all alone|for a feast].",
            "{f} was painting [a long fence|a wall|{n} chairs|a boat] {colour}, and [it was a lot of work|there was no end to it|half was not done].",
        )
        w.ask("What color was the paint?", w.colour)
    else:
        w.say(
            "{f} was [cleaning|sweeping|washing] [the {shelter}|a big floor|{n} windows|the steps], and it was [a lot of work|hard work|very dusty].",
            "{f} had to [clean|sweep|wash] [the {shelter}|a big floor|{n} windows|all the pots] before [night|dark|the feast|the guests came].",
        )
    w.say(
        '"This is [too much|too hard|more than enough] for me[| alone], {h.v}," {wept f}.',
        "{f} was [very|so|really] tired [after {n} hours|and had to rest|and rubbed both eyes|from all the work].",
        "{f} [sat down {s}|stopped|leaned on a wall|rested {s}] and [sighed|counted to {n}|looked at the work|drank some water].",
    )
    w.ask("Who needed help?", w.friend.name)
    w.say(
        '"[Can|May|Shall] I help you[| with that| a bit], {f.v}?" {asked h}.',
        '"I will help you, {f.v}. [Two are faster|I have time|I can stay {n} hours|It will be fun|Let us do it together]," {said h}.',
        "{h} [wanted|had planned] to play {game}, but {h} saw that {f.n} needed help [that day|right then|badly|to get done].",
        "{h.n} [did not wait|rolled up both sleeves|put down a {c} bag] and [began to help|came to help|took half of the work].",
    )
    w.ask(f"Who helped {w.friend.name}?", w.hero.name)
    w.say(
        "They worked [together|side by side] [all morning|for {n} hours|until noon|with a song|and told jokes].",
        "{h.n} [took|did|began on] one [side|half|part] and {f.n} [took|did] the [other|rest], [and they sang about {song}|step by step|for {n} hours|and they talked of {food}].",
        "[While|As] they worked, {h} [told a story about|sang of|made up a rhyme about] {song}, and [the time flew|it was almost fun|they laughed a lot].",
    )
    w.say(
        "[Soon|At last|Before supper] [all the|the whole|the hard] work was [done|finished|behind them].",
        "[It did not take|They did not need] [long|much longer|all day|{n} hours] with two, and [soon|at last|then] {h.n} and {f.n} were [done|finished|ready for a rest].",
        "When the [sun went down|bells rang|birds grew quiet|clock struck {n}], [everything|the whole work|all of it] was [done|ready|finished].",
        "[With {h.n} there|Now that {h.n} was there|Thanks to {h.n}], [everything|the whole work|all of it] [was done|was finished|went well] [soon|in {n} hours|before {f.n} knew it].",
    )
    w.say(
        '"[Thank you|Thank you so much|That was a great help|How kind of you], {h.v}! [Take this {pct}|This {pct} is for you|Please have this {pct}]," {said f}.',
        "{f} gave {h.n} [a {pct}|{n} {food}|some {ffood}|a big hug] [to say thank you|for the help|with a happy face|and shook hands].",
        "They [sat|rested] {s} and [ate {ffood}|drank cold milk|looked at their work|watched the clouds] [like two kings|for a while|together].",
    )
    ending(
        w,
        "[Many|Four|More] hands make [the|any|hard] work [small|light|easy|fun].",
        "{h} learned that [helping|giving help] [feels good|can be fun|is better than {game}|makes friends].",
        "Since that day they [help each other|work together|share the work] [all the time|every week|whenever they can].",
    )


def trick(w: World) -> None:
    """The hero hides something of the friend's and is sorry."""
    meet(w)
    w.say(
        "{h} wanted to play a [small|little|silly|funny] trick [on {f.n}|that day|for fun|just once].",
        "{h} had a [silly|bad|funny|foolish] idea [|that morning|just then|and laughed about it].",
        "{h} thought [it would be|that it might be] [funny|fun|a good joke] to [tease|trick|fool] {f.n}.",
    )
    w.say(
        "When {f.n} [looked away|was not looking|turned around|closed both eyes|picked {flowers}], {h.n} [hid|put|pushed] the {pct} {s}.",
        "{f.n} had a {pct}. {h.n} [took|grabbed|picked up] it [in secret|quickly|without a sound] and hid it {s}.",
        "{h.n} [took|picked up|grabbed] the {pct} that {f.n} [liked so much|had brought|loved], and hid it {s}.",
    )
    w.ask(f"Who hid the {w.thing}?", w.hero.name)
    w.ask(f"Where was the {w.thing} hidden?", w.spot)
    w.say(
        "{f.n} [looked|searched|felt] [everywhere|all over|in {n} places|in every corner] for the {t} and [could not find it|began to cry|got more and more sad|found nothing].",
        '"[Where is|Who has|Have you seen|Who took] my {ct}, {h.v}?" {asked f}.',
        "Soon {f.n} [missed|wanted|asked for] the {ct}, [but it was gone|but nobody answered|and the tears came].",
    )
    w.maybe(
        0.6,
        "{h} [said nothing|laughed behind one hand|looked at the sky|kept quiet] [at first|for a while|and waited|and hummed a song].",
        '"I [do not know|have no idea|did not see it]," {said h}.',
        "A [bird|crow|squirrel|frog] [saw it all|had seen it|looked on] but could not [tell|speak|say a word].",
    )
    w.say(
        "Now {h} did not think [it|the trick|hiding the {t}|the joke] was [funny|good|fun|clever] [any more|at all].",
        "{h} felt [bad|sick|heavy|hot] inside [when {f.n} cried|and could not laugh|and wished it undone|because {f.n} was so sad].",
        "When {h} saw [the tears|{n} tears|that sad face], {h} was [sorry|ashamed|not happy any more|sad too].",
    )
    w.say(
        '"I am [so|very|really|truly] sorry, {f.v}. I hid it {s}," {said h}.',
        "{h.n} [ran|went|hurried] and [brought|got|fetched] the {t} [back|from there|out again] and [said sorry|told the truth|could not look up].",
        '"It was me, {f.v}. [Here is your {t}|I took it|It was a bad trick|I will bring it back]. I am [so|very] sorry," {wept h}.',
    )
    w.say(
        '"Please do not do that again, {h.v}[|, it made me sad|, I was so worried]," {said f}.',
        '"I [forgive you|am not angry|am glad that you told me], {h.v}[|, because you are my friend|, but never do it again]," {said f}.',
        "{f.n} [dried both eyes|took the {t}|was quiet for a bit|thought of {n} things to say] and [smiled|gave {h.n} a hug|forgave it|even laughed a little].",
    )
    w.say(
        "Then they [played {game}|played with the {ct}|ate {ffood}|sang about {song}] [together|for {n} hours|until evening|as before].",
        "To make it [up|good again], {h} [gave {f.n} {n} {food}|carried the {t} home|picked {n} {flowers}|told a joke].",
    )
    ending(
        w,
        "{h} learned that a trick is [only|just] [fun|funny|good] when [everyone|everybody|each one] [laughs|can laugh|has fun].",
        "After that {h} was [always honest|never so mean|kinder|careful] with [all friends|{f.n}].",
        "[Saying|To say] sorry to {f.n} [made|had made] [everything|many things|a bad day] better[|, even if it was hard].",
    )
