"""What an annotation run is to do, and the key that names it: the same work, the same key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from any2caption.annotation.annotators import Annotator
from any2caption.annotation.extractors import Extractor
from any2caption.errors import ConfigError
from any2caption.settings import Annotate
from any2caption.storage.digest import json_digest

Fill = Literal["missing", "all", "never"]
Contradictions = Literal["repair", "people"]
"""What happens to a caption that contradicts the geometry of its conditions: its sentence is
replaced by what geometry says; or nothing is changed, and people are asked."""
Name = Literal["rules", "endpoint"]
NAMES: tuple[Name, ...] = get_args(Name)
FILLS: tuple[Fill, ...] = get_args(Fill)
CONTRADICTIONS: tuple[Contradictions, ...] = get_args(Contradictions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run over the source at `source`.

    `manifest` is the URI of the file that lists its records; empty means the source's own
    manifest.jsonl. An ingest leaves such a file for records that wait for captions.
    `captions`, `prompts`: which to write. `complete_only` leaves records out whose caption has
    parts that the annotator could not know. `threshold` is the share of records left out above
    which nothing is published. `limit` 0 means all records.
    """

    source: str
    manifest: str = ""
    annotator: str = "rules"
    extract: tuple[str, ...] = ()
    captions: Fill = "missing"
    prompts: Fill = "missing"
    frames: int = 8
    complete_only: bool = False
    contradictions: Contradictions = "repair"
    threshold: float = 0.05
    limit: int = 0
    workers: int = 4

    def __post_init__(self) -> None:
        if self.annotator not in NAMES:
            raise ConfigError(f"annotator {self.annotator!r}; there are: {', '.join(NAMES)}")
        for name, value in (("captions", self.captions), ("prompts", self.prompts)):
            if value not in FILLS:
                raise ConfigError(f"{name} {value!r}; accepted: {', '.join(FILLS)}")
        if self.contradictions not in CONTRADICTIONS:
            known = ", ".join(CONTRADICTIONS)
            raise ConfigError(f"contradictions {self.contradictions!r}; accepted: {known}")
        in_range = {
            "frames": 1 <= self.frames <= 64,  # noqa: PLR2004 - beyond it a request is too large
            "threshold": 0 <= self.threshold <= 1,
            "limit": self.limit >= 0,
            "workers": 1 <= self.workers <= 256,  # noqa: PLR2004 - connections at once
        }
        for name, good in in_range.items():
            if not good:
                raise ConfigError(f"{name} {getattr(self, name)} is out of range")

    def writes(self, *, has_caption: bool, has_prompt: bool) -> tuple[bool, bool]:
        """Whether a record gets a caption and a prompt."""
        return _write(self.captions, there=has_caption), _write(self.prompts, there=has_prompt)


def _write(fill: Fill, *, there: bool) -> bool:
    return fill == "all" or (fill == "missing" and not there)


def run_key(
    plan: Plan, annotator: Annotator, extractors: Sequence[Extractor], settings: Annotate
) -> str:
    """Name a run by everything that can change what it writes, limit and threads apart."""
    content = {
        "source": plan.source,
        "manifest": plan.manifest,
        "annotator": [annotator.name, annotator.version],
        "endpoint": settings.base_url if plan.annotator == "endpoint" else "",
        "extractors": [[tool.kind, tool.name, tool.version] for tool in extractors],
        "captions": plan.captions,
        "prompts": plan.prompts,
        "frames": plan.frames,
        "complete_only": plan.complete_only,
        "contradictions": plan.contradictions,
    }
    return json_digest(content)[:16]
