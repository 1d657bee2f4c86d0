"""Cut a text into words, marks and quotations, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<quote>"[^"\n]{1,300}"|“[^”\n]{1,300}”|«[^»\n]{1,300}»|(?<![^\W_])['‘][^'‘’\n]{1,200}['’](?![^\W_]))
    |(?P<tag>[@<\[]\s?[A-Za-z]{3,12}[ _#-]?\d{1,3}\s?[>\]]?)
    |(?P<word>(?:(?<=\s)-(?=\d))?[^\W_]+(?:[-'’.&/°_:][^\W_]+)*°?[CF]?(?:'(?=\s))?)
    |(?P<mark>[^\s\w]|_)
    """,
    re.VERBOSE,
)


@dataclass(slots=True)
class Word:
    """A word, a merged phrase, a mark or a quotation: `text[start:end]` of the whole text.

    `low` is the casefolded form with plain apostrophes; `tag` the part of speech (see `tagging`);
    `base` a verb's base form, `form` which form it is (`base`, `s`, `ing`, `ed`); `number` what a
    number word or a reference counts.
    """

    start: int
    end: int
    text: str
    low: str
    tag: str = ""
    base: str = ""
    form: str = ""
    number: int | None = None

    @property
    def name(self) -> bool:
        """Whether it is written as a name."""
        return self.text[:1].isupper()


def tokenise(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Return the tokens of `text[start:end]`; quotations and marks have their tags already."""
    return list(_tokens(text, start, len(text) if end is None else end))


def _tokens(text: str, start: int, end: int) -> Iterator[Word]:
    for match in _TOKEN.finditer(text, start, end):
        found = match.group()
        low = found.casefold().replace("’", "'")
        tag = {"quote": "quote", "mark": "mark", "tag": "tag"}.get(match.lastgroup or "", "")
        yield Word(match.start(), match.end(), found, low, tag)


def merge(words: list[Word], start: int, end: int, tag: str) -> Word:
    """Return one word for `words[start:end]`."""
    first, last = words[start], words[end - 1]
    low = " ".join(word.low for word in words[start:end])
    text = " ".join(word.text for word in words[start:end])
    return Word(first.start, last.end, text, low, tag)
