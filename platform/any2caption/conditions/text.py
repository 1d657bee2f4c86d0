"""Text condition: UTF-8, one string."""

import unicodedata
from collections.abc import Sequence

from any2caption.conditions.io.utf8 import decode_utf8
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.types import Part
from any2caption.errors import InputError

_ALLOWED_CONTROLS = {"\n", "\t"}


def plain_text(text: str) -> str:
    """Return a text with newlines as line ends and without outer blanks."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def control_character(text: str) -> int | None:
    """Return where the first character is that no text has (newlines and tabs are fine)."""
    for index, char in enumerate(text):
        if unicodedata.category(char) == "Cc" and char not in _ALLOWED_CONTROLS:
            return index
    return None


def text_fault(text: str, most: int) -> tuple[str, int | None] | None:
    """Return why a plain text is refused and at which line (from 1), or None: it is taken.

    Data sets and the served model keep to this one rule.
    """
    if len(text) > most:
        return f"{len(text):,} characters; at most {most:,} are taken", None
    at = control_character(text)
    if at is None:
        return None
    return f"control character U+{ord(text[at]):04X} (is this a text file?)", text.count(
        "\n", 0, at
    ) + 1


def parse_text(parts: Sequence[Part], _: Options, limits: Limits) -> Parsed:
    """Parse a text: line ends become newlines, outer blanks go, control characters are refused."""
    (part,) = parts
    text = plain_text(decode_utf8(part))
    if not text:
        raise InputError("the text is empty", file=part.name, field="text")
    fault = text_fault(text, limits.characters or 0)
    if fault:
        reason, line = fault
        record = f"line {line}" if line else None
        raise InputError(reason, file=part.name, record=record, field="text")
    return Notes().parsed(text, "UTF-8 text")
