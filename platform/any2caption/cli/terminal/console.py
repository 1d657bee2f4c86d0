"""How commands speak: results on standard output, everything else on standard error."""

import getpass
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console

_EVERY_SECONDS = 10.0
_QUIET_SECONDS = 2.0  # what ends before needs no progress
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


def put_address(url: str) -> None:
    """Print where a page is served, for machines."""
    put_json({"url": url})


@contextmanager
def working(what: str, *, terminal: bool | None = None) -> Iterator[Callable[[str], None]]:
    """Say that work of unknown length goes on, and for how long, once it takes over two seconds.

    A status line on a terminal, else a plain line, and one more every ten seconds. What is said can
    be changed while it goes on, by the function that is yielded.
    """
    on_terminal = ERR.is_terminal if terminal is None else terminal
    ended, began = threading.Event(), time.monotonic()

    def now(words: str) -> None:
        nonlocal what
        what = words

    def tell() -> None:
        if ended.wait(_QUIET_SECONDS):
            return
        if not on_terminal:
            say(f"{what} …")
            while not ended.wait(_EVERY_SECONDS):
                say(f"{what} … {clock(time.monotonic() - began)}")
            return
        with ERR.status("") as status:
            status.update(f"{what} … {clock(time.monotonic() - began)}")
            while not ended.wait(1.0):
                status.update(f"{what} … {clock(time.monotonic() - began)}")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield now
    finally:
        ended.set()
        teller.join()


def clock(seconds: float) -> str:
    """Minutes and seconds: 01:23."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def describe(line: Mapping[str, Any], elapsed: float, remaining: float | None = None) -> str:
    """One progress line as text: elapsed and remaining time, stage, step of total, loss, sentence.

    The remaining time, in seconds, is shown where it is known.
    """
    parts = [clock(elapsed), f"{line['stage']:<9}"]
    step, total = line.get("step"), line.get("total")
    if step is not None:
        parts.append(f"{step}/{total}" if total else str(step))
    if isinstance(line.get("loss"), int | float):
        parts.append(f"loss {line['loss']:.4f}")
    if remaining is not None:
        parts.append(f"{clock(remaining)} left")
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
        self._first: tuple[float, int] | None = None
        self._counted: tuple[str, int] | None = None
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
        text = describe(line, now - self._began, self._remaining(line, now))
        is_step = line.get("step") is not None
        if self._status is not None:
            self._status.update(text)
        changed = line["stage"] != self._stage or not is_step
        if changed or (self._status is None and now - self._printed >= _EVERY_SECONDS):
            say(text)
            self._printed = now
        self._stage = str(line["stage"])

    def _remaining(self, line: Mapping[str, Any], now: float) -> float | None:
        """Seconds left of what is counted, at its pace since the first step that was seen of it."""
        step, total = line.get("step"), line.get("total")
        if not isinstance(step, int) or not isinstance(total, int):
            return None
        counted = str(line["stage"]), total
        if self._first is None or counted != self._counted or step < self._first[1]:
            self._first, self._counted = (now, step), counted
        began, first = self._first
        if step <= first or now - began < _QUIET_SECONDS:
            return None
        return (total - step) * (now - began) / (step - first)


def user() -> str:
    """Return who types: the login's name, which minimal machines do not put into `USER`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid {os.getuid()}"
