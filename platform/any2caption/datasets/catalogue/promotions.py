"""The ledger's rules: which line may come next. Pure functions on the lines that are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from any2caption.datasets.catalogue.tables import Promotion, now
from any2caption.errors import ConfigError, ConflictError, IntegrityError, NotFoundError
from any2caption.storage.digest import json_digest

PROMOTE, ROLLBACK, UNDO = "promote", "rollback", "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants a line and why.

    `key` names the request: sent again, it adds no second line. `sequence` is the number of the
    ledger's last line (0: none) that the decision was made on; None does not ask. `verdict` is the
    row of the catalogue that allows it.
    """

    approver: str
    reason: str
    key: str | None = None
    sequence: int | None = None
    verdict: int | None = None


def repeated(model: str, lines: Sequence[Promotion], key: str | None) -> Promotion | None:
    """Return the line that this request has made already, if it still stands.

    Raises:
        ConflictError: it was made and others came after it: sent again, it would undo them.
    """
    for number, line in enumerate(lines if key is not None else (), start=1):
        if line.key == key:
            if number < len(lines) and lines[number].kind == UNDO:
                raise ConflictError(
                    f"this rollback of {model} to version {line.version} could not be served and "
                    "was undone: send it again with another key"
                )
            if number < len(lines):
                raise ConflictError(
                    f"this {line.kind} of {model} to version {line.version} was done before; the "
                    f"champion is version {lines[-1].version} since: decide anew"
                )
            return line
    return None


def promotion(
    model: str, lines: Sequence[Promotion], version: int, expected: int | None, request: Request
) -> Promotion:
    """Return the line that makes `version` champion after `expected` (None: nobody).

    Raises:
        ConflictError: the champion is another one, or the ledger has other lines.
        ConfigError: the version is the champion already.
    """
    check_sequence(model, lines, request.sequence)
    current = lines[-1].version if lines else None
    if current != expected:
        raise ConflictError(
            f"the champion of {model} is version {current}, not {expected}: "
            "look at the new champion's report and promote again"
        )
    if current == version:
        raise ConfigError(f"version {version} of {model} is the champion already")
    return _next(model, lines, version, PROMOTE, request)


def rollback(model: str, lines: Sequence[Promotion], request: Request) -> Promotion:
    """Return the line that makes the champion before the present one champion again.

    Raises:
        NotFoundError: there was none before.
        ConflictError: the ledger has other lines than the caller saw.
    """
    check_sequence(model, lines, request.sequence)
    return _next(model, lines, rollback_target(model, lines), ROLLBACK, request)


def undo(model: str, lines: Sequence[Promotion], rolled_back: int, request: Request) -> Promotion:
    """Return the line that takes a rollback from version `rolled_back` back.

    Raises:
        ConflictError: the last line is not that rollback.
    """
    last = lines[-1] if lines else None
    if last is None or (last.kind, last.previous) != (ROLLBACK, rolled_back):
        champion = f"version {last.version}" if last else "nobody"
        raise ConflictError(
            f"the rollback from version {rolled_back} of {model} is not the ledger's last line, "
            f"and the champion is {champion}: it stays"
        )
    return _next(model, lines, rolled_back, UNDO, request)


def champions(lines: Sequence[Promotion]) -> list[int]:
    """Return the champions that rollbacks can step through, the present one last.

    Rolling back twice goes two champions back: lines that were taken back are stepped over.
    """
    found: list[int] = []
    for line in lines:
        if line.kind == ROLLBACK:
            found.pop()
        else:
            found.append(line.version)
    return found


def rollback_target(model: str, lines: Sequence[Promotion]) -> int:
    """Return the version that a rollback leads to; NotFoundError where there is none."""
    found = champions(lines)
    if len(found) < 2:  # noqa: PLR2004 - the present one and one before
        raise NotFoundError(f"{model} has no earlier champion to go back to")
    return found[-2]


def check_sequence(model: str, lines: Sequence[Promotion], sequence: int | None) -> None:
    """Hold what a caller saw of the ledger to what is there; ConflictError names the champion."""
    last = lines[-1].sequence if lines else 0
    if sequence not in {None, last}:
        champion = f"version {lines[-1].version}" if lines else "nobody"
        raise ConflictError(
            f"the ledger of {model} is at line {last}, not {sequence}, and the champion is "
            f"{champion}: decide anew"
        )


def line_digest(before: str, line: Any) -> str:
    """SHA-256 over a line (a row with a promotion's columns) and the digest of the line before."""
    created = line.created.astimezone(UTC).isoformat(timespec="microseconds")
    names = ("model", "sequence", "version", "previous", "kind", "approver", "reason", "key")
    return json_digest([before, *(getattr(line, name) for name in names), line.verdict, created])


def check_chain(model: str, lines: Sequence[Promotion]) -> None:
    """Hold every line to its own digest and to the line before.

    Raises:
        IntegrityError: one was changed, taken out or put in; the message names the first.
    """
    before: Promotion | None = None
    for number, line in enumerate(lines, start=1):
        if line.sequence != number:
            raise IntegrityError(f"ledger of {model}: line {number} is missing")
        if line.digest != line_digest(before.digest if before else "", line):
            raise IntegrityError(f"ledger of {model}: line {number} was changed")
        if line.previous != (before.version if before else None):
            raise IntegrityError(f"ledger of {model}: line {number} does not follow the one before")
        before = line


def _next(
    model: str, lines: Sequence[Promotion], version: int, kind: str, request: Request
) -> Promotion:
    last = lines[-1] if lines else None
    line = Promotion(
        model=model,
        sequence=last.sequence + 1 if last else 1,
        version=version,
        previous=last.version if last else None,
        kind=kind,
        approver=request.approver,
        reason=request.reason,
        key=request.key,
        verdict=request.verdict,
        created=now(),
    )
    line.digest = line_digest(last.digest if last else "", line)
    return line
