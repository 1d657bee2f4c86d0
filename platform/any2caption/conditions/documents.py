"""Untrusted JSON: loaded within bounds, and read field by field with errors that name the place."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from any2caption.conditions.sniff import sniff
from any2caption.conditions.types import Part
from any2caption.conditions.utf8 import decode_utf8
from any2caption.errors import InputError


def load_json(part: Part) -> Any:
    """Return the JSON value of a part.

    Raises:
        InputError: not JSON, not UTF-8, damaged, NaN or Infinity, nested too deeply.
    """
    name = sniff(part.data)
    if name != "JSON":
        raise InputError(f"this is {name}, not JSON", file=part.name, field="format")
    try:
        return json.loads(decode_utf8(part), parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.doc[error.pos] in "{[":
            raise InputError(
                "several JSON values, as in JSON lines; a condition is one value in a file",
                file=part.name,
                record=f"line {error.lineno}",
                field="json",
            ) from error
        raise InputError(
            f"damaged or truncated JSON ({error.msg}, column {error.colno})",
            file=part.name,
            record=f"line {error.lineno}",
            field="json",
        ) from error
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise InputError(f"unreadable JSON: {reason[:80]}", file=part.name, field="json") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")


def _integer(digits: str) -> int:
    if len(digits) > 20:  # noqa: PLR2004 - 64 bits and a sign
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def number(value: Any, file: str, record: str | None, field: str) -> float:
    """Return a finite number, or refuse the value by name."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{shown(value)} is not a number", file=file, record=record, field=field)
    return float(value)


def numbers(value: Any, file: str, record: str | None, field: str) -> list[float]:
    """Return a list of finite numbers, or refuse the value by name."""
    if not isinstance(value, list):
        raise InputError(f"{shown(value)} is not a list", file=file, record=record, field=field)
    return [number(item, file, record, f"{field}[{at}]") for at, item in enumerate(value)]


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
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004
