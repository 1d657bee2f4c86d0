"""What a worker answers as values: JSON and raw arrays become canonical forms and facts.

Whatever a worker that was taken over sends, the other side builds arrays and the canonical forms'
classes, or raises `NonsenseError`.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from any2caption.conditions import types
from any2caption.conditions.fact import ASPECTS, Fact
from any2caption.conditions.isolation.frames import NonsenseError
from any2caption.conditions.registry import MOST_FACTS, form_classes


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
