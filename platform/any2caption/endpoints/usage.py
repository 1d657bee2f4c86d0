"""What an endpoint costs: requests, tokens and money, with what it did not tell."""

import threading
from dataclasses import dataclass, field, fields
from typing import Any

MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts that add up. `invalid` answers were paid for and asked again.

    `cached` answers cost nothing; `unreported` ones came without a token count, so the sums of
    tokens are too low by them.
    """

    requests: int = 0
    retries: int = 0
    cached: int = 0
    invalid: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unreported: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def tokens(self) -> int:
        """Tokens in and out, as far as they were told."""
        return self.input_tokens + self.output_tokens

    def document(self) -> dict[str, int]:
        """Return the counts as a JSON object."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens; both zero means that no price is known."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, usage: Usage) -> float | None:
        """Return what the tokens cost, or None when no price is known."""
        if not self.input and not self.output:
            return None
        spent = usage.input_tokens * self.input + usage.output_tokens * self.output
        return round(spent / MILLION, 6)

    def bill(self, usage: Usage) -> dict[str, Any]:
        """Return counts and cost as a JSON object."""
        return {**usage.document(), "cost": self.cost(usage)}


@dataclass(slots=True)
class Meter:
    """Adds up the usage of several threads."""

    total: Usage = Usage()
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, usage: Usage) -> None:
        """Count one answer."""
        with self._lock:
            self.total += usage
