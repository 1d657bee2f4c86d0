"""What a main-object part says of its subject: of what kind, how many, in what colour. Pure.

Other things stand beside the subject and have numbers and colours of their own: "a person in a red
shirt and black trousers, holding two blue balls" is one, a person, and red. What a word like
"holding", "with" or "behind" brings in is not the subject; where nothing else is said, it is.
"""

import re

Found = tuple[int, str]
"""Where a value is said, and its key."""

_CLAUSE = re.compile(r"[,;:.!?]|\b(?:and|while|but)\b")
_BRINGS = re.compile(
    r"\b(?:with|without|holding|holds?|wearing|wears?|keeping|keeps|carrying|carries|between|behind"
    r"|beside|under|below|above|over|on|in|at|near|by|like|as|full of|next to|in front of)\b",
    re.IGNORECASE,
)
_PRESENTS = re.compile(
    r"\b(?:is|are|was|were|see|shows?|about|stands?|rises?|subject|which)\b", re.IGNORECASE
)
_TITLE = re.compile(
    r"\b(?:main (?:object|subject)|star(?= of (?:the|this|our)\b))\b", re.IGNORECASE
)
_SHAPE = r"(?:balls?|box(?:es)?|cones?|rings?|stars?|spheres?|cubes?|hoops?)"
_ONE = re.compile(
    r"\b(?:an?|the) (?:[\w-]+ ){0,3}(?:ball|sphere|orb|box|cube|crate|cone|ring|hoop|star|person"
    r"|man|woman|figure|human)\b(?![\w-])",
    re.IGNORECASE,
)
"""One thing, by its article: "a red ball", "an orange star"."""
_PERSON = re.compile(r"\b(?:person|people|humans?|figures?|man|men|woman|women)\b", re.IGNORECASE)
_OTHERS = (
    rf"(?:trousers|hair|shoes|boots|sky|wall|walls|bars?|outlines?|edges?|corners|shadow|{_SHAPE})"
)


def keys(_text: str, found: list[Found]) -> frozenset[str]:
    """Keep all that is said, of slots that are about nothing but the subject."""
    return frozenset(key for _, key in found)


def kinds(text: str, found: list[Found]) -> frozenset[str]:
    """Keep the kinds of those that the text is about; `found` are all that it names."""
    titles = [match.span() for match in _TITLE.finditer(text)]
    named = [(at, key) for at, key in found if not any(a <= at < b for a, b in titles)]
    return keys(text, _own(text, named) or named)


def counts(text: str, found: list[Found]) -> frozenset[str]:
    """Keep the number of subjects: of "one …, one …" the sum, of "three …, one …" the first."""
    numbers = [one for one in found if not _no_number(text, one[0])]
    single = next((at for at, _ in _own(text, [(m.start(), "1") for m in _ONE.finditer(text)])), -1)
    own = _own(text, numbers) or (numbers if single < 0 else [])
    if single >= 0 and (not own or single < own[0][0]):
        own = [(single, "1"), *(one for one in own if one[1] != "1")]
    ones = next((place for place, (_, key) in enumerate(own) if key != "1"), len(own))
    first = [str(ones)] if ones else []
    return frozenset([*first, *(key for _, key in own[ones:] if key != "1")])


def _no_number(text: str, at: int) -> bool:
    """Whether a number counts nothing, or some of others: "the one", "two of the stars"."""
    before = re.search(r"\b(?:the|same|this|that|no) $", text[:at], re.IGNORECASE)
    return bool(before or re.match(r"[\w-]+ of (?:the|these|them)\b", text[at:], re.IGNORECASE))


def colours(text: str, found: list[Found]) -> frozenset[str]:
    """Keep the colours of the subject, of a person those of the shirt."""
    person = bool(_PERSON.search(text))
    if person and (worn := [one for one in found if _of_shirt(text, one)]):
        return keys(text, worn)
    mine = [one for one in found if not _of_another(text, one, person=person)]
    return keys(text, _own(text, mine) or mine)


def _own(text: str, found: list[Found]) -> list[Found]:
    return [(at, key) for at, key in found if not _brought_in(text[:at])]


def _brought_in(before: str) -> bool:
    """Whether a word that brings in other things stands before a place, in its clause."""
    clause = _CLAUSE.split(before)[-1]
    brings = [match.start() for match in _BRINGS.finditer(clause)]
    presents = [match.start() for match in _PRESENTS.finditer(clause)]
    return bool(brings) and (not presents or presents[-1] < brings[-1])


def _of_shirt(text: str, one: Found) -> bool:
    at, _ = one
    behind = text[at:].split(" ", 1)
    after = behind[1] if len(behind) > 1 else ""
    adjective = re.match(r"(?:\w+ )?shirts?\b", after, re.IGNORECASE)
    noun = re.search(r"\bshirts? (?:of|in) (?:an? )?(?:\w+ )?$", text[:at], re.IGNORECASE)
    return bool(adjective or noun)


def _of_another(text: str, one: Found, *, person: bool) -> bool:
    """Whether a colour is that of trousers, a wall, or of what a person holds."""
    after = text[one[0] :]
    match = re.match(rf"[\w-]+ (?:and \w+ )?(?:\w+ )?({_OTHERS})\b", after, re.IGNORECASE)
    if not match:
        return False
    return person or not re.fullmatch(_SHAPE, match.group(1), re.IGNORECASE)
