"""Hold what a record's text says of the camera to what its path does. Pure.

Said is what the caption's camera part and the answers of the slot `camera` name, in the words of
captions and in plain ones ("moves right while yawing left"), read in the platform's own vocabulary:
a pan is a turn, a zoom changes the focal length. Shown is what `camera_language` makes of the
path's geometry. The two disagree when a movement is said that is not shown. What is shown need not
be said; "static" or "steady" beside movements tells how, not that the camera stands still. Records
with several camera paths, and texts that name no movement, are not compared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.camera.vocabulary import unsupported_keys
from any2caption.datasets.records import Record

KIND, SLOT, STATIC = "camera", "camera", "static"
_EXAMPLES = 5
_GROUPS = 20
_MOST_GROUPS = 2_000  # in memory at once


@dataclass(frozen=True, slots=True)
class Comparison:
    """Movement keys that a text names, that its path shows, and the named that are not shown."""

    said: tuple[str, ...]
    shown: tuple[str, ...]
    contrary: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that is said is shown."""
        return not self.contrary

    def __str__(self) -> str:
        """Say what contradicts what, in one line."""
        return f"the text says {_plain(self.contrary)}, the camera path shows {_plain(self.shown)}"


@lru_cache(maxsize=8_192)
def said(text: str) -> tuple[str, ...]:
    """Return the movement keys that a text about the camera names."""
    keys = dict.fromkeys(read_camera(text).keys)
    moving = tuple(key for key in keys if key != STATIC)
    return moving or tuple(keys)


def compare(texts: Iterable[str], shown: Iterable[str]) -> Comparison | None:
    """Hold texts to the keys that a path shows; None when they name no movement."""
    keys = tuple(dict.fromkeys(key for text in texts for key in said(text)))
    there = tuple(shown)
    return Comparison(keys, there, unsupported_keys(keys, there)) if keys else None


def compare_record(record: Record) -> Comparison | None:
    """Hold a record's text to its one camera path; None where there is nothing to compare."""
    shown = _shown([(item.kind, item.movements) for item in record.conditions])
    answers = (qa.answer for qa in record.qa if qa.slot == SLOT)
    return compare((record.caption.camera, *answers), shown) if shown else None


def compare_document(record: Mapping[str, Any]) -> Comparison | None:
    """Do what `compare_record` does, with a record as a JSON object."""
    items = record["conditions"]
    shown = _shown([(item["kind"], item.get("movements") or ()) for item in items])
    answers = (qa["answer"] for qa in record["qa"] if qa["slot"] == SLOT)
    return compare((record["caption"][KIND], *answers), shown) if shown else None


def _shown(conditions: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, ...]:
    paths = [tuple(movements) for kind, movements in conditions if kind == KIND]
    return paths[0] if len(paths) == 1 else ()


class CameraTally:
    """Counts how many texts agree with their paths, and groups those that do not."""

    def __init__(self) -> None:
        self.compared = self.agree = 0
        self._groups: dict[tuple[tuple[str, ...], tuple[str, ...]], _Group] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a record (as a JSON object)."""
        found = compare_document(record)
        if found is None:
            return
        self.compared += 1
        self.agree += found.agrees
        if found.agrees:
            return
        key = found.contrary, found.shown
        if key in self._groups or len(self._groups) < _MOST_GROUPS:
            self._groups.setdefault(key, _Group()).add(str(record["id"]))

    def summary(self) -> dict[str, Any]:
        """Return counts, the share that agrees (None of nothing) and the largest groups.

        `disagreements`: `says` and `shows` as movement keys, `records`, ids of a few `examples`.
        """
        ordered = sorted(self._groups.items(), key=lambda item: (-item[1].records, item[0]))
        return {
            "compared": self.compared,
            "agree": self.agree,
            "share": round(self.agree / self.compared, 4) if self.compared else None,
            "disagreements": [
                {
                    "says": list(contrary),
                    "shows": list(shown),
                    "records": group.records,
                    "examples": group.examples,
                }
                for (contrary, shown), group in ordered[:_GROUPS]
            ],
        }


class _Group:
    def __init__(self) -> None:
        self.records = 0
        self.examples: list[str] = []

    def add(self, record: str) -> None:
        self.records += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(record)


def warnings_of(summary: Mapping[str, Any], most: int = 3) -> tuple[str, ...]:
    """Return a tally's disagreements as sentences: the share, then the largest groups."""
    bad = summary["compared"] - summary["agree"]
    if not bad:
        return ()
    groups = "; ".join(
        f"{group['records']} × says {_plain(group['says'])}, path shows {_plain(group['shows'])} "
        f"(e.g. {', '.join(group['examples'][:2])})"
        for group in summary["disagreements"][:most]
    )
    share = bad / summary["compared"]
    sentence = (
        f"{bad} of {summary['compared']} texts ({share:.1%}) name camera movements that their path "
        f"does not show: {groups}"
    )
    return (sentence,)


def _plain(keys: Iterable[str]) -> str:
    return " and ".join(key.replace("_", " ") for key in keys)
