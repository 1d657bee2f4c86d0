"""A caption with its papers: where each sentence comes from, and what was done to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.conditions.fact import Source

Mode = Literal["off", "fill", "rewrite"]
"""`off`: the user's words and exact facts only; `fill`: add what is missing, change nothing that
was said; `rewrite`: say it anew, all facts kept."""
Length = Literal["short", "medium", "long"]
Policy = Literal["repair", "warn", "reject"]
Origin = Literal["stated", "repaired", "invented"]
"""`stated`: facts support it; `repaired`: it stands for a sentence that they did not support;
`invented`: nobody stated it (a neutral default, or a writer's own idea)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a part: its words with their stop, and the places that it comes from."""

    text: str
    sources: tuple[Source, ...] = ()
    origin: Origin = "stated"

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        sources = [source.as_json() for source in self.sources]
        return {"text": self.text, "origin": self.origin, "sources": sources}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check found in a part.

    `contradicted`: a sentence against a fact; `omitted`: a fact that no sentence says;
    `unsupported`: a sentence that nothing supports. `before` is the offending sentence ("" where
    one was missing), `after` what stands there now ("" where it was only told).
    """

    part: str
    fault: Literal["contradicted", "omitted", "unsupported"]
    why: str
    before: str = ""
    after: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        words = {"before": self.before, "after": self.after}
        return {"part": self.part, "fault": self.fault, "why": self.why, **words}


@dataclass(frozen=True, slots=True)
class Grounded:
    """A caption in six parts, sentence by sentence, and what the check did to it."""

    parts: Mapping[str, tuple[Sentence, ...]]
    writer: str
    findings: tuple[Finding, ...] = ()
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def caption(self) -> StructuredCaption:
        """The six parts as text."""
        return StructuredCaption(
            **{part: " ".join(one.text for one in self.parts[part]) for part in PARTS}
        )

    def as_info(self) -> dict[str, Any]:
        """Return what `INFO` says: provenance by part, findings, conflicts, invented, notes."""
        invented = [
            {"part": part, "text": one.text}
            for part in PARTS
            for one in self.parts[part]
            if one.origin == "invented"
        ]
        return {
            "writer": self.writer,
            "provenance": {part: [one.as_json() for one in self.parts[part]] for part in PARTS},
            "findings": [finding.as_json() for finding in self.findings],
            "conflicts": list(self.conflicts),
            "invented": invented,
            "notes": list(self.notes),
            "milliseconds": dict(self.milliseconds),
        }
