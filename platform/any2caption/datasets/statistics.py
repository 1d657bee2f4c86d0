"""What a data set holds, in numbers. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.datasets.digest_set import MediaTally
from any2caption.datasets.records import Record
from any2caption.datasets.supervision.camera_check import CameraTally

BIN = 10  # words a bar of a histogram
_HOUR = 3600.0


class Tally:
    """Count, sum, least and most of numbers, and how many fall into each bin."""

    def __init__(self, width: int = BIN) -> None:
        self.count = self.sum = self.least = self.most = 0
        self.bins: Counter[int] = Counter()
        self._width = width

    def add(self, value: int) -> None:
        """Take a number."""
        self.least = min(self.least, value) if self.count else value
        self.count, self.sum, self.most = self.count + 1, self.sum + value, max(self.most, value)
        self.bins[value // self._width] += 1

    def summary(self) -> dict[str, float]:
        """Return mean, least and most."""
        return {"mean": self.mean, "least": self.least, "most": self.most}

    @property
    def mean(self) -> float:
        """The mean, 0 of nothing."""
        return round(self.sum / self.count, 1) if self.count else 0.0

    def histogram(self) -> dict[str, Any]:
        """Return `width` and, for each bin from 0, how many."""
        top = max(self.bins, default=-1)
        return {"width": self._width, "counts": [self.bins[place] for place in range(top + 1)]}


class _Kind:
    """A row of the paper's table: one kind of condition."""

    def __init__(self) -> None:
        self.instances = self.conditions = self.clips = 0
        self.seconds = 0.0
        self.prompt, self.caption = Tally(), Tally()

    def row(self) -> dict[str, Any]:
        return {
            "instances": self.instances,
            "conditions": self.conditions,
            "clips": self.clips,
            "hours": round(self.seconds / _HOUR, 3),
            "mean_seconds": round(self.seconds / self.clips, 2) if self.clips else None,
            "prompt_words": self.prompt.mean,
            "caption_words": self.caption.mean,
        }


def describe(records: Iterable[Record]) -> dict[str, Any]:
    """Return counts as a JSON object; see `describe_documents`."""
    return describe_documents(record.model_dump(mode="json") for record in records)


def describe_documents(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return counts of records (as JSON objects) as a JSON object.

    `conditions` counts conditions per kind, `roles` images per role, `combinations` records per set
    of kinds, `words` the mean, least and most words of a whole caption, `media` distinct objects.
    `kinds` is the paper's table: per kind the records that have it, its conditions, clips of known
    length with their hours, mean words of prompts and captions. `histograms` are words by bin.
    `camera_language` tells how many texts agree with their camera path
    (`supervision.camera_check`).
    """
    total = synthetic = questions = 0
    clips, seconds = 0, 0.0
    counters: dict[str, Counter[str]] = {
        name: Counter()
        for name in ("splits", "conditions", "roles", "combinations", "sources", "licences")
    }
    kinds: dict[str, _Kind] = {}
    whole, prompt, camera = Tally(), Tally(), CameraTally()
    parts = {part: Tally() for part in PARTS}
    media = MediaTally()
    for record in documents:
        total += 1
        synthetic += bool(record["synthetic"])
        camera.add(record)
        questions += len(record["qa"])
        counters["splits"][record["split"]] += 1
        counters["licences"][record["licence"]] += 1
        counters["sources"][record["source"]] += 1
        for part, tally in parts.items():
            tally.add(len(record["caption"][part].split()))
        length = sum(len(record["caption"][part].split()) for part in PARTS)
        asked = len(record["prompt"].split())
        whole.add(length)
        prompt.add(asked)
        own = set()
        for item in record["conditions"]:
            kind = kinds.setdefault(item["kind"], _Kind())
            kind.conditions += 1
            own.add(item["kind"])
            counters["conditions"][item["kind"]] += 1
            if item["role"]:
                counters["roles"][item["role"]] += 1
            if item.get("seconds"):
                kind.clips, kind.seconds = kind.clips + 1, kind.seconds + item["seconds"]
                clips, seconds = clips + 1, seconds + item["seconds"]
            for part in item["parts"]:
                media.add(part["sha256"], part["size"])
        for name in own:
            kinds[name].instances += 1
            kinds[name].prompt.add(asked)
            kinds[name].caption.add(length)
        counters["combinations"]["+".join(sorted(own)) or "none"] += 1
    return {
        "records": total,
        "synthetic": synthetic,
        **{name: _sorted(counter) for name, counter in counters.items()},
        "questions": questions,
        "words": whole.summary(),
        "prompt_words": prompt.summary(),
        "part_words": {part: tally.summary() for part, tally in parts.items()},
        "kinds": {name: kinds[name].row() for name in sorted(kinds)},
        "clips": clips,
        "hours": round(seconds / _HOUR, 3),
        "histograms": {"caption": whole.histogram(), "prompt": prompt.histogram()},
        "camera_language": camera.summary(),
        "media": media.summary(),
    }


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return {key: counter[key] for key in sorted(counter)}
