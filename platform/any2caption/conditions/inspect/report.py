"""All that can be told of condition files: kind, format, shape, notes, movements, facts."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.isolation import parse
from any2caption.conditions.kind import OptionValue
from any2caption.conditions.registry import KINDS, condition_facts
from any2caption.conditions.types import Condition, Part
from any2caption.errors import InputError

_FACTS = ("kind", "number", "role", "format", "assumptions", "warnings")


def inspect_path(
    path: Path,
    *,
    kind: str | None = None,
    format_: str | None = None,
    select: str | None = None,
    options: Mapping[str, OptionValue] | None = None,
) -> tuple[Condition, dict[str, Any]]:
    """Read a file or a folder; return the condition and a JSON-ready report (numbers finite).

    `format_` is the format that the files must be read as; `select` a file of the folder, or one
    record of a file that holds several.

    Raises:
        InputError: one line that names the file and the field.
    """
    parts = read_parts(path)
    parts, select = _selected(parts, select)
    rule = None
    if kind is None:
        kind, rule = detect_kind(parts)
    condition = parse.parse_condition(
        kind, parts, options=_options(kind, parts, format_, select, options or {})
    )
    if format_ and format_.casefold() != condition.format.casefold() and not _takes(kind, "format"):
        raise InputError(
            f"this is {condition.format}, not {format_}; formats of {kind}: "
            f"{', '.join(KINDS[kind].formats)}",
            file=parts[0].name,
            field="format",
        )
    facts = describe(condition)
    report = {
        "path": str(path),
        "kind": condition.kind,
        "detected": rule,
        "format": condition.format,
        "shape": shapes(condition.payload),
        **{key: value for key, value in facts.items() if key not in _FACTS},
        "assumptions": facts["assumptions"],
        "warnings": facts["warnings"],
        **_language(facts),
        "facts": [fact.as_json() for fact in condition_facts(condition)],
    }
    return condition, finite(report)


def _selected(parts: list[Part], select: str | None) -> tuple[list[Part], str | None]:
    """A folder's file of that name (or stem) alone; else the name goes to the parser."""
    if select is None or len(parts) == 1:
        return parts, select
    named = [part for part in parts if select in (part.name, Path(part.name).stem)]
    return (named, None) if len(named) == 1 else (parts, select)


def _takes(kind: str, option: str) -> bool:
    return kind in KINDS and any(one.name == option for one in KINDS[kind].options)


def _options(
    kind: str,
    parts: list[Part],
    format_: str | None,
    select: str | None,
    given: Mapping[str, OptionValue],
) -> dict[str, OptionValue]:
    options = dict(given)
    if format_ and _takes(kind, "format"):
        options["format"] = format_
    if select is not None:
        if not _takes(kind, "select"):
            raise InputError(
                f"nothing here is called {select!r}, and {kind} files hold one record",
                file=parts[0].name,
                field="select",
            )
        options["select"] = select
    return options


def shapes(payload: Any) -> dict[str, list[int]]:
    """Return the shape of each array of a canonical payload by its name; text has `characters`."""
    if isinstance(payload, str):
        return {"characters": [len(payload)]}
    if not is_dataclass(payload):
        return {}
    found: dict[str, list[int]] = {}
    for item in fields(payload):
        value = getattr(payload, item.name)
        if isinstance(value, np.ndarray):
            found[item.name] = list(value.shape)
        elif isinstance(value, tuple):
            found[item.name] = [len(value)]
    return found


def _language(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return `movements` and `words` of a camera path or a pose."""
    if "movements" not in facts:
        return {}
    words = facts["words"]
    return {
        "movements": facts["movements"],
        "words": [words] if isinstance(words, str) else list(words),
    }


def finite(value: Any) -> Any:
    """Return JSON data with NumPy numbers as Python's, and NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
