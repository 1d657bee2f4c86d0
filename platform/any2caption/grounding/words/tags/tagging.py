"""Give the words of a sentence their part of speech, by lists, the lexicon, endings and neighbours.

Tags: `det poss num qty adj noun pron verb aux modal adv prep conj sub rel neg particle`, marks and
quotations (`mark`, `quote`), and phrases of several words that are merged into one word first:
`prep` ("on the left of"), `layout` ("in the foreground"), `ground` ("in the background"), `style`
("oil painting"), `camera` ("close up"), `ref` ("picture 2").
"""

import re
from collections.abc import Mapping
from functools import cache

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words import lexicon
from any2caption.grounding.words.forms import is_plural, verb_forms
from any2caption.grounding.words.lists import grammar, looks, modifiers, scenes
from any2caption.grounding.words.tags.neighbours import (
    NOMINAL,
    THINGS,
    WITHIN,
    clause_before,
    goes_behind,
    known_verb,
    nounlike,
    plural,
    possessive,
    starts_noun,
    tag_before,
    word_after,
)
from any2caption.grounding.words.tags.past import acts_in_past
from any2caption.grounding.words.tags.references import join_references
from any2caption.grounding.words.tags.tokens import Word, merge, tokenise
from any2caption.grounding.words.tags.verb_tags import SHORT, verb_form


def tag(words: list[Word]) -> list[Word]:
    """Return the words with phrases merged and all tags set."""
    found = _join_phrases(join_references(words))
    shouting = not any(word.text.islower() for word in found)
    for word in found:
        if not word.tag:
            word.tag = "noun" if _capitals(word) and not shouting else _closed(word)
    _settle(found)
    return found


def _capitals(word: Word) -> bool:
    """Whether a word is in capitals, as written words are; "NO" stays a negation."""
    short = grammar.NEGATIONS | grammar.DETERMINERS | grammar.CONJUNCTIONS
    return len(word.text) > 1 and word.text.isupper() and word.low not in short


def _join_phrases(words: list[Word]) -> list[Word]:
    found: list[Word] = []
    at = 0
    while at < len(words):
        word, at = _longest(words, at)
        found.append(word)
    return found


def _longest(words: list[Word], at: int) -> tuple[Word, int]:
    count, name = _pattern(words, at)
    if count:
        return merge(words, at, at + count, name), at + count
    for length, known in _phrases().get(words[at].low, ()):
        piece = words[at : at + length]
        name = known.get(tuple(word.low for word in piece), "")
        if name and _stands(name, words[at + length : at + length + 2]):
            name = {"alone": "style", "side": "adv"}.get(name, name)
            if length == 1:
                words[at].tag = name
                return words[at], at + 1
            return merge(words, at, at + length, name), at + length
    return words[at], at + 1


def _pattern(words: list[Word], at: int) -> tuple[int, str]:
    """Return of how many words a phrase is that no list can hold, and its tag; 0 for none."""
    low, after, beyond = words[at].low, _low(words, at + 1), _low(words, at + 2)
    if words[at].text == "No" and after == "." and beyond.isdecimal():
        return 3, "noun"
    lettered = low in _LETTERED and len(after) == 1 and words[at + 1].text.isupper()
    if lettered or (after in scenes.HALVES and low[:1].isdigit()):
        return 2, "noun"  # "person A gives person B a gift"
    hedged = (low, after) in grammar.HEDGES and _counts(beyond)
    if hedged or (low == "used" and after == "to" and at and words[at - 1].low in _USED_TO):
        return 2, "qty" if hedged else "modal"
    apart = at == 0 or words[at - 1].low != "from"
    if low == beyond and (after == "by" or (after == "to" and apart)):  # "back to back"
        return 3, "adv"
    return _age(words, at), "adj"


def _counts(low: str) -> bool:
    return low in grammar.NUMBERS or low[:1].isdigit() or low in {"a", "hundreds", "thousands"}


_USED_TO = frozenset({"that", "there", "which", "who"}) | grammar.PERSONAL
_LETTERED = frozenset({"character", "object", "person", "player", "subject", "team"})


def _age(words: list[Word], at: int) -> int:
    """Return of how many words an age is: "24 year old", "5-year-old"; 0 for none."""
    low = words[at].low
    if low[:1].isdigit() and low.endswith("-old"):
        return 1
    years = _low(words, at + 1) in {"year", "years", "month", "months"}
    return 3 if years and _low(words, at + 2) == "old" and low[:1].isdigit() else 0


def _low(words: list[Word], at: int) -> str:
    return words[at].low if at < len(words) else ""


def _stands(name: str, behind: list[Word]) -> bool:
    """Whether a phrase ends there, unlike "in the middle" of "in the middle east"."""
    if name not in {"layout", "alone", "side"} or not behind:
        return True
    free = behind[0].tag or behind[0].low in grammar.FUNCTION | grammar.ADVERBS
    form = known_verb(behind[0].low)[1]
    free = free or form in {"s", "ing"}  # "on the left waves"
    goes_on = len(behind) > 1 and (behind[1].tag == "mark" or behind[1].low in _GOES_ON)
    free = free or (name == "layout" and form == "base" and goes_on)  # "on the right race along"
    return behind[0].tag == "mark" if name == "alone" else bool(free)


_GOES_ON = (grammar.PREPOSITIONS | grammar.ADVERBS | grammar.POSSESSIVES | grammar.ARTICLES) | {
    phrase.split()[0] for phrase in grammar.MANNER_PHRASES
}
_Lengths = tuple[tuple[int, Mapping[tuple[str, ...], str]], ...]


@cache
def _phrases() -> Mapping[str, _Lengths]:
    """First word → the phrases that begin so, by length, the longest first."""
    listed = (
        (modifiers.COMPOUNDS, "noun"),
        (looks.STYLE_PHRASES, "style"),
        (looks.CAMERA_PHRASES, "camera"),
        (grammar.RELATION_PHRASES | grammar.OTHER_PHRASES, "prep"),
        (grammar.LAYOUT_PHRASES, "layout"),
        (grammar.MANNER_PHRASES, "adv"),
        (grammar.SIDES_PHRASES, "side"),
        (grammar.BACKGROUND_PHRASES, "ground"),
        (frozenset(grammar.PAIRS), "num"),
        (grammar.QUANTITY_PHRASES, "qty"),
        (frozenset({"no one"}), "pron"),
        (frozenset({"no longer"}), "neg"),
        (frozenset({"about to", "going to"}), "modal"),
        (frozenset({"black and white", "black & white"}), "alone"),
        (frozenset({"in the style of", "in style of", "in the manner of"}), "style-of"),
    )
    by_first: dict[str, dict[int, dict[tuple[str, ...], str]]] = {}
    for phrases, name in listed:
        for phrase in phrases:
            key = tuple(word.low for word in tokenise(phrase))
            by_first.setdefault(key[0], {}).setdefault(len(key), {})[key] = name
    return {
        first: tuple(sorted(lengths.items(), reverse=True)) for first, lengths in by_first.items()
    }


_DECADE = re.compile(r"[2-9]0s")
"""What someone is in: "a couple in their 60s"."""


def _closed(word: Word) -> str:
    """Return the tag of a function word, or none."""
    low = word.low
    if _DECADE.fullmatch(low):
        return "noun"
    if low in grammar.NUMBERS or low.lstrip("-")[:1].isdigit():
        word.number = grammar.NUMBERS.get(
            low, int(low) if low.isdecimal() and len(low) <= SHORT else None
        )
        return "num"
    return _closed_tags().get(low) or ("adj" if lexicon.describes_only(low) else "")


@cache
def _closed_tags() -> Mapping[str, str]:
    lists = (
        (modifiers.ADJECTIVES, "adj"),
        (grammar.ADVERBS, "adv"),
        (grammar.PREPOSITIONS, "prep"),
        (grammar.QUANTITIES, "qty"),
        (grammar.DETERMINERS, "det"),
        (grammar.RELATIVES, "rel"),
        (grammar.POSSESSIVES, "poss"),
        (grammar.PRONOUNS, "pron"),
        (grammar.MODALS, "modal"),
        (grammar.AUXILIARIES, "aux"),
        (grammar.CLAUSE_STARTS, "sub"),
        (grammar.CONJUNCTIONS, "conj"),
        (grammar.NEGATIONS, "neg"),
    )
    tags = {low: name for listed, name in lists for low in listed}
    short = ("it's", "he's", "she's", "there's", "that's", "i'm", "we're", "they're", "you're")
    return tags | dict.fromkeys(short, "pron")


def _settle(words: list[Word]) -> None:
    """Set what depends on neighbours, from left to right."""
    for at, word in enumerate(words):
        before = words[at - 1] if at else None
        after = words[at + 1] if at + 1 < len(words) else None
        if not word.tag:
            word.tag = _open(word, words, at)
        elif word.tag == "num" and word.text[0].isdigit() and _names_on(before, after):
            word.tag = "noun"
        elif word.low in _HOMONYMS:
            word.tag = "pron" if _around_her(words, at) else _homonym(word, before, after)
        elif found := _in_place(words, at):
            word.tag = found
        elif word.tag == "prep" and (_is_particle(word, after) or _parted(before, word, after)):
            word.tag = "particle"
        elif word.tag == "aux" and word.low in {"has", "have", "had", "having"} | grammar.DO_GET:
            _full_verb(word, _behind_adverbs(words, at))
        elif word.tag == "adj" and word.low in modifiers.MATERIALS and _thing(before, after):
            word.tag = "noun"
        elif word.tag == "adj" and word.low in verb_forms():
            _adjective_or_verb(word, words, at)


_ALL_BUT = frozenset({"all", "anyone", "anything", "everybody", "everyone", "everything"}) | (
    grammar.NOBODY | {"none"}
)
_TELLERS = frozenset({"he", "i", "she", "they", "we", "you"})


_NEAR = 12
"""Words back to where a clause begins."""


def _in_place(words: list[Word], at: int) -> str:
    """Return the tag that a word of a closed list has here only; nothing where it has its own."""
    word, before = words[at], words[at - 1] if at else None
    if before is None or (word.low in WITHIN and not _what_is_within_acts(words, at)):
        return ""
    few = word.low == "but" and (word_after(words, at) or word).low in grammar.NUMBERS
    if few and any(one.low in {"all", "every"} for one in words[max(0, at - 4) : at]):
        words[at + 1].tag = "noun"  # "all the lights but one go out"
        return "prep"
    if (word.low == "but" and before.low in _ALL_BUT) or (word.low == "as" and _like(words, at)):
        return "prep"
    if word.low == "both" and _both_act(words, at):
        return "adv" if before.tag == "noun" else "pron"
    if word.low in _TELLERS and _tells_which(words, at):
        return "rel"
    after = word_after(words, at) or word
    own = before.tag == "poss" or before.low.endswith("'s")
    known = known_verb(after.low) if after is not word and not after.tag else ("", "")
    one = before.low in {"a", "an", "the"} and known[1] == "s"  # "a giant looks down"
    numbered = word.tag == "num" and before.low in _NUMBERED and not nounlike(after)
    named = before.tag == "noun" and not own
    here = {
        "first": named and known[1] == "s" and "adv",  # "a man first takes off"
        "both": before.tag == "mark" and known[1] == "ing" and "pron",
        "back": own and "noun",
        "light": _light_acts(words, at, known[1]) and "noun",
        "yet": before.tag == "mark" and after.tag in {"pron", "det", "poss"} and "sub",
        "giant": one and "noun",
        "human": one and "noun",
        "straight": after.tag in {"prep", "particle", "adv"} and "adv",  # "looks straight into"
        "slow": after.low.startswith("danc") and "adv",  # "they slow dance"
        "nearby": before.tag in NOMINAL | {"prep"} and "adj",
        "half": before.low in _WHICH_HALF and "noun",
    }
    found = here.get(word.low) or ("particle" if word.low in WITHIN else "")
    return found or ("noun" if numbered else "")


def _light_acts(words: list[Word], at: int, form: str) -> bool:
    """Whether light is a thing: "the wall light switched off", "light pouring through a window"."""
    further = word_after(words, at + 1)
    moves = further is not None and further.tag in {"prep", "particle"}
    return (tag_before(words, at) == "noun" and form == "ed") or (form in {"s", "ing"} and moves)


def _what_is_within_acts(words: list[Word], at: int) -> bool:
    """Whether what is inside something does what follows: "the liquid inside changes from"."""
    after, further = word_after(words, at), word_after(words, at + 1)
    single = tag_before(words, at) == "noun" and not plural(words[at - 1])
    acts = after is not None and not after.tag and known_verb(after.low)[1] == "s"
    return single and acts and (further is None or goes_behind(further))


_NUMBERED = frozenset({"gate", "lane", "platform", "track"})
"""What a number follows: "in lane four"."""
_WHICH_HALF = frozenset(
    {"bottom", "first", "left", "lower", "other", "right", "second", "top", "upper"}
)


def _both_act(words: list[Word], at: int) -> bool:
    """Whether "both" stands for two that act: "then both go out", "and his dog both wear"."""
    after = word_after(words, at)
    may = after is not None and not after.tag and lexicon.can_be(after.low, "VERB")
    ends = at + 2 >= len(words) or words[at + 2].tag in {"mark", "adv"}
    acts = after is not None and not after.tag and known_verb(after.low)[1] == "base"
    acts = acts or (may and ends and not is_plural(words[at + 1].low))
    pair = any(word.low == "and" for word in words[at + 2 : at + 4])  # "both function and style"
    return acts and not pair and not is_agent(words[at + 1].low)


def _like(words: list[Word], at: int) -> bool:
    """Whether "as" is followed by a thing alone: "rush past as blurs" is no clause."""
    after = word_after(words, at)
    ends = at + 2 >= len(words) or words[at + 2].tag == "mark"
    return after is not None and not after.tag and after.low.endswith("s") and ends


def _tells_which(words: list[Word], at: int) -> bool:
    """Whether a pronoun tells which thing is meant: "shouts an order we can't hear"."""
    after = word_after(words, at)
    acts = after is not None and after.tag in {"modal", "neg", "aux"}
    clause = words[max(0, at - _NEAR) : at]
    told = any(word.tag == "verb" for word in clause)
    open_clause = any(word.tag == "sub" for word in clause)
    return acts and told and not open_clause and tag_before(words, at) == "noun"


def _is_particle(word: Word, after: Word | None) -> bool:
    """Whether a preposition stands without a noun: "the rocks below", "rush by in a hurry"."""
    ends = after is None or after.tag == "mark"
    if after is not None and after.tag == "rel":
        return False  # "a room in which"
    if word.low == "by" and after is not None and after.tag in {"prep", "conj", "sub"}:
        return True
    return (word.low in grammar.ALONE and ends) or (
        word.low in grammar.PARTICLES and not starts_noun(after)
    )


def _parted(before: Word | None, word: Word, after: Word | None) -> bool:
    """Whether "on" or "off" belongs to the verb in front: "switches on the light"."""
    opens = after is not None and after.tag in {"det", "poss"}
    return (
        before is not None
        and before.tag == "verb"
        and before.base in {"put", "switch", "take"}
        and word.low in {"on", "off"}
        and opens
    )


def _names_on(before: Word | None, after: Word | None) -> bool:
    """Whether a number belongs to the name in front: "a Tesla Model 3", "Apollo 11 lands"."""
    named = before is not None and before.tag == "noun" and not before.text.islower()
    return named and (not nounlike(after) or (after is not None and after.name))


def _thing(before: Word | None, after: Word | None) -> bool:
    """Whether a material stands for a thing: no noun follows, and none can have been meant."""
    if before is None or before.low in looks.MOVES:
        return False
    if before.tag not in NOMINAL | {"noun"} and before.low not in {"of", "from"}:
        return False
    linked = after is not None and before.tag != "noun" and after.low in {"and", ",", "or"}
    return not linked and not starts_noun(after)


def _behind_adverbs(words: list[Word], at: int) -> Word | None:
    """Return the word behind adverbs: "gone" of "has already gone"."""
    behind = (word for word in words[at + 1 :] if word.tag != "adv")
    return next(behind, None)


def _full_verb(word: Word, after: Word | None) -> None:
    """Read "has a hat", "gets a haircut": a verb of its own unless another one follows."""
    helps = after is not None and (
        after.tag in {"neg", "aux"} or verb_forms().get(after.low, ("", "s"))[1] != "s"
    )
    if not helps:
        word.tag, word.base = "verb", _AUXILIARY_BASES.get(word.low[:2], "have")
        word.form = "ing" if word.low.endswith("ing") else "s"


_AUXILIARY_BASES = {"do": "do", "di": "do", "ge": "get", "go": "get"}


def _homonym(word: Word, before: Word | None, after: Word | None) -> str:
    """Return the tag of a function word that has two."""
    nominal = after is not None and (not after.tag or after.tag in NOMINAL - {"det", "poss"})
    if word.low == "about":
        return "adv" if after is not None and after.tag == "num" else "prep"
    if word.low == "that":
        return "rel" if before is not None and before.tag in {"noun", "adj", "pron"} else "det"
    if word.low in {"one", "another", "can"}:
        return _counting(word, before, after)
    if word.low == "her":
        let = before is not None and before.low in {"have", "let", "make"}  # "make her smile"
        acts = after is not None and verb_forms().get(after.low, ("", ""))[1] == "base"
        own = after is not None and after.low == "back" and before is not None
        own = own and before is not None and before.tag == "prep"  # "a baby on her back"
        return "poss" if own or (nominal and not (let and acts)) else "pron"
    if word.low == "to":
        infinitive = after is not None and (
            after.low in _BARE or verb_forms().get(after.low, ("", ""))[1] == "base"
        )
        return "modal" if infinitive else "prep"
    return word.tag


def _around_her(words: list[Word], at: int) -> bool:
    """Whether "her" is whom several are around: "children behind her cheer"."""
    if words[at].low != "her" or at < 2 or words[at - 1].low not in grammar.AROUND:  # noqa: PLR2004
        return False
    after = words[at + 1 : at + 3]
    ends = len(after) == 1 or (bool(after) and after[1].tag in {"mark", "conj", "adv"})
    acts = bool(after) and known_verb(after[0].low)[1] == "base"
    ends = ends or not any(word.tag in {"verb", "aux"} for word in clause_before(words, at))
    return ends and acts and plural(words[at - 2])


def _counting(word: Word, before: Word | None, after: Word | None) -> str:
    """Return the tag of "one" and "another": "the tallest one", "one laughs"; of "a trash can"."""
    if word.low == "can":
        ends = after is None or after.tag in {"mark", "prep", "conj"}
        return "noun" if ends and before is not None and before.tag == "noun" else "modal"
    if word.low == "another":
        return "pron" if _third(after) or after is None or after.tag == "mark" else "det"
    told = before is not None and (before.tag == "adj" or before.low == "the")
    if told or (after is not None and after.low == "of"):
        return "noun"
    counts = after is not None and (not after.tag or after.tag in NOMINAL)
    return "num" if counts and not _third(after) else "pron"


_HOMONYMS = frozenset({"can", "that", "her", "to", "one", "another", "about"})
_BARE = {"be", "have", "do", "get"}


def _third(word: Word | None) -> bool:
    """Whether a word behind "one" or "another" is a third person, as no plural stands there."""
    return word is not None and not word.tag and known_verb(word.low)[1] == "s"


def _adjective_or_verb(word: Word, words: list[Word], at: int) -> None:
    """Read "left", "open", "clean", "warm": verbs behind a subject, a modal or at the start."""
    base, form = verb_forms()[word.low]
    after = words[at + 1] if at + 1 < len(words) else None
    before = words[at - 1] if at else None
    if _acts_plainly(words, at):
        word.tag, word.base, word.form = "verb", base, form
        return
    if form == "ed" and acts_in_past(words, at, base):  # "someone left a suitcase"
        word.tag, word.base, word.form = "verb", base, "s"
        return
    if word.low == "left" and before is not None and before.tag == "noun" and not nounlike(after):
        if before.low not in looks.MOVES and after is not None:
            word.tag, word.base, word.form = "verb", base, form
        return
    if after is None or (after.tag not in {"det", "poss", "num"} and after.low != "up"):
        return
    denied = before is not None and before.low in grammar.DO_NOT
    if before is None or before.tag in {"modal", "mark", "pron"} or plural(before) or denied:
        word.tag, word.base, word.form = "verb", base, form


def _acts_plainly(words: list[Word], at: int) -> bool:
    """Whether several do what an adjective names as well: "the train doors close, and"."""
    before, after = words[at - 1] if at else None, word_after(words, at)
    opened = any(_opens(word) for word in words[max(0, at - 3) : at])
    ends = after is None or after.tag in {"mark", "adv"} or after.low in _OPEN_ONTO
    further = word_after(words, at + 1)  # "her eyes open and a tear falls"
    linked = after is not None and after.low == "and" and further is not None
    ends = ends or (linked and further is not None and further.tag in {"det", "poss"})
    act, several = word_after(words, at + 2), further is not None and is_plural(further.low)
    both = linked and several and act is not None and known_verb(act.low)[1] == "base"
    idle = not any(word.tag in {"verb", "aux", "prep"} for word in words[:at])
    idle = idle or (both and _idle_clause(words, at))  # "its doors open and commuters pour out"
    return words[at].low in _SHUT and plural(before) and opened and (ends or both) and idle


def _idle_clause(words: list[Word], at: int) -> bool:
    """Whether nothing has been done yet in the clause of a word, nor placed."""
    return not any(word.tag in {"verb", "aux", "prep"} for word in clause_before(words, at))


def _opens(word: Word) -> bool:
    return word.tag in {"det", "poss"} or possessive(word.low)


_OPEN_ONTO = frozenset({"into", "on", "onto", "to"})
_SHUT = frozenset({"close", "open", "clear", "dry", "slow", "warm", "cool", "dim", "empty"})


def _open(word: Word, words: list[Word], at: int) -> str:
    """Return the tag of a word of no closed list."""
    low = word.low
    if low.endswith("ly") and len(low) > SHORT and low not in modifiers.NOT_ADVERBS:
        return "adv"
    form = verb_form(word, words, at)
    if form:
        return form
    return "adj" if _adjective(low) and not _thing_itself(words, at) else "noun"


def _thing_itself(words: list[Word], at: int) -> bool:
    """Whether an adjective that is a noun as well stands for a thing: "a red convertible"."""
    after = word_after(words, at)
    ends = after is None or after.tag == "mark" or after.low.endswith("ing")
    opened = tag_before(words, at) in NOMINAL | {"noun"}  # "a steam locomotive emerges"
    acts = after is not None and not after.tag and known_verb(after.low)[1] == "s"
    acts = acts and any(word.low in {"a", "an"} for word in words[max(0, at - 3) : at])
    return (ends or acts) and opened and lexicon.can_be(words[at].low, "NOUN")


def _adjective(low: str) -> bool:
    if "-" in low:
        tail = low.rsplit("-", 1)[1]
        return tail in modifiers.ADJECTIVE_TAILS or tail.endswith(("ed", "ing", "ful", "ous"))
    if low in modifiers.NOT_ADJECTIVES or low in THINGS:
        return False
    known = lexicon.lemmas(low)
    if known and "ADJ" not in known:
        return False
    if known and "NOUN" not in known and "VERB" not in known:
        return True
    return len(low) > SHORT and low.endswith(modifiers.ADJECTIVE_ENDINGS)
