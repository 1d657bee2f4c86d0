"""All that can be told of condition files: kind, format, shape, notes, movements, facts.

`python -m any2caption.conditions.inspect.worker FD MEMORY LOADED` starts workers that tell it, as
`parse_server` does. LOADED says what they can read: `texts`, `pictures` too, or `all`. A worker
that lacks a module for a file says so; whoever asks then asks one with `all`.
"""

import importlib
import math
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.isolation import parse, parse_server
from any2caption.conditions.isolation.wire import pack
from any2caption.conditions.kind import OptionValue
from any2caption.conditions.registry import KINDS, condition_facts
from any2caption.conditions.types import Condition, Part
from any2caption.errors import InputError

_FACTS = ("kind", "number", "role", "format", "assumptions", "warnings")
_PLUGINS = ("Bmp", "Gif", "Jpeg", "Mpo", "Png", "Ppm", "Tiff", "WebP")


class _Missing:
    """The last finder of modules: remembers that nothing found one."""

    some = False

    @classmethod
    def find_spec(cls, *_: Any) -> None:
        cls.some = True


def answer(request: Mapping[str, Any], blobs: list[bytearray]) -> tuple[dict[str, Any], list[Any]]:
    """Tell one condition's files; with `form` the canonical form, too."""
    names: list[str] = request["names"]
    arrays: list[Any] = []
    try:
        parts = [Part(name, bytes(blobs.pop(0))) for name in names]
        condition, report = told(
            parts, request["kind"], request["format"], request["select"], request["options"]
        )
        form = pack(condition, arrays) if request["form"] else None
        answered = {"report": {"path": request["path"], **report}, "condition": form}
    except Exception as error:  # noqa: BLE001 - the boundary: a bug here is the file's refusal
        answered, arrays = parse_server.refusal(error, names[0], request["kind"] or "kind"), []
    return {**answered, "missing": _Missing.some}, arrays


def told(
    parts: list[Part],
    kind: str | None,
    format_: str | None,
    select: str | None,
    options: Mapping[str, OptionValue],
) -> tuple[Condition, dict[str, Any]]:
    """Parse files; return the condition and its report (numbers finite).

    Raises:
        InputError: one line that names the file and the field.
    """
    parts, select = _selected(parts, select)
    rule = None
    if kind is None:
        kind, rule = detect_kind(parts)
    condition = parse.parse_condition(
        kind, parts, options=_options(kind, parts, format_, select, options)
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


def _preload(loaded: str) -> None:
    if loaded == "all":
        parse_server.preload_parsers()
        return
    plugins = [f"PIL.{name}ImagePlugin" for name in _PLUGINS] if loaded == "pictures" else []
    for name in (*parse_server.TEXT_IMPORTS, *plugins):
        importlib.import_module(name)
    sys.meta_path.append(_Missing)


if __name__ == "__main__":
    parse_server.main(sys.argv[1:], lambda: _preload(sys.argv[3]), answer)
