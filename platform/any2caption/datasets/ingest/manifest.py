"""A source manifest's lines: what is accepted, and what exactly is wrong with what is not. Pure."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from any2caption.datasets.records import SourceRecord
from any2caption.errors import InputError
from any2caption.storage.keys import check_key

MAX_LINE_BYTES = 4 << 20
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


def read_lines(lines: Iterable[bytes], kinds: Collection[str]) -> Iterator[Accepted | Rejection]:
    """Yield an outcome per line that is not blank; the second record with one id is rejected."""
    seen: dict[str, int] = {}
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        outcome = read_line(raw, number, kinds)
        if isinstance(outcome, Accepted):
            first = seen.setdefault(outcome.record.id, number)
            if first != number:
                reason = f"the id is that of line {first} already"
                outcome = Rejection(number, outcome.record.id, (Problem(reason, "id"),))
        yield outcome


def read_line(raw: bytes, number: int, kinds: Collection[str]) -> Accepted | Rejection:
    """Parse one line and check all that can be known without opening its files."""
    if len(raw) > MAX_LINE_BYTES:
        return Rejection(number, "", (Problem(f"the line is longer than {MAX_LINE_BYTES} bytes"),))
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return Rejection(number, "", (Problem(f"not a JSON object: {error}"),))
    if not isinstance(document, dict):
        return Rejection(number, "", (Problem("not a JSON object"),))
    identity = str(document.get("id", ""))[:200]
    try:
        record = SourceRecord.model_validate(document)
    except ValidationError as error:
        return Rejection(number, identity, _schema_problems(error))
    problems = tuple(_record_problems(record, kinds))[:_MAX_PROBLEMS]
    return Rejection(number, identity, problems) if problems else Accepted(number, record)


def _schema_problems(error: ValidationError) -> tuple[Problem, ...]:
    return tuple(
        Problem(reason=item["msg"], field=".".join(map(str, item["loc"])))
        for item in error.errors(include_url=False, include_input=False)[:_MAX_PROBLEMS]
    )


def _record_problems(record: SourceRecord, kinds: Collection[str]) -> Iterator[Problem]:
    if record.caption is None:
        yield Problem("there is no caption: annotate the record first", "caption")
    if not record.conditions and not record.prompt.strip():
        yield Problem("there is neither a prompt nor a condition", "conditions")
    for index, condition in enumerate(record.conditions):
        where = f"conditions.{index}"
        if condition.kind not in kinds:
            known = ", ".join(sorted(kinds))
            yield Problem(f"unknown kind {condition.kind!r}; known: {known}", f"{where}.kind")
        for path in condition.paths:
            try:
                check_key(path)
            except InputError as error:
                yield Problem(f"bad path: {error.reason}", f"{where}.paths", path[:200])
