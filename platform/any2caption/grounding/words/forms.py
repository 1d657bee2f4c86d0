"""Forms of English words: which verb a form is of, singulars, and what may be the same word."""

import re
from functools import cache
from itertools import chain

from any2caption.grounding.vocabulary import names_men
from any2caption.grounding.words import lexicon
from any2caption.grounding.words.lists import verbs

_SINGULARS = {
    "passersby": "passerby", "passers-by": "passer-by",
    "men": "man", "women": "woman", "people": "person", "children": "child", "feet": "foot",
    "teeth": "tooth", "mice": "mouse", "geese": "goose", "oxen": "ox", "leaves": "leaf",
    "knives": "knife", "wolves": "wolf", "lives": "life", "wives": "wife", "shelves": "shelf",
    "scarves": "scarf", "loaves": "loaf", "halves": "half", "calves": "calf", "hooves": "hoof",
    "sheep": "sheep", "deer": "deer", "fish": "fish", "kids": "kid",
    "taxis": "taxi",
}  # fmt: skip
_NOT_PLURAL = ("ss", "us", "is", "ous")
_SPELLINGS = {
    "colour": "color", "grey": "gray", "harbour": "harbor", "centre": "center",
    "theatre": "theater", "mould": "mold", "neighbour": "neighbor", "jewellery": "jewelry",
    "watercolour": "watercolor", "colourful": "colorful", "closeup": "close-up",
    "timelapse": "time-lapse", "tyre": "tire", "pyjamas": "pajamas", "aeroplane": "airplane",
    "aluminium": "aluminum", "moustache": "mustache", "plough": "plow", "jeweller": "jeweler",
}  # fmt: skip
_BRITISH = re.compile(r"(?<=[a-z]{2})(?:our|tre|bre|ise|yse|isation)$")
_ENDINGS = {"our": "or", "tre": "ter", "bre": "ber", "ise": "ize", "yse": "yze",
            "isation": "ization"}  # fmt: skip
_VOWELS = "aeiou"
_SHORTEST = 3
"""Letters that a stem keeps at least."""


@cache
def verb_forms() -> dict[str, tuple[str, str]]:
    """Return form → (base, which form) of all known verbs."""
    forms: dict[str, tuple[str, str]] = {}
    for base in sorted(verbs.VERBS):
        forms.setdefault(_third(base), (base, "s"))
        stem = base + base[-1] if base in verbs.DOUBLED else base
        silent = base.endswith("e") and not base.endswith(("ee", "oe", "ye"))
        forms.setdefault(f"{base[:-1] if silent else stem}ing", (base, "ing"))
        if base != "see":  # "seed" is a thing
            forms.setdefault(_past(base, stem), (base, "ed"))
    for form, base in verbs.STRONG_FORMS.items():
        forms[form] = (base, "ing" if form.endswith("ing") else "ed")
    for base in verbs.VERBS:
        if base not in forms or forms[base][0] != base:
            forms.setdefault(base, (base, "base"))
    return forms


def _third(base: str) -> str:
    if base.endswith(("s", "x", "ch", "sh", "z")) or base in {"go", "do", "echo"}:
        return f"{base}es"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return f"{base[:-1]}ies"
    return f"{base}s"


def _past(base: str, stem: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return f"{base[:-1]}ied"
    return f"{stem}ed"


def participle_base(form: str) -> str:
    """Return a likely base of an unknown word in -ing or -ed."""
    stem = form.removesuffix("ing") if form.endswith("ing") else form.removesuffix("ed")
    if len(stem) >= _SHORTEST and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    if stem.endswith(
        (
            "at",
            "iz",
            "us",
            "ov",
            "iv",
            "ang",
            "ac",
            "bl",
            "tl",
            "dl",
            "gl",
            "uc",
            "as",
            "is",
            "os",
            "ur",
            "ag",
            "ens",
            "rs",
        )
    ):
        return f"{stem}e"
    return stem


def singular(noun: str) -> str:
    """Return a noun's singular: `boxes` → `box`, `women` → `woman`; a singular as it is."""
    if noun in _SINGULARS:
        return _SINGULARS[noun]
    if names_men(noun):
        return f"{noun[:-3]}man"
    if len(noun) <= _SHORTEST or not noun.endswith("s") or noun.endswith(_NOT_PLURAL):
        return noun
    if noun.endswith("ies") and len(noun) > _SHORTEST + 1:
        return f"{noun[:-3]}y"
    if noun.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return noun[:-2]
    return noun[:-1]


def is_plural(noun: str) -> bool:
    """Whether a noun is a plural by its form."""
    return (noun in _SINGULARS and _SINGULARS[noun] != noun) or singular(noun) != noun


@cache
def stems(word: str) -> frozenset[str]:
    """Return what a word may be a form of, itself included; American spelling."""
    plain = word.casefold().replace("’", "'").removesuffix("'s").removesuffix("'")
    plain = _SPELLINGS.get(plain, plain)
    found = {plain, singular(plain), _SPELLINGS.get(singular(plain), plain)}
    found |= {_american(one) for one in (*found, *chain(*lexicon.lemmas(plain).values()))}
    known = verb_forms().get(plain)
    if known:
        found.add(known[0])
    elif plain.endswith(("ing", "ed")) and len(plain) > _SHORTEST + 2:
        found.add(participle_base(plain))
    return frozenset(found)


def _american(word: str) -> str:
    """Return the American spelling: `colour` as `color`, `organise` as `organize`."""
    word = _SPELLINGS.get(word, word)
    if len(word) <= _SHORTEST + 1:
        return word
    return _BRITISH.sub(lambda found: _ENDINGS[found.group()], word)


def same_word(one: str, other: str) -> bool:
    """Whether two words are forms of one: `dogs`, `dog`; `ran`, `runs`; `colours`, `color`."""
    return not stems(one).isdisjoint(stems(other))
