"""How commands speak: results on standard output, everything else on standard error."""

import getpass
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console

_EVERY_SECONDS = 10.0
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Tell a person what is going on."""
    ERR.print(message, markup=False)


def put_json(value: object) -> None:
    """Print a result for machines: the only thing on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def put(text: str = "") -> None:
    """Print a result for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def describe(line: Mapping[str, Any], elapsed: float) -> str:
    """One progress line as text: elapsed time, stage, step of total, loss, sentence."""
    parts = [f"{int(elapsed) // 60:02d}:{int(elapsed) % 60:02d}", f"{line['stage']:<9}"]
    step, total = line.get("step"), line.get("total")
    if step is not None:
        parts.append(f"{step}/{total}" if total else str(step))
    if isinstance(line.get("loss"), int | float):
        parts.append(f"loss {line['loss']:.4f}")
    if line.get("status") in {"failed", "retrying"}:
        parts.append(f"[{line['status']}]")
    return "  ".join([*parts, str(line.get("message", ""))]).rstrip()


class ProgressPrinter:
    """Shows progress lines: a status line that is rewritten on a terminal, else sparse plain lines.

    Without a terminal it prints each change of stage, each sentence that is not a mere step, and
    every ten seconds the latest step.
    """

    def __init__(self, *, terminal: bool | None = None) -> None:
        self._terminal = ERR.is_terminal if terminal is None else terminal
        self._began = time.monotonic()
        self._printed = 0.0
        self._stage = ""
        self._status = ERR.status("starting") if self._terminal else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Show one line."""
        now = time.monotonic()
        text = describe(line, now - self._began)
        is_step = line.get("step") is not None
        if self._status is not None:
            self._status.update(text)
        changed = line["stage"] != self._stage or not is_step
        if changed or (self._status is None and now - self._printed >= _EVERY_SECONDS):
            say(text)
            self._printed = now
        self._stage = str(line["stage"])


def user() -> str:
    """Return who types: the login's name, which minimal machines do not put into `USER`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid {os.getuid()}"
