"""Closed word lists of the shallow parser, by what the words do."""

from collections.abc import Mapping


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is set as running text."""
    return frozenset(text.split())


def phrases(text: str) -> frozenset[str]:
    """Return the phrases of a list that has commas between them."""
    return frozenset(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip())


def pairs(text: str) -> Mapping[str, str]:
    """Return `form: base` of a list of words like `ran:run`."""
    return dict(pair.split(":") for pair in text.split())
