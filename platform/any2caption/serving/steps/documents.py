"""The JSON that goes between the steps and is never public."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from any2caption.endpoints.pictures import Picture
from any2caption.errors import InputError
from any2caption.grounding.options import CHOICES
from any2caption.serving.steps.runtime import Arrays, text

ENDPOINT, MODEL = "endpoint", "model"
"""Whose draft is wanted."""
_KEYS: Mapping[str, frozenset[str]] = {
    "READ": frozenset({"info", "milliseconds", "ended"}),
    "FACTS": frozenset({"text", "found", "conflicts", "notes"}),
    "OPTIONS": frozenset({*CHOICES, "draft"}),
    "SHOWN": frozenset({"pictures"}),
    "WRITTEN": frozenset({"writer", "text", "fault", "looked_at", "told"}),
}


def document(arrays: Arrays, name: str) -> dict[str, Any]:
    """Read what a step before wrote.

    Raises:
        InputError: whoever else asks here, such as a probe, wrote it.
    """
    try:
        found = json.loads(text(arrays[name])[0])
    except ValueError:
        found = None
    if not isinstance(found, dict) or not _KEYS[name] <= found.keys():
        raise InputError("not what the step before writes", field=name)
    return found


def packed(pictures: Sequence[Picture]) -> list[list[str]]:
    """Return pictures as plain data: source, name, base64."""
    return [[one.source, one.name, base64.b64encode(one.data).decode()] for one in pictures]


def unpacked(rows: Sequence[Sequence[str]]) -> list[Picture]:
    """Return the pictures that `packed` wrote."""
    return [Picture(source, name, base64.b64decode(data)) for source, name, data in rows]
