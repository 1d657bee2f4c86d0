"""What JSON text will cost, judged by counting characters before any of it is parsed.

A reader makes an object of at least 56 bytes of every `[]`: a file of some megabytes can ask for
gigabytes, and a few thousand brackets for more nesting than a reader's stack. Both are found here
by scans that take a small part of the time of parsing.
"""

import re

import numpy as np

from any2caption.conditions.types import Part
from any2caption.errors import InputError

MAX_BYTES = 64_000_000
"""Bytes of one JSON file."""
MAX_MEMORY = 400_000_000
"""Bytes that its values may take once parsed."""
MAX_DEPTH = 64
"""Lists and objects within each other."""
# CPython's sizes: a list of a few items, an object of few keys, a key and its place, a number or a
# short text and its place.
_COSTS = ((b"[", 88), (b"{", 120), (b":", 90), (b",", 40))
_TEXT = 50  # bytes of an empty text, on top of its characters
_STRUCTURE = b'[]{}"'
_OTHERS = bytes(set(range(256)) - set(_STRUCTURE))
_CHUNK = 1 << 20


def check_json(part: Part, field: str) -> None:
    """Hold JSON text to the bounds on bytes, on memory and on nesting.

    Brackets inside texts count for the memory, not for the nesting.

    Raises:
        InputError: it is over one of them; says how much and what is taken.
    """
    if len(part.data) > MAX_BYTES:
        raise InputError(
            f"{len(part.data):,} bytes; at most {MAX_BYTES:,} bytes of JSON are taken",
            file=part.name,
            field=field,
        )
    memory = _memory(part.data)
    if memory > MAX_MEMORY:
        raise InputError(
            f"unreadable JSON: its values would take about {memory / 1e6:,.0f} MB; at most "
            f"{MAX_MEMORY / 1e6:,.0f} MB are taken (give fewer frames or objects)",
            file=part.name,
            field=field,
        )
    depth = _depth(part.data)
    if depth > MAX_DEPTH:
        raise InputError(
            f"unreadable JSON: nested too deeply, {depth:,} lists and objects within each other; "
            f"at most {MAX_DEPTH} are taken",
            file=part.name,
            field=field,
        )


def _memory(data: bytes) -> int:
    """A bound on the bytes that the parsed values take, from the characters that make them."""
    texts = data.count(b'"') // 2 - data.count(b":")  # keys are counted with their colons
    return sum(cost * data.count(mark) for mark, cost in _COSTS) + _TEXT * max(texts, 0)


def _depth(data: bytes) -> int:
    """How many lists and objects lie within each other at most."""
    if b"\\" in data:  # an escaped quotation mark ends no text
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = data.translate(None, _OTHERS).replace(b'""', b"")
    # What is left between two quotation marks are brackets inside a text.
    marks = re.sub(rb'"[^"]*"?', b"", marks)
    depth = most = 0
    for start in range(0, len(marks), _CHUNK):
        codes = np.frombuffer(marks[start : start + _CHUNK], np.uint8)
        steps = np.cumsum(np.where((codes == ord("[")) | (codes == ord("{")), 1, -1))
        most = max(most, depth + int(steps.max()))
        depth += int(steps[-1])
    return most
