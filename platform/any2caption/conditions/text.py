"""Text condition: UTF-8, one string."""

import unicodedata
from collections.abc import Sequence

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.types import Part
from any2caption.conditions.utf8 import decode_utf8
from any2caption.errors import InputError

_ALLOWED_CONTROLS = {"\n", "\t"}


def parse_text(parts: Sequence[Part], _: Options, limits: Limits) -> Parsed:
    """Parse a text: line ends become newlines, outer blanks go, control characters are refused."""
    (part,) = parts
    text = decode_utf8(part).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise InputError("the text is empty", file=part.name, field="text")
    limit = limits.characters or 0
    if len(text) > limit:
        raise InputError(
            f"{len(text):,} characters; at most {limit:,} are taken", file=part.name, field="text"
        )
    for index, char in enumerate(text):
        if unicodedata.category(char) == "Cc" and char not in _ALLOWED_CONTROLS:
            line = text.count("\n", 0, index) + 1
            raise InputError(
                f"control character U+{ord(char):04X} (is this a text file?)",
                file=part.name,
                record=f"line {line}",
                field="text",
            )
    return Notes().parsed(text, "UTF-8 text")
