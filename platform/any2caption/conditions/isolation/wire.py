"""What goes between a process and its parse workers: JSON and raw arrays, never pickle.

A frame is 8 bytes of length, JSON, then the blobs whose sizes the JSON gives. Whatever a worker
that was taken over sends, the other side builds arrays and the canonical forms' classes, or
raises `NonsenseError`.
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from any2caption.conditions import types
from any2caption.conditions.fact import ASPECTS, Fact
from any2caption.conditions.registry import MOST_FACTS, form_classes

MOST_ANSWER = 1_000_000_000
"""Bytes of all arrays of one condition."""
_MOST_JSON = 64_000_000

Read = Callable[[int], bytearray]
"""Returns exactly that many bytes, or raises."""


class NonsenseError(Exception):
    """What came is not a frame, or no canonical value; never leaves `conditions`."""


def pack_frame(header: Mapping[str, Any], blobs: Sequence[Any]) -> list[bytes]:
    """Return the pieces of one message: length, JSON with the blobs' sizes, blobs."""
    text = json.dumps({**header, "blobs": [memoryview(blob).nbytes for blob in blobs]}).encode()
    return [struct.pack(">Q", len(text)) + text, *blobs]


def read_frame(read: Read) -> tuple[dict[str, Any], list[bytearray]]:
    """Read one message; sizes are checked before memory is taken.

    Raises:
        NonsenseError: it is not a frame, or too large.
    """
    (length,) = struct.unpack(">Q", read(8))
    if length > _MOST_JSON:
        raise NonsenseError("a header of this size")
    try:
        header = json.loads(bytes(read(length)))
        sizes = [int(size) for size in header["blobs"]]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise NonsenseError("no header") from error
    if min(sizes, default=0) < 0 or sum(sizes) > MOST_ANSWER:
        raise NonsenseError("blobs of this size")
    return header, [read(size) for size in sizes]


def pack(value: Any, blobs: list[Any]) -> Any:
    """Return a canonical value as JSON data; arrays become entries of `blobs`."""
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        blobs.append(array.reshape(-1).view(np.uint8) if array.size else b"")
        return {"array": len(blobs) - 1, "dtype": array.dtype.str, "shape": list(array.shape)}
    if is_dataclass(value) and not isinstance(value, type):
        content = {item.name: pack(getattr(value, item.name), blobs) for item in fields(value)}
        return {"type": type(value).__name__, "fields": content}
    if isinstance(value, tuple | list):
        return {"tuple": [pack(one, blobs) for one in value]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def unpack(value: Any, blobs: Sequence[bytearray]) -> Any:
    """Build a canonical value from `pack`'s data; only canonical classes are made.

    Raises:
        NonsenseError: `pack` does not write such data.
    """
    try:
        return _unpack(value, blobs)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise NonsenseError(f"no canonical value: {error}") from error


def unpack_facts(data: Any, name: str) -> tuple[Fact, ...]:
    """Build facts of the condition `name` from their JSON objects.

    Raises:
        NonsenseError: they are none, or another input's.
    """
    try:
        facts = tuple(Fact.from_json(one) for one in data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NonsenseError(f"no facts: {error}") from error
    for fact in facts:
        typed = isinstance(fact.text, str) and isinstance(fact.value, dict)
        if not typed or fact.aspect not in ASPECTS or fact.source.input != name:
            raise NonsenseError("no fact of this condition")
    if len(facts) > MOST_FACTS:
        raise NonsenseError("more facts than a condition states")
    return facts


def _unpack(value: Any, blobs: Sequence[bytearray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        dtype = np.dtype(value["dtype"])
        if dtype.hasobject:
            raise ValueError("an array of objects")
        return np.frombuffer(blobs[value["array"]], dtype).reshape(value["shape"])
    if "tuple" in value:
        return tuple(_unpack(one, blobs) for one in value["tuple"])
    name = str(value["type"])
    made = form_classes().get(name) or getattr(types, name, None)
    if not (isinstance(made, type) and is_dataclass(made)):
        raise ValueError(f"{value['type']!r} is not a canonical class")
    return made(**{field: _unpack(one, blobs) for field, one in value["fields"].items()})
