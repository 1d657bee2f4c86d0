"""Text condition: UTF-8, one string."""

import unicodedata
from collections.abc import Sequence

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.sniff import sniff
from any2caption.conditions.types import Part
from any2caption.errors import InputError

_ALLOWED_CONTROLS = {"\n", "\t"}


def decode_utf8(part: Part) -> str:
    """Decode a part as UTF-8 (a byte-order mark is dropped).

    Raises:
        InputError: not UTF-8; names the line.
    """
    try:
        return part.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = sniff(part.data)
        line = part.data.count(b"\n", 0, error.start) + 1
        what = f" (the file looks like {kind})" if kind not in ("text", "JSON") else ""
        raise InputError(
            f"not UTF-8 text{what}", file=part.name, record=f"line {line}", field="text"
        ) from error


def bounded_lines(part: Part, most_bytes: int, most_lines: int) -> list[str]:
    """Decode a part and cut it into lines, once it is known that there are not too many.

    Raises:
        InputError: not UTF-8, more bytes, or more lines.
    """
    if len(part.data) > most_bytes:
        raise InputError(
            f"{len(part.data):,} bytes of text; at most {most_bytes:,} are taken",
            file=part.name,
            field="bytes",
        )
    text = decode_utf8(part).replace("\r\n", "\n").replace("\r", "\n")
    count = text.count("\n") + 1
    if count > most_lines + 1:
        raise InputError(
            f"{count:,} lines; at most {most_lines:,} are taken", file=part.name, field="lines"
        )
    return text.split("\n")


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
