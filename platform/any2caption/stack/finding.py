"""What `a2c doctor` finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from any2caption.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `note` is good to know, `warning` should be changed, `danger` must be."""

    level: Literal["note", "warning", "danger"]
    what: str
    fix: str


Check = Callable[[Settings], Iterable[Finding]]
