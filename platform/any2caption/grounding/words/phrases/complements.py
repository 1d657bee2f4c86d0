"""What belongs to a verb: its object, particles, ways and tools; what says where does not.

All functions take the tagged words of a sentence and return places in it.
"""

from any2caption.grounding.words.lists import grammar, looks, verbs
from any2caption.grounding.words.lists.languages import TONGUES
from any2caption.grounding.words.phrases.attachments import (
    attached,
    attached_of,
    kept_so,
    list_of,
    relative,
)
from any2caption.grounding.words.phrases.noun_phrases import NounPhrase, noun_phrase
from any2caption.grounding.words.tags.tokens import Word

SETTINGS = frozenset({"place", "time", "light", "weather"})
LIKE_SETTINGS = SETTINGS | {"building", "weak place"}
_OF_THINGS = frozenset({"with", "of", "from", "for", "like", "as"})
"""Prepositions that say with what, not where."""


def tag_at(words: list[Word], at: int) -> str:
    """Return the tag of a word; `end` behind the last."""
    return words[at].tag if at < len(words) else "end"


def low_at(words: list[Word], at: int) -> str:
    """Return the casefolded form of a word; nothing behind the last."""
    return words[at].low if at < len(words) else ""


def main_verb(words: list[Word], at: int) -> tuple[int, bool]:
    """Return where a verb is behind its auxiliaries and adverbs, and whether it is denied."""
    negated = False
    while tag_at(words, at) in {"aux", "modal", "adv", "neg", "particle"}:
        if tag_at(words, at) == "neg":
            negated = negated or low_at(words, at + 1) != "only"
        at += 1
    return at, negated


def complements(words: list[Word], at: int, *, keep_settings: bool, limit: int = 99) -> int:
    """Return the end of what belongs to a verb: objects, particles, ways and tools."""
    while at < len(words) and limit > 0:
        after = complement(words, at, keep_settings=keep_settings)
        if after == at:
            return at
        at, limit = after, limit - 1
    return at


def complement(words: list[Word], at: int, *, keep_settings: bool) -> int:
    """Return the end of one of them; the word itself where none begins there."""
    tag = tag_at(words, at)
    further = _and_then(words, at, keep_settings=keep_settings)
    if end := further or _said_of(words, at) or (at + 1 if _goes_with_verb(words, at) else 0):
        return end
    if tag == "modal" and low_at(words, at) == "to":
        return at + 2 if tag_at(words, at + 1) in {"verb", "aux"} else at
    if low_at(words, at) == "than" and (compared := list_of(words, at + 1)):
        return objects_end(words, compared, at)
    if tag == "prep" or (low_at(words, at) == "as" and likens(words, at)):
        return argument(words, at, keep_settings=keep_settings)
    phrases = [] if tag in {"camera", "style"} else list_of(words, at)
    views = bool(phrases) and phrases[0].sort == "camera" and not _enjoyed(words, at, phrases[0])
    if not phrases or (views and phrases[0].head.low not in {"camera", "shot"}):
        return at
    return objects_end(words, phrases, at)


def _enjoyed(words: list[Word], at: int, phrase: NounPhrase) -> bool:
    """Whether a view is what somebody has before them: "enjoys the view"."""
    acts = words[at - 1].tag == "verb" and words[at - 1].base not in verbs.SHOWING
    own = tag_at(words, at) == "poss" or low_at(words, at) == "the"  # "offers a panoramic view"
    return acts and phrase.head.low == "view" and own


def _and_then(words: list[Word], at: int, *, keep_settings: bool) -> int:
    """Return the end of "onto the table | and then to the shelf"; 0 for no such."""
    then = [low_at(words, at), low_at(words, at + 1), tag_at(words, at + 2)]
    end = at
    if then == ["and", "then", "prep"]:
        end = argument(words, at + 2, keep_settings=keep_settings)
    return end if end > at + 2 else 0


def _said_of(words: list[Word], at: int) -> int:
    """Return the end of "everything its owner says", "how they interact"; 0 for no such clause."""
    if low_at(words, at) == "nothing" and tag_at(words, at + 1) == "verb":
        return at + 2  # "pretends nothing happened"
    if low_at(words, at) == "what" and low_at(words, at + 1) in grammar.BE:
        return complements(words, at + 2, keep_settings=True)  # "eats what is inside"
    if low_at(words, at) == "that" and tag_at(words, at + 1) in {"pron", "det", "poss"}:
        marks = (n for n in range(at, len(words)) if words[n].tag in {"mark", "sub"})
        return next(marks, len(words)) if words[at - 1].base in verbs.TELLING else 0
    asked = low_at(words, at) in {"how", "why"}
    phrase = noun_phrase(words, at + 1) if asked or low_at(words, at) in _WHATEVER else None
    if phrase is None or tag_at(words, phrase.end) != "verb":
        return 0
    return complements(words, phrase.end + 1, keep_settings=True) if asked else phrase.end + 1


_WHATEVER = frozenset({"anything", "everything", "something", "what", "whatever"})


def _goes(words: list[Word], at: int) -> bool:
    """Whether "to the left" says where a movement goes: "dives to the left"."""
    before = words[at - 1]
    moves = before.tag in {"adv", "particle"} or (
        before.tag == "verb" and before.base not in verbs.STANCES
    )
    return moves and low_at(words, at).startswith("to the ")


_ASKED = frozenset({"how", "what", "when", "where", "which"})
_TARGETS = frozenset({"at", "from", "to", "toward", "towards"})
_NONE = frozenset({"none", "nothing", "nobody"})


def _goes_with_verb(words: list[Word], at: int) -> bool:
    """Whether a word goes with the verb in front of it: "away", "slowly", "it", "start walking"."""
    tag, after = tag_at(words, at), tag_at(words, at + 1)
    if tag == "verb":
        chained = tag_at(words, at - 1) in {"verb", "particle", "pron"}
        return chained and words[at].form in {"ing", "base"}
    return (
        tag == "particle"
        or [low_at(words, at), low_at(words, at + 1)] == ["not", "to"]  # "tries not to laugh"
        or (low_at(words, at) in _ASKED and low_at(words, at + 1) == "to")  # "how to swim"
        or (tag == "layout" and _goes(words, at))
        or low_at(words, at) in _NONE
        or (tag == "adv" and after != "verb")
        or (tag == "pron" and after not in {"verb", "aux"})
    )


def likens(words: list[Word], at: int) -> bool:
    """Whether "as" stands before a noun that does nothing: "as a lifeguard"."""
    phrase = noun_phrase(words, at + 1)
    if phrase is None:
        return False
    end = attached_of(words, phrase.end)
    place = noun_phrase(words, end + 1) if tag_at(words, end) == "prep" else None
    if place and tag_at(words, place.end) == "verb" and words[place.end].form == "s":
        return False  # "as the runner in lane four overtakes the leader"
    return tag_at(words, end) not in {"verb", "aux", "modal", "adv"}


def objects_end(words: list[Word], phrases: list[NounPhrase], at: int) -> int:
    """Return the end of objects with what is attached to the last."""
    end = attached(words, phrases[-1])
    reference, _ = reference_behind(words, end)
    return reference or max(at, end)


def argument(words: list[Word], at: int, *, keep_settings: bool) -> int:
    """Return the end of a prepositional phrase that belongs to the verb, else its start."""
    word = words[at]
    phrases = list_of(words, at + 1)
    if not phrases:
        return _without_noun(words, at, keep_settings=keep_settings)
    first, last = phrases[0], phrases[-1]
    end = attached_of(words, last.end)
    if tag_at(words, end) == "rel" or low_at(words, end) == "whose":  # "on one who jumps up"
        end = attached(words, last)
    end += word.low == "with" and kept_so(words, end)
    resting = word.low == "with" and tag_at(words, at + 1) == "poss" and end < len(words)
    if resting and words[end].form == "ing":  # "with his chin resting on his hands"
        end = complements(words, end + 1, keep_settings=True)
    if word.low in _TARGETS and tag_at(words, end) == "layout":
        return end + 1  # "from the left edge to the right", "to the girl on the right"
    aimed = word.low == "at" and aims(words, at)
    looks_so = _looks(word, first) and not (aimed and first.head.low == "view")
    looks_so = looks_so and words[at - 1].base not in _WEARS
    if tag_at(words, end) in {"ground", "layout"} or looks_so or by_artist(word, first):
        return at
    setting = not aimed and (first.sort in LIKE_SETTINGS or named_place(word, first))
    setting = setting and word.low not in _OF_THINGS
    setting = setting and not (word.low == "in" and first.noun in MOVES_IN)
    setting = setting and not (word.low == "by" and _done(words, at))
    stays = grammar.DIRECTIONS | grammar.BESIDE
    if setting and not keep_settings and word.low not in stays:
        return _held(words, end) or at  # "on the floor with his left arm raised"
    reference, _ = reference_behind(words, end)
    return reference or end


MOVES_IN = frozenset({"breeze", "sunbeams", "wind", "winds"})
"""What moves things in it, and is no setting: "fluttering in the wind"."""


def _done(words: list[Word], at: int) -> bool:
    """Whether "by" names who does it: "blown inside out by the wind"."""
    verb = next((word for word in reversed(words[max(0, at - _NEAR) : at]) if word.base), None)
    return verb is not None and verb.form == "ed"


_WEARS = frozenset({"clothe", "dress"})
"""Behind these "in black and white" is what somebody wears."""
_NEAR = 4
_SIDES = frozenset({"above", "behind", "below", "inside", "outside", "within"})


def aims(words: list[Word], at: int) -> bool:
    """Whether a verb in front of "at" has a target: "looks up at the rain"."""
    start = max(0, at - _FAR)
    done = [word for word in words[start:at] if word.tag in {"verb", "mark"}]
    return bool(done) and done[-1].base in verbs.AIMING


_FAR = 7
"""Words from a verb to its target at most: "looking out of the window at the sea"."""


def _held(words: list[Word], at: int) -> int:
    """Return the end of "with his left arm raised"; 0 where no such begins."""
    if low_at(words, at) != "with" or tag_at(words, at + 1) != "poss":
        return 0
    end = argument(words, at, keep_settings=True)
    held = end > at and (words[end - 1].form == "ed" or words[end - 1].tag == "adj")
    return end if held else 0


def _without_noun(words: list[Word], at: int, *, keep_settings: bool) -> int:
    """Return the end of "out of", "at him", "for something that isn't there", "from above"."""
    tag, further = tag_at(words, at + 1), tag_at(words, at + 2)
    if low_at(words, at) == "like" and tag == "pron" and further in {"aux", "verb"}:
        marks = (n for n in range(at, len(words)) if words[n].tag == "mark")
        return next(marks, len(words))  # "looks like he has seen a ghost"
    if low_at(words, at) == "from" and tag == "prep" and low_at(words, at + 1) in _SIDES:
        return max(at + 2, argument(words, at + 1, keep_settings=True))
    if tag == "prep" and further != "prep":
        return max(at + 2, argument(words, at + 1, keep_settings=True))
    if tag == "pron" and further == "rel":
        return relative(words, at + 2)
    if tag == "verb" and words[at + 1].form == "ing":  # "keeps a vase from falling"
        return complements(words, at + 2, keep_settings=keep_settings)
    return at + {"pron": 2, "verb": 1, "particle": 2}.get(tag, 0)


def _looks(word: Word, phrase: NounPhrase) -> bool:
    """Whether a phrase says how it all looks: "in slow motion", "with vivid colors"."""
    return phrase.sort in {"camera", "style"} and word.low in {"in", "with", "as", "on", "at"}


def reference_behind(words: list[Word], at: int) -> tuple[int, str]:
    """Return the end of "in picture 2", "on the left of image 1" (0: none), and the place."""
    place = ""
    if tag_at(words, at) == "verb" and words[at].base in verbs.SHOWING | {"see", "take"}:
        at += 1 if words[at].form == "ed" else 0
    if tag_at(words, at) == "layout":
        place, at = low_at(words, at), at + 1
    if tag_at(words, at) != "prep":
        return 0, ""
    if low_at(words, at) in grammar.RELATION_PHRASES:
        place = low_at(words, at)
    after = at + 1
    while tag_at(words, after) in {"det", "poss"}:
        after += 1
    return (after + 1, place) if tag_at(words, after) == "ref" else (0, "")


def acts(words: list[Word], phrase: NounPhrase) -> bool:
    """Whether a phrase does something behind it: "the liquid slowly dispersing"."""
    end = attached(words, phrase)
    while tag_at(words, end) == "adv":
        end += 1
    return tag_at(words, end) in {"verb", "aux"}


def by_artist(word: Word, phrase: NounPhrase) -> bool:
    """Whether a phrase is "by Hokusai": a name, or an artist in small letters."""
    return word.low == "by" and (
        phrase.noun.casefold() in looks.ARTISTS or (phrase.head.name and phrase.sort == "thing")
    )


def named_place(word: Word, phrase: NounPhrase) -> bool:
    """Read "in Llandudno", "at Hogwarts": a name behind a preposition of place is a place."""
    if phrase.noun.rpartition(" ")[2] in TONGUES:  # "signs in Chinese"
        return False
    return word.low in {"in", "at", "near"} and phrase.head.name and phrase.sort == "thing"
