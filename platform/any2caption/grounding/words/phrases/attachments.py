"""What belongs to a noun phrase behind it: "of water", "wearing a hat", "that looks like a turtle".

All functions take the tagged words of a sentence and return places in it.
"""

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words.forms import singular
from any2caption.grounding.words.lists import grammar, looks, modifiers, verbs
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.neighbours import plural
from any2caption.grounding.words.tags.tokens import Word

_HOLDING = frozenset({"with", "of", "for", "from", "like", "about", "but", "such as",
                      "full of"})  # fmt: skip
_SETTINGS = frozenset({"place", "time", "light", "weather", "building"})
_BEHIND_NOUNS = frozenset({"alive", "alone", "asleep", "awake", "visible"})
"""Adjectives that stand behind what they tell of: "a tower visible in the distance"."""
_HAD_BY = frozenset({"with", "in", "wearing"})
_FILLED_BY = frozenset({"with", "in", "of", "by", "on", "from", "as", "into", "to"})
_WORN = frozenset({"wear", "dress", "clothe", "clad", "attire"})


def attached(words: list[Word], phrase: NounPhrase) -> int:
    """Return the end of a phrase with all that is attached to it."""
    end = phrase.end
    while True:
        further = _measured(words, end) or _compared(words, end) or _one(words, end, phrase)
        if further == end:
            return end
        end = further


def whom(words: list[Word], at: int) -> Word | None:
    """Return the noun in front of the comma that "who" or "which" at a word tells of.

    Not what somebody has on, or where they are: "a man on a rooftop, who waves".
    """
    if at < 2 or words[at - 1].tag != "mark":  # noqa: PLR2004 - a noun and its comma
        return None
    last = at - 2
    if words[last].low in modifiers.COLOURS and last > 1 and words[last - 1].low == "in":
        return words[last - 2]  # "the man in blue, who"
    opens = last - 1
    while opens > 0 and words[opens].tag in {"det", "poss", "adj", "noun"}:
        opens -= 1
    held = opens >= 0 and words[opens].low in _ON_ONE
    if words[at].low in {"who", "whose"} and held and not is_agent(words[last].low):
        near = reversed(words[max(0, at - _NEAR) : at - 1])
        named = (word for word in near if word.tag == "noun" and is_agent(word.low))
        return next(named, words[last])
    return words[last]


_ON_ONE = frozenset({"with", "in", "on", "wearing", "holding", "of", "near", "behind", "inside"})
_NEAR = 12
"""Words back to whom "who" may mean."""


def _measured(words: list[Word], at: int) -> int:
    """Return the end of "the size of a thumb"; 0 where no such measure stands."""
    said = [one.low for one in words[at : at + 3]]
    if said[:1] != ["the"] or said[1:] not in (["size", "of"], ["colour", "of"], ["color", "of"]):
        return 0
    like = noun_phrase(words, at + 3)
    return like.end if like else 0


def _compared(words: list[Word], at: int) -> int:
    """Return the end of "bigger than a house"; 0 for no such."""
    than = at + 1 < len(words) and words[at].low.endswith("er") and words[at + 1].low == "than"
    compared = noun_phrase(words, at + 2) if than else None
    return compared.end if compared else 0


def list_of(words: list[Word], start: int) -> list[NounPhrase]:
    """Return the noun phrases that begin at a word, linked by commas and "and"."""
    found: list[NounPhrase] = []
    at = start
    while True:
        phrase = noun_phrase(words, at)
        if phrase is None:
            return found
        found.append(phrase)
        at = attached_of(words, phrase.end)
        if not _links(words, at, had=start > 0 and _has_on(words[start - 1], found[0])):
            return found
        at += 2 if words[at].low == "," and words[at + 1].tag == "conj" else 1


def _has_on(word: Word, first: NounPhrase) -> bool:
    """Whether a list is of what someone has on or with them: "with", "in a coat", not "in wind"."""
    return word.low in _HAD_BY and (word.low != "in" or is_worn(first))


def is_worn(phrase: NounPhrase) -> bool:
    """Whether a phrase is of what somebody wears: "a red dress"."""
    last = phrase.head.low.rsplit(" ", 1)[-1]
    return phrase.sort == "thing" and bool({last, singular(last)} & looks.GARMENTS)


def _links(words: list[Word], at: int, *, had: bool) -> bool:
    """Whether "and", "or" or ", and" stands before another noun phrase that does nothing.

    `had`: the list is of what someone has on or with them, which does nothing unless it lives.
    """
    if at + 1 >= len(words) or words[at].low not in {"and", "or", ",", "&"}:
        return False
    serial = words[at].low == ","
    if serial:
        if words[at + 1].low not in {"and", "or"}:
            return _enumerates(words, at, had=had)
        at += 1
    following = noun_phrase(words, at + 1)
    lives = following is not None and is_agent(following.head.low)
    if following is None or (had and lives and not is_agent(words[at - 1].low)):
        return False  # "a woman with red hair and a man"
    end = attached_of(words, following.end)
    if serial and end < len(words) and words[end].low == ",":
        return False
    while end < len(words) and words[end].tag in {"adv", "particle", "layout"}:
        end += 1
    single = end < len(words) and words[end].form == "s"
    if single and plural(following.head):  # "with curly hair and glasses reads"
        return True
    worn = single and had and not serial
    worn = worn and (is_agent(words[at - 1].low) or not is_agent(following.head.low))
    return (
        worn  # "with long hair and a yellow coat jumps"
        or end >= len(words)
        or words[end].tag not in {"verb", "aux", "modal", "neg"}
        or (words[end].form == "ed")
    )


_LISTED = 12
"""Items of a list that are looked through for its "and"."""


def _enumerates(words: list[Word], at: int, *, had: bool) -> bool:
    """Whether a comma stands in a list that "and" ends: "a tram, a van and two taxis"."""
    lives = is_agent(words[at - 1].low)
    for _ in range(_LISTED):
        if at + 1 >= len(words) or words[at].low != ",":
            break
        opens = had or words[at + 1].tag in {"det", "num", "poss"}
        item = noun_phrase(words, at + 1) if opens else None
        if item is None or (is_agent(item.head.low) and not lives):
            return False
        at = attached_of(words, item.end)
        if [word.low for word in words[at : at + 2]] in ([",", "and"], [",", "or"]):
            at += 1
    linked = at < len(words) and words[at].low in {"and", "or"}
    last = noun_phrase(words, at + 1) if linked else None
    end = attached_of(words, last.end) if last else at
    ends = end >= len(words) or words[end].tag in {"mark", "prep", "sub", "layout", "ground"}
    ends = ends or (had and last is not None and plural(last.head) and words[end].form == "s")
    return last is not None and ends and not (had and is_agent(last.head.low) and not lives)


def attached_of(words: list[Word], at: int) -> int:
    """Return the end behind "of …" phrases."""
    while at + 1 < len(words) and words[at].low == "of":
        phrase = noun_phrase(words, at + 1)
        if phrase is None or phrase.sort == "reference":
            return at
        at = phrase.end
    return at


def _one(words: list[Word], at: int, phrase: NounPhrase) -> int:
    """Return the end of one attachment at a word; the word itself where there is none."""
    if at >= len(words):
        return at
    word = words[at]
    owned = noun_phrase(words, at) if word.low == "whose" else None
    if owned or (word.tag == "rel" and phrase.sort != "picture"):
        return relative(words, owned.end - 1 if owned else at)  # "a man whose hat is on fire"
    beside = words[at - 1].tag == "noun" and word.low in _BEHIND_NOUNS
    if beside and (word.low == "visible" or is_agent(words[at - 1].low)):
        return at + 1
    if word.tag == "verb":
        return _participle(words, at)
    if word.tag == "prep":
        end = _prepositional(words, at)
        acts = end < len(words) and words[end].tag == "verb" and words[end].form == "ing"
        acts = acts or (words[end - 1].form == "ed" and words[at + 1].tag == "poss")
        own = word.low == "with" and phrase.sort in _SETTINGS | {"weak place"} and acts
        return at if own else end  # "at night with cars streaming by"
    return at


def _prepositional(words: list[Word], at: int) -> int:
    low = words[at].low
    if low == "in":
        return _worn(words, at)
    phrases = list_of(words, at + 1)
    if not phrases or phrases[0].sort == "reference":
        return at
    end = attached_of(words, phrases[-1].end)
    if end < len(words) and words[end].tag in {"ground", "layout"} and low == "with":
        return at
    placed = low == "from" and phrases[0].sort in {"place", "building", "time"}
    if low not in _HOLDING or placed:
        return at
    if low == "with" and _settled(phrases[0], words, at):
        return at
    while low == "with" and end + 1 < len(words) and words[end + 1].tag == "poss":
        held = noun_phrase(words, end + 1) if words[end].tag == "prep" else None
        if held is None:
            break
        end = held.end  # "with a pencil behind her ear"
    own = low == "with" and words[at + 1].tag == "poss"
    worn = low == "with" and [word.low for word in words[end : end + 1]] in (["on"], ["off"])
    worn = worn and words[end].tag == "particle"  # "with headphones on skates past"
    return end + (worn or (own and kept_so(words, end)))  # "the ribbon with her arms raised"


def kept_so(words: list[Word], at: int) -> bool:
    """Whether a word says how something is held: "with her eyes closed"."""
    held = at < len(words) and (words[at].form == "ed" or words[at].tag == "adj")
    behind = words[at + 1].tag if at + 1 < len(words) else "end"
    return held and behind in {"mark", "end", "prep", "conj", "sub"}


def _worn(words: list[Word], at: int) -> int:
    """Return the end of "in a red dress", "in suits and hats"; not of "and a man" behind it."""
    end = at
    for phrase in list_of(words, at + 1):
        last = phrase.head.low.rsplit(" ", 1)[-1]
        decade = last[-3:] == "ies" and last.removesuffix("ies") + "y" in grammar.NUMBERS
        decade = decade or last[-2:] == "0s"  # "in his seventies", "in their 60s"
        if not decade and not is_worn(phrase):
            break
        end = attached_of(words, phrase.end)
    return end


def _settled(phrase: NounPhrase, words: list[Word], at: int) -> bool:
    """Whether "with" begins a clause of its own: "with smoke billowing from the engines"."""
    behind = words[phrase.end].tag if phrase.end < len(words) else ""
    return behind == "verb" and words[phrase.end].form == "ing" and words[at - 1].tag == "mark"


def _participle(words: list[Word], at: int) -> int:
    """Read "wearing a red hat", "dressed in suit", "filled with water"."""
    word = words[at]
    if word.base == "wear" and word.form == "ing":
        phrases = list_of(words, at + 1)
        return attached_of(words, phrases[-1].end) if phrases else at
    quoted = at + 1 < len(words) and words[at + 1].tag == "quote"
    if word.base in verbs.WRITING and quoted and word.form in {"ing", "ed"}:
        return at + 2
    if word.form != "ed" or word.base not in verbs.PARTICIPLES | _WORN | verbs.CHANGES:
        return at
    after = at + 1
    while after < len(words) and words[after].tag in {"adv", "particle"}:
        after += 1
    if after < len(words) and words[after].low in _FILLED_BY:
        phrases = list_of(words, after + 1)
        return attached_of(words, phrases[-1].end) if phrases else at
    return at


def relative(words: list[Word], at: int) -> int:
    """Read "that looks like a turtle": its verb with one object and one prepositional phrase."""
    end = at + 1
    while end < len(words) and words[end].tag in {"aux", "modal", "adv", "neg"}:
        end += 1
    if end < len(words) and words[end].tag == "verb":
        end += 1
    if end == at + 1:
        return at
    for _ in range(2):
        while end < len(words) and words[end].tag in {"particle", "adv"}:
            end += 1
        start = end + 1 if end < len(words) and words[end].tag in {"prep", "style-of"} else end
        phrase = noun_phrase(words, start)
        if phrase is None:
            break
        end = attached_of(words, phrase.end)
    there = end < len(words) and words[end].low in {"there", "here"}
    if there or (end < len(words) and words[end].tag in {"layout", "ground"}):
        end += 1
    return end


def places(word: Word) -> bool:
    """Whether a preposition puts one thing by another."""
    return word.tag == "prep" and word.low in grammar.RELATIONS
