"""Untrusted JSON: loaded within bounds, and read field by field with errors that name the place."""

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.json_bounds import check_json
from any2caption.conditions.io.sniff import sniff
from any2caption.conditions.io.utf8 import decode_utf8
from any2caption.conditions.types import Part
from any2caption.errors import InputError

_NUMBERS = {int, float}
_HEAD = 100_000  # bytes in which keys are looked for
_SHOWN = 40
"""Characters of a value in a message."""


def load_json(part: Part) -> Any:
    """Return the JSON value of a part.

    Raises:
        InputError: not JSON, or what `parse_json` refuses.
    """
    name = sniff(part.data)
    if name != "JSON":
        raise InputError(f"this is {name}, not JSON", file=part.name, field="format")
    return parse_json(part)


def has_key(part: Part, keys: Sequence[str]) -> bool:
    """Whether one of the keys stands near the beginning of a JSON text, at any depth."""
    head = part.data[:_HEAD]
    return any(f'"{key}"'.encode() in head for key in keys)


def parse_json(
    part: Part, *, field: str = "json", unique_keys: bool = False, keep_nulls: bool = False
) -> Any:
    """Return the JSON value of a text, whatever it looks like; `field` is for messages.

    Of a key that comes twice the last value counts; with `unique_keys` it is refused by name. A
    field that is `null` is not there (writers of a fixed schema write optional fields so), unless
    `keep_nulls` says that it means something.

    Raises:
        InputError: not UTF-8, over the bounds of `json_bounds`, damaged, NaN or Infinity.
    """
    check_json(part, field)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise InputError(f"the key {_twice(pairs)!r} comes twice", file=part.name, field=field)
        return without_nulls(found)

    drop = not keep_nulls and b"null" in part.data
    bare = (lambda pairs: without_nulls(dict(pairs))) if drop else None
    try:
        return json.loads(
            decode_utf8(part),
            parse_constant=_no_constant,
            parse_int=_integer,
            object_pairs_hook=unique if unique_keys else bare,
        )
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.doc[error.pos] in "{[":
            raise InputError(
                "several JSON values, as in JSON lines; a condition is one value in a file",
                file=part.name,
                record=f"line {error.lineno}",
                field=field,
            ) from error
        raise InputError(
            f"damaged or truncated JSON ({error.msg}, column {error.colno})",
            file=part.name,
            record=f"line {error.lineno}",
            field=field,
        ) from error
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise InputError(f"unreadable JSON: {reason[:80]}", file=part.name, field=field) from error


def _twice(pairs: Sequence[tuple[str, Any]]) -> str:
    """The first key that comes again, safe to print."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return "".join(char for char in key if char.isprintable())[:40]
        seen.add(key)
    return ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")


def _integer(digits: str) -> int | float:
    """A whole number; one past 64 bits (20 digits and a sign) is as imprecise as a float anyway."""
    return int(digits) if len(digits) <= 20 else float(digits)  # noqa: PLR2004


def number(value: Any, file: str, record: str | None, field: str) -> float:
    """Return a finite number, or refuse the value by name."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{shown(value)} is not a number", file=file, record=record, field=field)
    return float(value)


def plain_numbers(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return a list of JSON numbers as an array; None when any is none, or not finite.

    One pass in C: what finds the culprit, value by value, is left for lists that have one.
    """
    if not set(map(type, values)) <= _NUMBERS:
        return None
    array = np.asarray(values, np.float64)
    return array if np.isfinite(array).all() else None


def numbers(value: Any, file: str, record: str | None, field: str) -> list[float]:
    """Return a list of finite numbers, or refuse the value by name."""
    if not isinstance(value, list):
        raise InputError(f"{shown(value)} is not a list", file=file, record=record, field=field)
    plain = plain_numbers(value)
    if plain is not None:
        found: list[float] = plain.tolist()
        return found
    return [number(item, file, record, f"{field}[{at}]") for at, item in enumerate(value)]


def pairs(value: Any, file: str, record: str | None, field: str) -> list[list[float]]:
    """Return x, y pairs from `[[x, y], …]` or a flat list, or refuse the value by name."""
    if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
        found = [numbers(one, file, record, field) for one in value]
    else:
        flat = numbers(value, file, record, field)
        found = [flat[at : at + 2] for at in range(0, len(flat), 2)]
    if not found or any(len(pair) != 2 for pair in found):  # noqa: PLR2004
        raise InputError(
            f"{shown(value)}: x and y are wanted", file=file, record=record, field=field
        )
    return found


def without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without the fields that are `null`: writers of a fixed schema write them."""
    return {key: item for key, item in value.items() if item is not None}


def composed(name: str) -> str:
    """Return a file's name with composed accents (NFC): some systems decompose them in copies."""
    return unicodedata.normalize("NFC", name)


def size_of(
    value: Mapping[str, Any], file: str, names: Sequence[tuple[str, str]]
) -> tuple[int, int] | None:
    """Return (height, width) in pixels under the first pair of keys that is there, or None."""
    for tall, wide in names:
        if value.get(tall) is not None and value.get(wide) is not None:
            sides = [number(value[key], file, None, key) for key in (tall, wide)]
            if min(sides) < 1 or max(sides) > 1e6:  # noqa: PLR2004
                raise InputError(f"{sides[1]:g}×{sides[0]:g} pixels", file=file, field=wide)
            return int(sides[0]), int(sides[1])
    return None


def shown(value: Any) -> str:
    """Return a value short and on one line, for messages."""
    if isinstance(value, str | list):  # what a message has no room for need not be written out
        value = value[: _SHOWN + 1]
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
