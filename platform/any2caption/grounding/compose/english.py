"""English without a grammar book: sentences, lists, agreement, articles, predicates.

Words come in as facts have them, in the middle of a sentence; what is not understood is left as it
was written.
"""

import re
from collections.abc import Iterable
from functools import cache

from any2caption.grounding.vocabulary import names_men
from any2caption.grounding.words.lists.grammar import HEDGES, KIN


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOPPED = re.compile(r"[.!?…。！？][\"'”’»)\]」』）]*$")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef][\"'”’»)\]」』）]*$")
_SAYING = re.compile(r"\w|[\u2600-\u27bf\U0001f000-\U0001faff]")
"""What says something: a letter, a digit, a pictograph."""
_LOOSE = " \t\r\n,;:-–—、，；："
_MEANT = re.compile(r"\w[A-Z]|^[a-z]?\d|^\w+[./@]\w")
"""A first word whose letters are meant as they are: `iPhone`, `3D`, `site.com`."""
_ARTICLES = frozenset({"a", "an", "the"})
_ONE = frozenset({"a", "an", "one", "another", "this", "that", "each", "every", "single"})
_MANY = _words("""
    both these those two three four five six seven eight nine ten eleven twelve several many few
    some various numerous multiple dozens hundreds thousands pair couple crowd group they we
""")
_POSSESSIVE = frozenset({"my", "your", "his", "her", "its", "our", "their", "no", "any", "all"})
_DETERMINERS = _ARTICLES | _ONE | _MANY | _POSSESSIVE
_PRONOUNS = _words("""
    he she it they we you i someone somebody everyone everybody something nobody
""")
_PLURALS = _words("""
    people passers-by passersby men women children mice geese feet teeth police cattle scissors
    skis trousers pants glasses jeans shorts surroundings
""")
_ALIKE = ("fish", "sheep", "deer")
"""Nouns whose plural looks the same."""
_MASS = _words("""
    water snow rain ice fog mist smoke fire air wind breeze light sunlight sunshine moonlight
    darkness grass sand sky ocean sea traffic furniture food fruit rice bread cheese milk
    coffee tea wine beer oil paint ink paper glass wood metal gold silver music art nature
    space time neon downtown underwater weather humidity steam dust mud dirt soil hair fur cotton
    wool leather clothing lava liquid honey sugar salt flour butter plastic concrete acid
    spring summer autumn winter christmas halloween twilight nightfall daytime
    salad popcorn broccoli corn daylight dusk dawn sunset sunrise night noon midnight golf
    scenery wheat confetti condensation syrup velvet chocolate graffiti foam slime ash pollen
    basketball football soccer tennis volleyball dew sweat blood skin frost haze fur moss ivy
    seaweed jewelry jewellery luggage laundry thunder lightning lace embroidery
    chess nighttime firelight candlelight lamplight starlight torchlight
""")
_LITTLE = _words("a an the his her their its with and of to in on at is are")
_COLLECTIVE = _words("couple pair group crowd flock herd")
_NOT_PLURAL = re.compile(
    r"(?:ss|us|(?<!tax)(?<!sk)is|news|lens|canvas|tennis|gas|bus|series|chess)$"
)
_AFTER_NOUN = re.compile(
    r"\s+(?:of|in|on|at|with|without|from|to|into|onto|over|under|above|below|behind|beside|near|by"
    r"|but|for|that|which|who|whose|as|between|among|around|through|along|across|against|inside|outside"
    r"|wearing|holding|dressed|everywhere|nearby|overhead|\w{3,}ing)\b.*$|[,;(].*$",
    re.IGNORECASE,
)
_AN = re.compile(
    r"(?:[aeio]|8|1[18](?:\d\d)?(?:s|th)?\b|u(?!ni|se|ti|k|r[aeiou])|hour|honest|heir)",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    rf"(?:what (?:appear|look|seem)s? (?:to be|like)|{'|'.join(map(' '.join, sorted(HEDGES)))}) ",
    re.IGNORECASE,
)
_ONE_SOUND = re.compile(r"(?:one|once|eu|ewe)", re.IGNORECASE)
_BE = {"is": "are", "was": "were", "has": "have", "does": "do", "isn't": "aren't"}
_AUXILIARIES = _words("""
    is are was were be been has have had does do did can could will would may might must
""")
_NO_GERUND = _words("bring sing ring swing spring fling cling string sting king thing wing")
_PARTICIPLES = _words("""
    stuck parked covered dressed surrounded clad seated perched filled lit illuminated bathed set
    made placed located gathered displayed hung worn shown seen captured adorned draped attached
    wrapped tied scattered arranged stacked engrossed submerged suspended frozen broken folded
    situated positioned nestled poised
""")


def sentence(words: str) -> str:
    """Return words as a sentence: one line, a capital in front, one stop at the end.

    Nothing but marks gives nothing.
    """
    text = " ".join(words.split())
    if not _STOPPED.search(text):
        text = text.rstrip(_LOOSE)
    text = text.lstrip(_LOOSE + ".")
    first = _SAYING.search(text)
    if first is None:
        return ""
    word = re.match(r"[\w'’./@]+", text[first.start() :])
    if word is not None and not _MEANT.search(word.group()):
        text = text[: first.start()] + first.group().upper() + text[first.end() :]
    if _STOPPED.search(text):
        return text
    return text + ("。" if _WIDE.search(text) else ".")


def inner(text: str) -> str:
    """Return words for the middle of a sentence: one line, no marks around them."""
    return " ".join(text.split()).strip(_LOOSE + ".。")


def joined(words: Iterable[str], link: str = "and") -> str:
    """Return `a, b and c`; each once."""
    *most, last = list(dict.fromkeys(words)) or [""]
    return f"{', '.join(most)} {link} {last}" if most else last


_OF_INPUT = re.compile(r"\w+ \d+'s ", re.IGNORECASE)
"""`picture 1's dog`."""


def with_article(noun: str) -> str:
    """Return `a dog`, `an amusement park`; what has a determiner, is many or a mass stays as it is.

    A wrong article (`a apple`) is put right.
    """
    first, _, rest = noun.partition(" ")
    if _HEDGE.match(noun) or _OF_INPUT.match(noun):
        return noun
    if first.casefold() in {"a", "an"} and rest and not rest[0].isupper():
        return f"{_article(rest)} {rest}"
    if first.casefold() in _COLLECTIVE:
        return f"a {noun}"
    if first.casefold().removesuffix("'s") in KIN and first.endswith("'s"):
        return noun
    counted = first.isdigit() and bool(rest)
    if counted or first.casefold() in _DETERMINERS | _PRONOUNS or not noun[:1].islower():
        return noun
    told = " " in noun and head_of(noun) in {"ocean", "sea", "sky"}  # "a stormy sea"
    mass = head_of(noun) in _MASS and not told
    return noun if is_many(noun) or mass else f"{_article(noun)} {noun}"


def _article(noun: str) -> str:
    return "an" if _AN.match(noun) and not _ONE_SOUND.match(noun) else "a"


def head_of(phrase: str) -> str:
    """Return the head of a noun phrase: `dog` of `a small dog in a park`."""
    words = _AFTER_NOUN.sub("", phrase.casefold()).split() or phrase.casefold().split()
    words = words[:-1] if words[-1:] == ["only"] and words[1:] else words  # "hands only"
    return words[-1] if words else ""


def has_determiner(phrase: str) -> bool:
    """Whether a noun phrase begins with an article, a number or the like."""
    return phrase.split(" ", 1)[0].casefold() in _DETERMINERS


def is_many(phrase: str, number: int | None = None) -> bool:
    """Whether a noun phrase takes `are`: by its number where that is known, or its words."""
    phrase = _HEDGE.sub("", phrase)
    words = phrase.casefold().split()
    if number is not None or not words:
        return number not in {None, 1} or (bool(words) and _ends_in_plural(head_of(phrase)))
    if words[:3] == ["a", "lot", "of"]:
        return _ends_in_plural(words[-1])
    if words[0] in _ONE and any(word.endswith("'s") for word in words[:-1]):
        return _ends_in_plural(head_of(phrase))  # "an old man's hands"
    if words[0] in _ONE and not (_MANY | _LARGE) & set(words[1:2]):
        return " and a" in phrase.casefold()
    alike = words[0] not in _DETERMINERS and head_of(phrase).endswith(_ALIKE)
    several = words[0] in _MANY or (words[-2:-1] == ["other"] and words[-1] in _MANY)
    return several or " and " in phrase or alike or _ends_in_plural(head_of(phrase))


def _ends_in_plural(word: str) -> bool:
    return (
        word in _PLURALS or names_men(word) or (word.endswith("s") and not _NOT_PLURAL.search(word))
    )


_LARGE = frozenset({"dozen", "hundred", "million", "thousand"})
_WHICH = (
    "(?:other|left|right|first|second|third|fourth|last|upper|lower|older|younger|taller|smaller"
    "|bigger)"
)
"""What tells one from another, so that it is said each time."""


def definite(phrase: str, noun: str = "") -> str:
    """Return how to speak of a thing again: `the dog` of `a small dog`, and of the noun `dog`."""
    words = phrase.split()
    first = words[0].casefold() if words else ""
    if (
        first in _PRONOUNS
        or first in _POSSESSIVE
        or (words and not has_determiner(phrase) and phrase[:1].isupper())
    ):
        return phrase.partition(", ")[0]
    if noun and noun.casefold() in phrase.casefold():
        named = re.search(
            rf"\b(?:{_WHICH} )?{re.escape(noun)}(?: of [\w' .-]+)?", phrase, re.IGNORECASE
        )
        return f"the {named.group().strip() if named else noun}"
    if first == "another":
        words[0] = "other"
    elif first in _ARTICLES | {"some", "one"}:
        words = words[1:]
    return "the " + " ".join(words)


def bare(phrase: str) -> str:
    """Return a noun phrase without its article: `dog` of `the dog`."""
    first, _, rest = phrase.partition(" ")
    return rest if rest and first.casefold() in _ARTICLES else phrase


def be(*, many: bool) -> str:
    """Return `is` or `are`."""
    return "are" if many else "is"


def _be_of(subject: str, *, many: bool) -> str:
    return "am" if subject.casefold() == "i" else be(many=many)


def said_in(words: str, text: str) -> bool:
    """Whether a text has all words of another, in whatever form: `raises` in "raising an arm"."""
    there = [word.casefold() for word in re.findall(r"\w+", text)]
    asked = [word.casefold() for word in re.findall(r"\w+", words)]
    wanted = [word for word in asked if word not in _LITTLE]
    return bool(wanted) and all(any(_is_form(word, one) for word in there) for one in wanted)


def _is_form(word: str, of: str) -> bool:
    """Whether a word may be another's form; who dances is a dancer, and may do something else."""
    doer = word.endswith(("er", "ers")) and "er" not in of[-3:]
    return word.startswith(of[: max(3, len(of) - 2)]) and not doer


@cache
def base_form(verb: str) -> str:
    """Return the bare form of a verb: `wave` of `waves`, `are` of `is`."""
    from lemminflect import getLemma

    low = verb.casefold()
    return _BE.get(low) or next(iter(getLemma(low, "VERB")), low)


def third_person(verb: str) -> str:
    """Return `waves` of `wave`."""
    return _form_of(verb, "VBZ")


def gerund(verb: str) -> str:
    """Return `waving` of `wave`."""
    return _form_of(verb, "VBG")


@cache
def _form_of(verb: str, tag: str) -> str:
    """A verb's form by its Penn Treebank tag; an unknown one as it is."""
    from lemminflect import getInflection

    return next(iter(getInflection(verb.casefold(), tag)), verb)


def clause(subject: str, predicate: str, *, many: bool = False, form: str = "") -> str:
    """Return `the dog is swimming in the sea`, `two people wave with the right hand`.

    Args:
        subject: who.
        predicate: a third person singular, as facts of conditions have it, or words of a user.
        many: whether the subject takes `are`.
        form: how the predicate is worded, where that is known: `participle` and `preposition` go
            behind `is`, a user's `finite` and `base` verbs agree already.
    """
    words = predicate.split()
    at = next((n for n, word in enumerate(words) if not word.casefold().endswith("ly")), 0)
    verb = words[at].casefold() if words else ""
    bare_verb = verb.rstrip(",")
    gerund = bare_verb.endswith("ing") and bare_verb not in _NO_GERUND
    if verb == "having" and form == "finite":  # "having lost his shoe, the runner"
        return clause(subject, " ".join(["has", *words[1:]]), many=many, form="finite")
    if verb == "being" or form in {"participle", "preposition"} or gerund:
        return f"{subject} {_be_of(subject, many=many)} {predicate}"
    if not form and bare_verb in _PARTICIPLES:
        return f"{subject} {_be_of(subject, many=many)} {predicate}"
    if many and verb in _BE:
        words[at] = _BE[verb]
    elif not many and verb in _BE.values() and verb not in {"do", "have"}:
        words[at] = next(one for one, plural in _BE.items() if plural == verb)
    elif form != "base" and many and verb not in _AUXILIARIES and form != "finite":
        words[at] = base_form(words[at])
    elif form == "base" and not many and verb not in _AUXILIARIES:
        words[at] = third_person(words[at])
    return " ".join([subject, *words])


def denied(subject: str, predicate: str, *, many: bool = False) -> str:
    """Return `the dog does not bark`, `the camera is not panning left`."""
    words = predicate.split()
    verb = words[0].casefold() if words else ""
    if verb in _AUXILIARIES:
        return clause(subject, " ".join([words[0], "not", *words[1:]]), many=many)
    if verb.endswith("ing") and verb not in _NO_GERUND:
        return f"{subject} {_be_of(subject, many=many)} not {predicate}"
    return f"{subject} {'do' if many else 'does'} not {' '.join([base_form(verb), *words[1:]])}"
