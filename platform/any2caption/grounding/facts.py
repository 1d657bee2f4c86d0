"""The facts of a whole request: its words and all of its conditions, and where they disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from any2caption.conditions.fact import Aspect, Fact


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two inputs that disagree: the fact that is followed and the one that is not.

    `text` says it to the user: "the text asks for a pan left; camera 1 pans right: camera 1 was
    followed".
    """

    followed: Fact
    overruled: Fact
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a request states.

    `text` is the user's own, verbatim; `found` the facts, those of the text first, then condition
    by condition; `notes` what the user should know ("the text is not English: kept as it is",
    "picture 3 is named, but there are two", "nobody looked at what picture 1 shows").
    """

    text: str
    found: tuple[Fact, ...]
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, *aspects: Aspect, source: str | None = None) -> tuple[Fact, ...]:
        """Return the facts of these aspects that stand (not overruled), of one input or of all.

        `source` is an input's name; `"conditions"` means all but the text.
        """
        overruled = {id(conflict.overruled) for conflict in self.conflicts}
        return tuple(
            fact
            for fact in self.found
            if fact.aspect in aspects
            and id(fact) not in overruled
            and source in {None, fact.source.input, _side(fact)}
        )

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        places = {id(fact): place for place, fact in enumerate(self.found)}
        return {
            "text": self.text,
            "found": [fact.as_json() for fact in self.found],
            "conflicts": [
                {
                    "followed": places[id(one.followed)],
                    "overruled": places[id(one.overruled)],
                    "text": one.text,
                }
                for one in self.conflicts
            ],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the facts that `as_json` wrote."""
        found = tuple(Fact.from_json(fact) for fact in data["found"])
        conflicts = tuple(
            Conflict(found[one["followed"]], found[one["overruled"]], one["text"])
            for one in data["conflicts"]
        )
        return cls(data["text"], found, conflicts, tuple(data["notes"]))


def _side(fact: Fact) -> str:
    return "text" if fact.source.input == "text" else "conditions"
