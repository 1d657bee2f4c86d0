"""Two captions of one request side by side, blind if wanted, and which was better."""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from any2caption.errors import InputError
from any2caption.playground.request import Request, pack
from any2caption.serving.client import CaptionResult

VERDICTS = ("left", "right", "the same", "both are wrong")
FILE = Path("playground") / "preferences.jsonl"


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


def record(pair: Pair, verdict: str, why: str, home: Path) -> Path:
    """Append a verdict to the state folder's preferences, a JSON line each; return the file.

    Raises:
        InputError: an unknown verdict, or the file can't be written.
    """
    if verdict not in VERDICTS:
        raise InputError(f"choose {', '.join(VERDICTS)}", field="which was better")
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "request": hashlib.sha256(pack(pair.request)).hexdigest(),
        "text": pair.request.text,
        "kinds": [item.kind for item in pair.request.items],
        "blind": pair.blind,
        "verdict": verdict,
        "why": why.strip(),
        "left": _side(*pair.left),
        "right": _side(*pair.right),
    }
    file = home / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", file=str(file)) from error
    return file


def _side(side: Side, result: CaptionResult) -> dict[str, Any]:
    return {
        "where": side.where,
        "choices": dict(side.choices),
        "writer": result.writer,
        "release": result.info.get("release"),
        "caption": result.caption.model_dump(),
    }
