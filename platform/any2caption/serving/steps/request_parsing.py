"""The edge of a request: raw files and their descriptions in, parsed conditions out.

Per kind there is one list of files' bytes and one list of descriptions (`_INFO`), an element each:
`{"name": "walk.json", "condition": 0, "role": null, "options": {}}`. Elements with the same
`condition` are the parts of one condition. Without descriptions all elements of depth and of pose
(kinds whose files join) are one condition; of the other kinds each is a condition of its own.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from any2caption.conditions.fact import Fact
from any2caption.conditions.io.untrusted_json import without_nulls
from any2caption.conditions.isolation.parse import (
    Asked,
    Cancelled,
    Pool,
    never,
    own_pool,
    parse_condition,
)
from any2caption.conditions.registry import KINDS, check_parts
from any2caption.conditions.types import Condition, Part
from any2caption.errors import InputError

MAX_FILES = 1024
"""Files of one kind."""
MAX_CONDITIONS = 32
MAX_BYTES = 512_000_000
"""Bytes of all files of a request; each kind has limits of its own, too."""
MAX_INFO = 16_384
"""Bytes of one description."""
SECONDS = 20.0
"""Longest time from a request's first file to its last condition."""

Files = Mapping[str, Sequence[bytes]]


class PartInfo(BaseModel):
    """What a client says of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=255)
    condition: int = Field(default=0, ge=0)
    role: str | None = None
    options: dict[str, str | float | int | bool] = {}


@dataclass(frozen=True, slots=True)
class EdgeRequest:
    """A parsed request: the short prompt (may be empty), the conditions, what they state."""

    text: str
    conditions: tuple[Condition, ...]
    facts: Mapping[tuple[str, int], tuple[Fact, ...]] = field(default_factory=dict)
    """What each condition states, by kind and number."""

    def facts_of(self, condition: Condition) -> tuple[Fact, ...]:
        """Return what one of its conditions states."""
        return self.facts[condition.kind, condition.number]


def read_request(  # noqa: PLR0913 - what is wanted of a request
    files: Files,
    *,
    pool: Pool | None = None,
    cancelled: Cancelled = never,
    each: Callable[[Condition], Condition] = lambda condition: condition,
    payload: Callable[[str], bool] = lambda _kind: True,
    small: bool = False,
) -> EdgeRequest:
    """Parse the edge inputs that are present; `files` maps input names to their elements.

    Everything that can be counted is counted before the first file is parsed; then one worker
    parses condition by condition.

    Args:
        files: input name to elements.
        pool: where files are parsed; one of this process by default.
        cancelled: whether the client has left; asked while files wait and are parsed.
        each: what is kept of a condition, so that a request's decoded pixels need not all lie in
            memory at once.
        payload: whether a kind's canonical form is wanted; if not, its pixels stay in the worker,
        small: but for pictures and clips that are small enough to be looked at.

    Raises:
        InputError: anything wrong with a file or its description; names the file and the field.
        CancelledError: `cancelled` said so.
        UnavailableError: no worker was free in time.
    """
    until = time.monotonic() + SECONDS
    _check_size(files)
    asked = [one for kind in KINDS if kind != "text" for one in _asked(kind, files)]
    if len(asked) > MAX_CONDITIONS:
        raise InputError(f"{len(asked)} conditions; at most {MAX_CONDITIONS} are accepted")
    for one in asked:
        check_parts(one.kind, one.parts)
    text = _text(files.get("TEXT", ()))
    if not text and not asked:
        kinds = ", ".join(kind.upper() for kind in KINDS)
        raise InputError(f"nothing to caption: give at least one of {kinds}", field="TEXT")
    if not asked:
        return EdgeRequest(text, ())
    with (pool or own_pool()).lease(until, cancelled) as lease:
        conditions, facts = [], {}
        for one in asked:
            wanted = replace(one, payload=payload(one.kind), small=small)
            condition, facts[one.kind, one.number] = lease.read(wanted)
            conditions.append(each(condition))
    return EdgeRequest(text, tuple(conditions), facts)


def _check_size(files: Files) -> None:
    total = 0
    for name, elements in files.items():
        if len(elements) > MAX_FILES:
            raise InputError(f"{len(elements)} files; at most {MAX_FILES} are accepted", field=name)
        total += sum(map(len, elements))
        if total > MAX_BYTES:
            raise InputError(
                f"the request's files have more than {MAX_BYTES:,} bytes, which is the most",
                field=name,
            )


def _text(elements: Sequence[bytes]) -> str:
    if len(elements) > 1:
        raise InputError(f"{len(elements)} elements; one text is accepted", field="TEXT")
    if not elements or not bytes(elements[0]).strip():
        return ""
    payload = parse_condition("text", [Part("TEXT", bytes(elements[0]))]).payload
    return str(payload)


def _asked(kind: str, files: Files) -> list[Asked]:
    """Group one kind's files by their descriptions."""
    name = kind.upper()
    elements, infos = files.get(name, ()), files.get(f"{name}_INFO", ())
    if infos and len(infos) != len(elements):
        raise InputError(
            f"{len(infos)} descriptions for {len(elements)} files; give one a file or none",
            field=f"{name}_INFO",
        )
    if infos:
        described = [_info(raw, f"{name}_INFO", index) for index, raw in enumerate(infos)]
    else:
        one = KINDS[kind].joins_parts
        described = [
            PartInfo(name=f"{name}[{index}]", condition=0 if one else index)
            for index in range(len(elements))
        ]
    groups: dict[int, list[tuple[PartInfo, Part]]] = {}
    for info, data in zip(described, elements, strict=True):
        groups.setdefault(info.condition, []).append((info, Part(info.name, bytes(data))))
    return [
        _agreed(kind, [info for info, _ in group], [part for _, part in group], number)
        for number, (_, group) in enumerate(sorted(groups.items()), 1)
    ]


def _agreed(kind: str, infos: Sequence[PartInfo], parts: Sequence[Part], number: int) -> Asked:
    """Join what the files of one condition say of it."""
    roles = sorted({info.role for info in infos if info.role})
    if len(roles) > 1:
        raise InputError(
            f"one condition has the roles {', '.join(roles)}", file=infos[0].name, field="role"
        )
    options: dict[str, Any] = {}
    for info in infos:
        for key, value in info.options.items():
            if options.setdefault(key, value) != value:
                raise InputError(
                    f"{value!r} here, {options[key]!r} in another file of the same condition",
                    file=info.name,
                    field=f"options.{key}",
                )
    return Asked(kind, parts, roles[0] if roles else None, number, options or None)


def _bare(value: Any) -> Any:
    """Leave out fields that are `null`, also among the options."""
    if not isinstance(value, dict):
        return value
    bare = without_nulls(value)
    if isinstance(bare.get("options"), dict):
        bare["options"] = without_nulls(bare["options"])
    return bare


def _info(raw: bytes, name: str, index: int) -> PartInfo:
    where = f"{name}[{index}]"
    if len(raw) > MAX_INFO:
        raise InputError(f"{len(raw):,} bytes; at most {MAX_INFO:,} are taken", file=where)
    try:
        return PartInfo.model_validate(_bare(json.loads(bytes(raw))))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or None
        raise InputError(first["msg"], file=where, field=field) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", file=where) from error
