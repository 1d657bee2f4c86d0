"""A source's records: what is accepted, and what exactly is wrong with what is not. Pure.

A record comes as a line of JSON (bytes), as an object that another format's reader made, as the
problem that kept that reader from making one, or as a rejection that has its record's id already.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, NoReturn

from pydantic import ValidationError

from any2caption.captions.schema import PARTS
from any2caption.conditions.registry import KINDS
from any2caption.conditions.text import control_character, plain_text, text_fault
from any2caption.datasets.licences import check_licence
from any2caption.datasets.records import SourceCondition, SourceRecord
from any2caption.errors import InputError
from any2caption.storage.keys import check_key

MAX_LINE_BYTES = 4 << 20
_ROW_NUMBERS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
_MAX_PROBLEMS = 10  # per record; the rest would not help anybody


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: why, in which field, and in which file beside the manifest."""

    reason: str
    field: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A manifest line that was not accepted; `line` counts from 1, `id` may be empty."""

    line: int
    id: str
    problems: tuple[Problem, ...]
    asked: bool = False
    """Whether somebody asked to delete it: then it is no fault of the source."""

    def document(self) -> dict[str, Any]:
        """Return the rejection as a JSON object, as the quarantine keeps it."""
        return {
            "line": self.line,
            "id": self.id,
            "problems": [asdict(problem) for problem in self.problems],
        }


@dataclass(frozen=True, slots=True)
class Accepted:
    """A line whose record is well formed; its files were not looked at yet."""

    line: int
    record: SourceRecord


@dataclass(frozen=True, slots=True)
class Rules:
    """What a record must keep beside its schema.

    `kinds`: known condition kinds. `licences`: allow-list, None = any. `defaults`: values for
    fields that a record leaves out (`source`, `licence`). `captions`: one without is rejected.
    `removed`: (`source` or `record`, name) pairs that somebody asked to delete.
    """

    kinds: Collection[str]
    licences: Collection[str] | None = None
    defaults: Mapping[str, str] = dataclass_field(default_factory=dict)
    captions: bool = True
    removed: Collection[tuple[str, str]] = frozenset()


FirstLine = Callable[[str, int], int]
Raw = bytes | dict[str, Any] | Problem | Rejection


def read_lines(
    lines: Iterable[bytes], kinds: Collection[str] | Rules
) -> Iterator[Accepted | Rejection]:
    """Yield an outcome per line that is not blank; the second record with one id is rejected."""
    return read_records(enumerate(lines, 1), kinds if isinstance(kinds, Rules) else Rules(kinds))


def read_records(
    items: Iterable[tuple[int, Raw]], rules: Rules, first: FirstLine | None = None
) -> Iterator[Accepted | Rejection]:
    """Yield an outcome per numbered record; blank lines are no records.

    `first` remembers the line on which an id came first (in memory, when it is left out).
    """
    first = first or dict[str, int]().setdefault
    for number, raw in items:
        if isinstance(raw, bytes) and not raw.strip():
            continue
        outcome = read_line(raw, number, rules)
        if isinstance(outcome, Accepted):
            line = first(outcome.record.id, number)
            if line != number:
                reason = f"the id is that of line {line} already"
                outcome = Rejection(number, outcome.record.id, (Problem(reason, "id"),))
        yield outcome


def read_line(raw: Raw, number: int, kinds: Collection[str] | Rules) -> Accepted | Rejection:
    """Parse one record and check all that can be known without opening its files."""
    rules = kinds if isinstance(kinds, Rules) else Rules(kinds)
    if isinstance(raw, Rejection):
        return replace(raw, asked=("record", raw.id) in rules.removed)
    document = _decode(raw) if isinstance(raw, bytes) else raw
    if isinstance(document, Problem):
        return Rejection(number, "", (document,))
    document = {**rules.defaults, **_bare(document)}
    identity = _printable(str(document.get("id", "")))[:200]
    try:
        record = SourceRecord.model_validate(document)
    except ValidationError as error:
        return Rejection(number, identity, _schema_problems(error))
    problems = tuple(_record_problems(record, rules))[:_MAX_PROBLEMS]
    if problems:
        return Rejection(number, identity, problems)
    for what, name in (("source", record.source), ("record", record.id)):
        if (what, name) in rules.removed:
            problem = Problem(f"the {what} {name!r} was removed on request", what)
            return Rejection(number, identity, (problem,), asked=True)
    if rules.licences is not None:
        spelled = check_licence(record.licence, rules.licences)
        record = record.model_copy(update={"licence": spelled})
    return Accepted(number, record)


def _decode(raw: bytes) -> dict[str, Any] | Problem:
    if len(raw) > MAX_LINE_BYTES:
        return Problem(f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        document = json.loads(raw, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        return Problem(f"not a JSON object: {error}")
    return document if isinstance(document, dict) else Problem("not a JSON object")


def is_row_number(name: str) -> bool:
    """Whether a column is a writer's own count of its rows (pandas, `datasets`), and no field."""
    return bool(_ROW_NUMBERS.fullmatch(name))


def _bare(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what writers of a fixed schema add: fields that are `null`, and row numbers."""
    bare: dict[str, Any] = _without_nulls(document)
    return {
        key: value
        for key, value in bare.items()
        if not (is_row_number(key) and isinstance(value, int))
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twin[:80]!r} is there twice")
    return found


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _schema_problems(error: ValidationError) -> tuple[Problem, ...]:
    return tuple(
        Problem(reason=item["msg"], field=".".join(map(str, item["loc"])))
        for item in error.errors(include_url=False, include_input=False)[:_MAX_PROBLEMS]
    )


def _record_problems(record: SourceRecord, rules: Rules) -> Iterator[Problem]:
    if record.caption is None and rules.captions:
        yield Problem("there is no caption: annotate the record first", "caption")
    if not record.conditions and not record.prompt.strip():
        yield Problem("there is neither a prompt nor a condition", "conditions")
    yield from _text_problems(record)
    for index, condition in enumerate(record.conditions):
        yield from _condition_problems(condition, f"conditions.{index}", rules)
    yield from _rule_problems(record, rules)


def _text_problems(record: SourceRecord) -> Iterator[Problem]:
    """Hold the prompt to what the served model takes, and all texts to what a text is."""
    fault = text_fault(plain_text(record.prompt), KINDS["text"].limits.characters or 0)
    if fault:
        yield Problem(fault[0], "prompt")
    texts = [("id", record.id), ("source", record.source)]
    if record.caption is not None:
        texts += [(f"caption.{part}", getattr(record.caption, part)) for part in PARTS]
    texts += [(f"caption_parts.{part}", text) for part, text in record.caption_parts.items()]
    for at, item in enumerate(record.qa):
        texts += [(f"qa.{at}.question", item.question), (f"qa.{at}.answer", item.answer)]
    for field, text in texts:
        where = control_character(plain_text(text))
        if where is not None:
            code = ord(plain_text(text)[where])
            yield Problem(f"control character U+{code:04X} at {where + 1}", field)


def _rule_problems(record: SourceRecord, rules: Rules) -> Iterator[Problem]:
    if rules.licences is not None:
        try:
            check_licence(record.licence, rules.licences)
        except InputError as error:
            yield Problem(error.reason, "licence")


def _condition_problems(condition: SourceCondition, where: str, rules: Rules) -> Iterator[Problem]:
    if condition.kind not in rules.kinds:
        known = ", ".join(sorted(rules.kinds))
        yield Problem(f"unknown kind {condition.kind!r}; known: {known}", f"{where}.kind")
    for path in condition.paths:
        try:
            check_key(path)
        except InputError as error:
            yield Problem(f"bad path: {error.reason}", f"{where}.paths", path[:200])
    for name, value in condition.options.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield Problem(f"{value} is not a finite number", f"{where}.options.{name}")
