"""Two captions of one request side by side, blind if wanted, and which was better."""

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.errors import InputError
from any2caption.playground.request import Request, pack
from any2caption.serving.client import CaptionResult

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

VERDICTS = ("left", "right", "the same", "both are wrong")
FILE = Path("playground") / "preferences.jsonl"
RATER = "playground"
_LONGEST = 200
"""Characters of the catalogue's column."""
Keep = Callable[[Mapping[str, Any]], str]
"""Keeps what `judged` returned, and says where; A2CError where it can't."""


@dataclass(frozen=True, slots=True)
class Side:
    """One way to be answered: where, by which writer, how long."""

    where: str
    choices: Mapping[str, str]

    def told(self) -> str:
        """Return it in words."""
        return f"{self.where}, {', '.join(f'{k} {v}' for k, v in self.choices.items())}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers as they stand on the page, left and right."""

    request: Request
    left: tuple[Side, CaptionResult]
    right: tuple[Side, CaptionResult]
    blind: bool


def paired(
    request: Request,
    first: tuple[Side, CaptionResult],
    second: tuple[Side, CaptionResult],
    *,
    blind: bool,
) -> Pair:
    """Return the pair; a blind one is in random order."""
    swap = blind and random.random() < 0.5  # noqa: PLR2004, S311 - a coin, no secret
    left, right = (second, first) if swap else (first, second)
    return Pair(request, left, right, blind)


def judged(pair: Pair, verdict: str, why: str) -> dict[str, Any]:
    """Return a verdict with all that it was made on, JSON-ready.

    Raises:
        InputError: an unknown verdict.
    """
    if verdict not in VERDICTS:
        raise InputError(f"choose {', '.join(VERDICTS)}", field="which was better")
    return {
        "request": hashlib.sha256(pack(pair.request)).hexdigest(),
        "text": pair.request.text,
        "kinds": [item.kind for item in pair.request.items],
        "blind": pair.blind,
        "verdict": verdict,
        "why": why.strip(),
        "left": _side(*pair.left),
        "right": _side(*pair.right),
    }


def in_file(home: Path) -> Keep:
    """Keep verdicts in the state folder's preferences, a JSON line each."""

    def keep(told: Mapping[str, Any]) -> str:
        line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **told}
        file = home / FILE
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", file=str(file)) from error
        return str(file)

    return keep


def in_catalogue(catalogue: "Catalogue") -> Keep:
    """Keep verdicts in the stack's catalogue: visitors have no names, so the page is the rater."""

    def keep(told: Mapping[str, Any]) -> str:
        row = catalogue.record_preference(
            told["request"],
            told["verdict"],
            left_by=_by(told["left"]),
            right_by=_by(told["right"]),
            rater=RATER,
            blind=told["blind"],
            reason=told["why"],
            details={name: told[name] for name in ("text", "kinds", "left", "right")},
        )
        return f"the catalogue, number {row.id}"

    return keep


def _by(side: Mapping[str, Any]) -> str:
    return f"{side['writer']}, release {side['release']}, {side['where']}"[:_LONGEST]


def _side(side: Side, result: CaptionResult) -> dict[str, Any]:
    return {
        "where": side.where,
        "choices": dict(side.choices),
        "writer": result.writer,
        "release": result.info.get("release"),
        "caption": result.caption.model_dump(),
    }
