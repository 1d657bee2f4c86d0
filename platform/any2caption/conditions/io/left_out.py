"""Odd entries beside good ones: left out, counted and named, instead of refusing the whole file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from any2caption.conditions.kind import Notes
from any2caption.errors import InputError

_NAMED = 3


@dataclass(slots=True)
class LeftOut:
    """Counts the entries of one file; `what` names them in the warning ("regions").

    Errors of the class `never` are no odd entry and are raised: limits on the whole file.
    """

    what: str
    never: type[InputError] | None = None
    good: int = 0
    errors: list[InputError] = field(default_factory=list)

    @contextmanager
    def entry(self) -> Iterator[None]:
        """Read one entry inside: its error is kept, and the next one is read."""
        try:
            yield
        except InputError as error:
            if self.never and isinstance(error, self.never):
                raise
            self.errors.append(error)
        else:
            self.good += 1

    def settle(self, notes: Notes) -> None:
        """Warn of the entries that were left out.

        Raises:
            InputError: the first entry's error, when no entry could be read.
        """
        if not self.errors:
            return
        if not self.good:
            raise self.errors[0]
        named = "; ".join(
            f"{error.record or error.field} ({error.reason})" for error in self.errors[:_NAMED]
        )
        more = f" and {len(self.errors) - _NAMED} more" if len(self.errors) > _NAMED else ""
        total = len(self.errors) + self.good
        notes.warn(f"{len(self.errors)} of {total} {self.what} are left out: {named}{more}")
