"""What a word outside the lists can be: its parts of speech and lemmas, by an English lexicon."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

Form = Literal["base", "s", "ing", "ed"]


@cache
def lemmas(low: str) -> Mapping[str, tuple[str, ...]]:
    """Return part of speech (`NOUN VERB ADJ ADV PROPN AUX`) → lemmas; nothing of unknown words."""
    from lemminflect import getAllLemmas  # reads its tables, so not before the first text

    return dict(getAllLemmas(low)) if low.isalpha() else {}


def can_be(low: str, part: str) -> bool:
    """Whether a word may be of a part of speech."""
    return part in lemmas(low)


def verb(low: str) -> tuple[str, Form] | None:
    """Return the base of the verb that a word may be, and which form; None for no verb."""
    found = lemmas(low).get("VERB")
    if not found:
        return None
    base = found[0]
    if base == low:
        return base, "base"
    if low.endswith("ing"):
        return base, "ing"
    return base, "s" if low.endswith("s") else "ed"


def describes_only(low: str) -> bool:
    """Whether a word is an adjective and nothing else but an adverb; participles are not."""
    parts = set(lemmas(low)) - {"ADV"}
    return parts == {"ADJ"} and not low.endswith(("ed", "ing", "ly"))


def only(low: str, part: str) -> bool:
    """Whether a word is of one part of speech only."""
    return set(lemmas(low)) == {part}
