"""What stands around a word: its neighbours, its clause so far, and who is its subject."""

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words import lexicon
from any2caption.grounding.words.forms import is_plural, singular, verb_forms
from any2caption.grounding.words.lists import grammar, looks, scenes
from any2caption.grounding.words.tags.tokens import Word

NOMINAL = frozenset({"det", "poss", "num", "qty", "adj"})
OPENS_PHRASE = frozenset({"det", "poss", "num", "qty", "pron"})
BEHIND_VERBS = frozenset(
    {"det", "poss", "num", "prep", "adv", "particle", "mark", "conj", "pron", "adj", "qty", "sub"}
)
"""Tags of what may follow a verb."""
MASSES = scenes.MASSES | scenes.LIGHTS | scenes.WEATHERS
THINGS = scenes.PLACES | scenes.BUILDINGS | scenes.TIMES | looks.GARMENTS | looks.PICTURE_NOUNS
WITHIN = frozenset({"above", "below", "inside", "outside", "underneath"})
NEAR = 12
"""Words back to an earlier verb of the same clause."""


def known_verb(low: str) -> tuple[str, str]:
    """Return the base and the form of a word that may be a verb, by the lists, then the lexicon."""
    return verb_forms().get(low) or _lexical_verb(low)


def _lexical_verb(low: str) -> tuple[str, str]:
    """Return what the lexicon alone makes of a word; nothing of what is a thing first of all."""
    found = lexicon.verb(low)
    if found is None or is_agent(low) or not THINGS.isdisjoint({low, singular(low)}):
        return "", ""
    plain = found[1] in {"s", "ing"} or lexicon.only(low, "VERB")
    return found if plain else ("", "")


def strictly_single(words: list[Word], at: int) -> bool:
    """Whether one thing stands in front that no plural can end: "a robot vacuum bumps", "Dad"."""
    back = at - 1
    if back < 0 or words[back].tag != "noun" or is_plural(words[back].low):
        return False
    if words[back].low in grammar.KIN and tag_before(words, back) in {
        "start",
        "mark",
        "conj",
        "sub",
    }:
        return True
    while back >= 0 and words[back].tag in {"noun", "adj"} and not possessive(words[back].low):
        back -= 1
    return back >= 0 and words[back].low in ONE


ONE = frozenset({"a", "an", "another", "each", "every", "one", "this"})


def tag_before(words: list[Word], at: int) -> str:
    """Return the tag of the word in front; `start` in front of the first."""
    return words[at - 1].tag if at else "start"


def word_after(words: list[Word], at: int) -> Word | None:
    """Return the next word, or None."""
    return words[at + 1] if at + 1 < len(words) else None


def starts_noun(after: Word | None) -> bool:
    """Whether a word may begin or go on with a noun phrase."""
    if after is None:
        return False
    if not after.tag:
        known = verb_forms().get(after.low, ("", ""))[1]
        acts = known_verb(after.low)[1] == "s" and not lexicon.can_be(after.low, "NOUN")
        return not after.low.endswith("ly") and known != "s" and not acts
    return after.tag in NOMINAL | {"noun", "pron", "ref", "quote", "style", "camera"}


def nounlike(after: Word | None) -> bool:
    """Whether a word goes on with the phrase in front rather than opening another."""
    return (
        after is not None
        and starts_noun(after)
        and after.tag not in OPENS_PHRASE
        and after.low not in looks.MOVE_SIDES
    )


def goes_behind(after: Word | None) -> bool:
    """Whether a word may follow a verb, and no noun that a plural stands in front of."""
    return after is not None and (
        after.tag in BEHIND_VERBS | {"neg", "modal", "quote"}
        or after.low.endswith(("ing", "ly"))
        or (after.tag == "noun" and len(after.text) > 1 and after.text.isupper())
    )


def clause_before(words: list[Word], at: int) -> list[Word]:
    """Return the words of the clause in front of a word, as far as it is near."""
    start = at
    while start > max(0, at - NEAR) and words[start - 1].tag not in {"mark", "sub", "rel"}:
        start -= 1
        if start > 1 and words[start].tag == "adj" and words[start - 1].low == ",":
            start -= words[start - 2].tag == "adj"
    return words[start:at]


def acts_itself(words: list[Word], at: int) -> bool:
    """Whether the noun in front acts by itself: a person, an animal, a machine."""
    low = words[at - 1].low
    return words[at - 1].name or is_agent(low) or low.endswith(_DOERS)


def made(words: list[Word], at: int) -> bool:
    """Whether one thing and what it is made of stand in front: "a robot made of wood dances"."""
    clause = [word.low for word in clause_before(words, at)]
    opened = bool(clause) and words[at - len(clause)].tag in {"det", "poss"}
    return opened and clause[-3:-1] in (["made", "of"], ["made", "from"])


_DOERS = ("er", "or", "ist", "ina", "ian", "one")


def attached_subject(words: list[Word], at: int) -> bool:
    """Whether one thing with something attached stands in front: "a toddler in rain boots"."""
    clause = clause_before(words, at)
    idle = not any(word.tag == "aux" or word.form in {"s", "base"} for word in clause)
    linked = any(
        word.tag == "prep" or word.form == "ing" or word.low == "without" for word in clause[2:]
    )
    pair = bool(clause) and clause[0].low in grammar.PAIRS  # "a pair of sneakers walks by itself"
    return idle and ((linked and clause[0].tag in {"det", "poss"}) or pair)


def has_singular_subject(words: list[Word], at: int) -> bool:
    """Whether the noun in front is one thing with its article: "a dog", "the old man"."""
    back = at - 1 - (at > 1 and words[at - 1].tag == "layout")  # "a person on the left waves"
    if back < 0 or words[back].tag not in {"noun", "ref", "quote"} or is_plural(words[back].low):
        return False
    if words[back].tag in {"ref", "quote"}:
        return True
    mass = words[back].low in scenes.MASSES | scenes.LIGHTS | scenes.WEATHERS
    mass = mass and words[at].low not in scenes.LIGHTS
    while back >= max(0, at - NEAR) and _in_phrase(words, back):
        back -= 1
    owned = back >= 0 and words[back].tag == "noun" and possessive(words[back].low)
    several = back >= 0 and words[back].tag == "num" and words[back].number not in {None, 1}
    opened = back >= 0 and words[back].tag in {"det", "poss", "num"} and not several
    noun = words[at - 1 - (words[at - 1].tag == "layout")]
    single = opened or owned or mass or noun.name or noun.low.isdecimal()
    return single or (is_agent(noun.low) and not several)


def parts_attributes(words: list[Word], at: int) -> bool:
    """Whether a comma parts two attributes: "a large, | finely carved cone"."""
    behind = (word for word in words[at + 1 : at + _HOW_FAR] if word.tag != "adv")
    after = next(behind, None)
    beside = at > 0 and words[at - 1].tag == "adj" and words[at].low == ","
    return beside and after is not None and after.tag == "adj"


_HOW_FAR = 4


def _in_phrase(words: list[Word], at: int) -> bool:
    """Whether a word goes on with the noun phrase behind it: "dimly lit, narrow | corridor"."""
    word = words[at]
    if word.low == ",":
        return parts_attributes(words, at)
    how = word.tag == "adv" and words[at + 1].tag == "adj"
    return how or (word.tag in {"noun", "adj"} and not possessive(word.low))


def possessive(low: str) -> bool:
    """Whether a noun owns what follows: "the man's", "kids'"."""
    return low.endswith(("'s", "s'"))


def plural(word: Word | None) -> bool:
    """Whether a word is a noun that names several."""
    if word is None or word.tag != "noun" or word.low.endswith("'s"):
        return False
    return is_plural(word.low) or word.low.endswith(("fish", "sheep", "deer"))
