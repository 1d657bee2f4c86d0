"""Which input each sentence comes from, as a page tells it: colours, line styles, places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from any2caption.captions.schema import PARTS

TONES = 8
"""Colours and line styles that the page's style sheet has."""
_FAULTS = {
    "contradicted": "contradicted the request",
    "omitted": "was missing",
    "unsupported": "was supported by nothing",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One input of a sentence: its tone (0 …), what it is called, and the place in it."""

    tone: int
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the page; `before` is what it stands for, `why` what was wrong with that."""

    text: str
    origin: str
    chips: tuple[Chip, ...]
    before: str = ""
    why: str = ""


def told(
    info: Mapping[str, Any], text: str, names: Mapping[str, str]
) -> dict[str, tuple[list[Said], list[str]]]:
    """Return part → its sentences, and what the check only told.

    Args:
        info: an answer's `INFO`.
        text: the prompt as it was sent, for the words that a sentence comes from.
        names: `picture 1` → `@anna`.
    """
    tones = legend(info)
    findings = [dict(one) for one in info.get("findings", [])]
    found = {}
    for part in PARTS:
        own = [one for one in findings if one["part"] == part]
        sentences = []
        for one in info.get("provenance", {}).get(part, []):
            finding = next((two for two in own if two["after"] and two["after"] == one["text"]), {})
            if finding:
                own.remove(finding)
            sentences.append(
                Said(
                    one["text"],
                    one["origin"],
                    _chips(one["sources"], text, names, tones),
                    finding.get("before", ""),
                    _why(finding) if finding else "",
                )
            )
        left = [f"{_why(two)}{': ' if two['before'] else ''}{two['before']}" for two in own]
        found[part] = (sentences, left)
    return found


def legend(info: Mapping[str, Any]) -> dict[str, int]:
    """Return each input that a sentence comes from with its tone, in the order they appear."""
    inputs: dict[str, int] = {}
    for part in PARTS:
        for one in info.get("provenance", {}).get(part, []):
            for source in one["sources"]:
                inputs.setdefault(str(source["input"]), len(inputs) % TONES)
    return inputs


def _why(finding: Mapping[str, Any]) -> str:
    return f"{_FAULTS.get(finding['fault'], finding['fault'])}: {finding['why']}"


def _chips(
    sources: Sequence[Mapping[str, Any]],
    text: str,
    names: Mapping[str, str],
    tones: Mapping[str, int],
) -> tuple[Chip, ...]:
    """One chip an input; its places follow each other."""
    places: dict[str, list[str]] = {}
    for source in sources:
        own = places.setdefault(str(source["input"]), [])
        if (place := _place(source, text)) and place not in own:
            own.append(place)
    return tuple(
        Chip(tones[name], called(name, names), ", ".join(own)) for name, own in places.items()
    )


def called(name: str, names: Mapping[str, str]) -> str:
    """Return an input's name with what the user calls it: `picture 1 (@anna)`; `prompt`."""
    if name == "text":
        return "prompt"
    return f"{name} ({names[name]})" if name in names else name


def _place(source: Mapping[str, Any], text: str) -> str:
    if "characters" in source:
        start, end = source["characters"]
        return f"“{text[start:end]}”"
    if "frames" in source:
        first, last = source["frames"]
        return f"frame {first}" if first == last else f"frames {first}–{last}"
    if "box" in source:
        return "box " + " ".join(f"{side:.2f}" for side in source["box"])
    return ""
