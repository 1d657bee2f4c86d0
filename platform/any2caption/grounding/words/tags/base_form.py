"""Tell verbs in the base form: what several do, or are told to: "dogs bark", "let him walk"."""

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words.forms import is_plural, verb_forms
from any2caption.grounding.words.lists import grammar, looks, modifiers, verbs
from any2caption.grounding.words.tags.asides import several_resume, stands_behind
from any2caption.grounding.words.tags.neighbours import (
    BEHIND_VERBS,
    MASSES,
    NEAR,
    OPENS_PHRASE,
    THINGS,
    clause_before,
    nounlike,
    plural,
    tag_before,
    word_after,
)
from any2caption.grounding.words.tags.tokens import Word


def bare(words: list[Word], at: int) -> str:
    """Return `verb` where what may be a base form is what several do or are told to; else nothing.

    `words` are tagged up to the one `at`.
    """
    before, after = tag_before(words, at), word_after(words, at)
    low = words[at - 1].low if at else ""
    dressed = _dressed(words, at)
    if dressed:
        words[at - 1].tag = "noun"
    made = at > 1 and words[at - 2].base in {"make", "let"} and before == "pron"
    made = made or (at > 0 and words[at - 1].base == "let")  # "lets go of a balloon"
    made = made or (low == "then" and any(word.form == "base" for word in words[:at]))
    told = (before in {"noun", "ref"} and _let(words, at)) or (low == "both" and before != "det")
    told = told or (before == "mark" and (stands_behind(words, at) or several_resume(words, at)))
    told = told or (before == "num" and _reach(words, at)) or _lets(words, at)
    told = told or (low == "," and _let_too(words, at))
    if made or told or dressed or (before == "pron" and _of_several(words, at)):
        return "verb"
    if before in {"modal", "rel"} or low in grammar.DO_GET | _DENIES | grammar.PLURAL_PRONOUNS:
        return "verb"
    if before in {"start", "mark", "sub"}:
        commands = after is not None and after.tag in {"det", "poss", "pron", "ref", "quote"}
        goes_on = low == "," and after is not None and after.tag in {"prep", "particle"}
        goes_on = goes_on and _interrupted(words, at)
        goes_on = goes_on or (before == "start" and _steps(words[at], after))
        way = after.low if after is not None else ""
        goes_on = goes_on or (words[at].low in _CHANGES and way == "from")
        goes_on = goes_on or (words[at].low == "cut" and way == "to")
        return "verb" if commands or goes_on or _moves(words[at], after) else ""
    if before == "conj":
        goes_on = at > 1 and (words[at - 2].form == "base" or _acts_too(words, at))
        return "verb" if goes_on or _goes_on_behind_comma(words, at) else ""
    quoted = before == "quote" and at > 1 and plural(words[at - 2])  # "the words 'END' appear"
    several = before == "noun" and (_many_of(words, at) or _lie(words, at) or _alike(words, at))
    quoted = quoted or several or _but_one(words, at)
    quoted = quoted or _told_which(words, at)
    if before in {"noun", "adj"} and _clad(words, at):
        words[at - 1].tag, quoted = "noun", True
    if quoted or plural(words[at - 1]) or (before == "adv" and _many(words, at)):
        return "verb"
    free = after is None or after.tag in BEHIND_VERBS or after.low.endswith("ly")
    who = at - 1 if before == "adv" else at  # "Anna and Ben slow dance"
    acts = tag_before(words, who) in {"noun", "ref", "layout"} and _joined(words, who)
    two = before == "ref" or (at > 1 and words[at - 2].low == "and" and is_agent(words[at - 1].low))
    two = two or _each_told(clause_before(words, at)) or _two_do_with(words, at)
    free = free or (two and words[at].low in verb_forms())  # "image 1 and image 2 play chess"
    return "verb" if free and acts else ""


def _goes_on_behind_comma(words: list[Word], at: int) -> bool:
    """Whether many act behind an aside as well: "stand, hands in their pockets, and | look up"."""
    after = word_after(words, at)
    acted = any(word.form == "base" for word in words[max(0, at - NEAR) : at])
    aside = at > 1 and words[at - 2].low == ","
    way = after is not None and after.tag in {"particle", "prep"}
    return aside and acted and way and words[at].low in verb_forms() and words[at].low not in MASSES


_CHANGES = frozenset({"change", "morph", "transform", "transition", "turn"})


def _reach(words: list[Word], at: int) -> bool:
    """Whether several that only a number names act: "only two reach the finish line"."""
    after, who = word_after(words, at), words[max(0, at - 3) : at - 1]
    opens = after is not None and after.tag in {"det", "poss"} and words[at - 1].number != 1
    return opens and not is_plural(words[at].low) and not any(map(nounlike, who))


def _lets(words: list[Word], at: int) -> bool:
    """Whether an order goes on: "put the hat on him and | let him walk"."""
    after = word_after(words, at)
    lets = words[at].low in _LETS and tag_before(words, at) == "conj"
    return lets and after is not None and after.tag == "pron"


_LETS = frozenset({"have", "let", "make"})
_STEPS = frozenset({"jump", "look", "run", "sit", "stand", "step", "turn", "walk"})


def _steps(word: Word, after: Word | None) -> bool:
    """Whether a sentence orders a step: "turn left at the corner", "walk into the room"."""
    return word.low in _STEPS and (
        after is not None
        and (after.tag == "particle" or after.low in looks.MOVE_SIDES | grammar.DIRECTIONS)
    )


def _alike(words: list[Word], at: int) -> bool:
    """Whether several act whose plural looks the same: "two samurai face off"."""
    counted = at > 1 and words[at - 2].tag == "num" and words[at - 2].number not in {None, 1}
    after = word_after(words, at)
    free = after is not None and after.tag in BEHIND_VERBS
    return counted and is_agent(words[at - 1].low) and free and words[at].low in verb_forms()


def _clad(words: list[Word], at: int) -> bool:
    """Whether several act behind what is on them: "two toddlers covered in flour laugh"."""
    clause, after = clause_before(words, at), word_after(words, at)
    done = next((n for n, word in enumerate(clause) if word.form == "ed" or _around(word)), 0)
    who = clause[done - 1] if done else None
    idle = not any(word.form in {"s", "base"} or word.tag == "aux" for word in clause)
    free = after is None or after.tag in BEHIND_VERBS or after.low.endswith("ly")
    free = free or is_plural(after.low if after else "")
    held = any(word.tag == "prep" for word in clause[done:])
    return bool(who and plural(who) and is_agent(who.low)) and idle and free and held


def _told_which(words: list[Word], at: int) -> bool:
    """Whether several act behind what tells which: "people who walk along the beach watch a whale".

    Only with an object behind it, since "people who visit the city park" has a noun there.
    """
    clause, after = clause_before(words, at), word_after(words, at)
    which = at - len(clause) - 1
    told = which > 0 and words[which].tag == "rel" and plural(words[which - 1])
    done = [word for word in clause if word.tag in {"verb", "aux"}]
    one = bool(done) and done[0].form in {"base", ""} and {one.form for one in done[1:]} <= {"ing"}
    one = one and words[at - 1].tag != "verb" and done[0].base not in verbs.WATCHING | _HELPS
    objects = after is not None and (
        after.tag in {"det", "poss", "num", "pron", "ref"} or is_plural(after.low)
    )
    return told and one and objects and words[at].low in verb_forms()


_HELPS = frozenset({"have", "help", "let", "make"})


def _lie(words: list[Word], at: int) -> bool:
    """Whether what follows is where the words in front say: "on the table lie a gun and a map"."""
    after = word_after(words, at)
    opens = after is not None and after.tag in OPENS_PHRASE
    return words[at].low in verbs.STANCES | {"lie"} and opens and words[0].tag == "prep"


def _but_one(words: list[Word], at: int) -> bool:
    """Whether all but a few act: "all the lights but one go out"."""
    few = at > 1 and words[at - 1].low in grammar.NUMBERS
    return few and words[at - 2].low == "but" and words[at - 2].tag == "prep"


def _many_of(words: list[Word], at: int) -> bool:
    """Whether several of something act: "the lights of the city go out"."""
    clause, after = clause_before(words, at), word_after(words, at)
    several = next((n for n, word in enumerate(clause) if word.low == "of"), 0)
    who = clause[several - 1] if several else None
    idle = not any(word.form in {"s", "base"} or word.tag == "aux" for word in clause)
    goes = after is not None and (after.low in grammar.PARTICLES or after.low.endswith("ly"))
    goes = goes or [word.low for word in words[at + 1 : at + 3]] == ["by", "themselves"]
    return bool(who and plural(who)) and idle and goes


def _around(word: Word) -> bool:
    """Whether a word tells where those stand who act: "friends around a campfire roast"."""
    return word.tag == "prep" and word.low in grammar.RELATIONS


def _dressed(words: list[Word], at: int) -> bool:
    """Whether several in a colour act: "ten ballerinas in white spin around one in black"."""
    if at < 3 or words[at - 2].low != "in" or words[at - 1].low not in modifiers.COLOURS:  # noqa: PLR2004
        return False
    after = word_after(words, at)
    free = after is None or after.tag in BEHIND_VERBS - {"adj", "conj"}
    return plural(words[at - 3]) and free


def _of_several(words: list[Word], at: int) -> bool:
    """Whether several are named by a pronoun: "two of them carry", "children behind him cheer"."""
    link = words[at - 2].low if at > 1 else ""
    around = link in grammar.AROUND and at > 2 and plural(words[at - 3])  # noqa: PLR2004
    return link == "of" or around


def _let(words: list[Word], at: int) -> bool:
    """Whether "make the woman" or "let the dog" stands in front: "make the woman smile"."""
    links = [n for n in range(1, at) if words[n - 1].low == "and" and words[n].low in _LETS]
    start = links[-1] if links else int(words[0].low in {"please", "kindly"})
    opened = len(words) > start + 1 and words[start + 1].tag in {"det", "poss"}
    idle = not any(word.tag in {"verb", "mark"} for word in words[start + 1 : at])
    after = word_after(words, at)
    free = after is None or after.tag in BEHIND_VERBS
    low = after.low if after is not None else ""
    free = free or (is_agent(words[at - 1].low) and (low == "home" or is_plural(low)))
    return words[start].low in _LETS and opened and idle and free


def _let_too(words: list[Word], at: int) -> bool:
    """Whether more is asked of who is let act: "make the man walk away, | smile and wave"."""
    after = word_after(words, at)
    links = after is not None and after.low in {"and", ","}
    asked = words[0].low in _LETS and any(word.form == "base" for word in words[1:at])
    return links and asked and words[at].low in verb_forms()


def _acts_too(words: list[Word], at: int) -> bool:
    """Whether what many do goes on behind an object: "wave flags and chant in the street"."""
    after, clause = word_after(words, at), clause_before(words, at - 1)
    acts = any(word.form == "base" for word in clause)
    free = after is None or after.tag in {"mark", "prep", "adv", "particle", "det", "poss"}
    return acts and free and words[at].low in verb_forms() and words[at].low not in MASSES


def _joined(words: list[Word], at: int) -> bool:
    """Whether the subject is two, and has no verb yet: "a puppy and its mother"."""
    near = range(max(0, at - NEAR), at)
    begins = [n + 1 for n in near if words[n].tag == "mark" and words[n].low not in {",", "@"}]
    clause = words[begins[-1] if begins else near.start : at]
    pair = clause[-2:-1] and clause[-2].low == "and"  # "bride and groom"
    opened = pair or any(word.tag in {"det", "poss", "num"} for word in clause[-5:])
    idle = not any(word.tag in {"verb", "aux", "sub"} for word in clause) or _each_told(clause)
    return opened and idle and any(word.low == "and" for word in clause)


def _two_do_with(words: list[Word], at: int) -> bool:
    """Whether an object without an article ends what two do: "a boy and his aunt bake bread"."""
    low, after, behind = words[at].low, word_after(words, at), word_after(words, at + 1)
    acts = is_agent(words[at - 1].low) and low not in THINGS | MASSES and low in verb_forms()
    plain = after is not None and nounlike(after) and after.low not in THINGS
    return acts and plain and (behind is None or behind.tag in BEHIND_VERBS)


def _each_told(clause: list[Word]) -> bool:
    """Whether what each of two does or wears is told: "a dog wearing … and a cat wearing …"."""
    links = [n for n, word in enumerate(clause) if word.low == "and"]
    sides = [clause[: links[-1]], clause[links[-1] + 1 :]] if links else []
    plain = not any(word.tag in {"aux", "sub"} or word.form in {"s", "base"} for word in clause)
    return plain and bool(sides) and all(map(_doing, sides))


def _doing(side: list[Word]) -> bool:
    """Whether somebody stands there and does something: "a dog wearing a red collar"."""
    acts = next((n for n, word in enumerate(side) if word.form == "ing"), 0)
    return acts > 0 and is_agent(side[acts - 1].low)


def _interrupted(words: list[Word], at: int) -> bool:
    """Whether a participle parts subjects from their verb: "buildings, lit by lamps, glow"."""
    near = words[max(0, at - NEAR) : at]
    idle = not any(word.form in {"s", "base"} or word.tag == "aux" for word in near)
    return idle and any(word.form == "ed" for word in near) and any(map(plural, near))


_DENIES = frozenset({"don't", "doesn't", "never", "can't", "not"})


def _many(words: list[Word], at: int) -> bool:
    return at > 1 and (plural(words[at - 2]) or words[at - 2].low in grammar.PLURAL_PRONOUNS)


def _moves(word: Word, after: Word | None) -> bool:
    return word.low in looks.MOVES and after is not None and after.low in looks.MOVE_SIDES
