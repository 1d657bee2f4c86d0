"""Cut prompts into sentences, as people write them.

A sentence ends at `.`, `!`, `?` or `…` before white space, at the full stops of Chinese and
Japanese (U+3002, U+FF01, U+FF1F) without any, and at a line break; closing quotes and brackets
stay with it. A stop does not end one after an abbreviation (`Dr.`, `e.g.`, `approx.`), a single
initial (`J. Smith`) or in front of a small letter (`at 5 p.m. the sun sets`), nor inside a number
(`f/1.8`).
"""

import re
from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    """
    a.m al approx ca capt cf co col dept dr e.g est etc fig ft gen hon i.e inc jr lt ltd max min
    mr mrs ms mt no p.m prof rev sec sgt sr st u.k u.s vol vs
    """.split()  # noqa: SIM905 - one word a line is no easier to read
)
_CLOSING = r"[\"'”’»)\]」』）]*"
_END = re.compile(rf"(?:[.!?…]+{_CLOSING}(?=\s|$)|[。！？]+{_CLOSING}|\n+)\s*")
_LONGEST = 16
"""Characters of a last word that are looked at: more than any abbreviation has."""
_LAST_WORD = re.compile(r"([^\W\d_](?:[\w.]*\w)?)$")


def split_sentences(text: str) -> list[str]:
    """Return the sentences in order, each with its stop and the white space behind it.

    Joined again they are the text. A last one without a stop is a sentence too.
    """
    return [piece for piece in _pieces(text) if piece.strip()]


def _pieces(text: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        if not _ends(text, start, end):
            continue
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def _ends(text: str, start: int, end: re.Match[str]) -> bool:
    mark = end.group().strip()
    if "\n" in end.group() or not mark.startswith(".") or mark.startswith(".."):
        return True
    after = text[end.end() : end.end() + 1]
    if after.islower():
        return False
    word = _LAST_WORD.search(text, max(start, end.start() - _LONGEST), end.start())
    if word is None or not after:
        return True
    found = word.group(1)
    initial = len(found) == 1 and found.isupper() and found != "I"
    return not (initial or found.casefold() in _ABBREVIATIONS)
