"""Bytes to text, or a refusal that says what the bytes really are."""

from any2caption.conditions.io.sniff import sniff
from any2caption.conditions.types import Part
from any2caption.errors import InputError


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
