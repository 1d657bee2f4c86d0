"""Bytes to text, or a refusal that says what the bytes really are."""

from any2caption.conditions.sniff import sniff
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
