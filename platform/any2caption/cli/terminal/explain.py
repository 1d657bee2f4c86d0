"""How a caption came about: its writer, the source of each sentence, what was changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from any2caption.serving.client import CaptionResult

_WRITERS = {
    "compose": "composed from the facts of the request",
    "model": "written by the model and held to the facts of the request",
    "endpoint": "written by the endpoint and held to the facts of the request",
}
_ORIGINS = {"repaired": "repaired", "invented": "invented"}


def explained(result: "CaptionResult") -> str:
    """Return all that an answer says of itself, part by part."""
    from any2caption.captions.schema import PARTS

    lines = [f"writer: {_WRITERS.get(result.writer, result.writer)}"]
    scope = result.info.get("scope")
    if scope and scope["why"]:
        lines.append(f"scope: {scope['why']}")
    for part, label in PARTS.items():
        lines += ["", label]
        lines += [f"  {_sentence(one)}" for one in result.provenance.get(part, [])]
    for heading, entries in _lists(result):
        lines += ["", heading, *(f"  {entry}" for entry in entries)]
    times = result.info.get("milliseconds", {})
    if times:
        told = ", ".join(f"{name} {value:.0f}" for name, value in times.items())
        lines += ["", f"milliseconds: {told}"]
    return "\n".join(lines)


def prompted(prompt: Mapping[str, Any]) -> str:
    """Return a generator's prompt with its size, what was cut, and the conditions beside it."""
    by = "counted" if prompt["counted"] == "tokenizer" else "estimated"
    budget = "" if prompt["budget"] is None else f" of {prompt['budget']}"
    lines = [
        f"Prompt for {prompt['generator']} ({prompt['tokens']}{budget} tokens, {by})",
        f"  {prompt['prompt']}",
    ]
    lines += [f"  cut from {one['part']}: {one['text']}" for one in prompt["dropped"]]
    if prompt["takes"]:
        lines.append(f"  beside it, as they are: {', '.join(prompt['takes'])}")
    if prompt["leaves"]:
        lines.append(f"  in words only: {', '.join(prompt['leaves'])}")
    lines += [f"  note: {note}" for note in prompt["notes"]]
    return "\n".join(lines)


def summary(result: "CaptionResult") -> Iterator[str]:
    """Yield what nobody should miss: conflicts, notes, and how much was repaired or invented."""
    yield from (f"conflict: {one}" for one in result.conflicts)
    yield from (f"note: {one}" for one in result.notes)
    sentences = [one for part in result.provenance.values() for one in part]
    for origin in ("repaired", "invented"):
        count = sum(one["origin"] == origin for one in sentences)
        if count:
            yield f"{origin}: {count} of {len(sentences)} sentences; --explain shows them"


def _sentence(sentence: Mapping[str, Any]) -> str:
    said = [_ORIGINS[sentence["origin"]]] if sentence["origin"] in _ORIGINS else []
    sources = "; ".join(dict.fromkeys(_source(one) for one in sentence["sources"]))
    return f"{sentence['text']}  [{': '.join([*said, *([sources] if sources else [])])}]"


def _source(source: Mapping[str, Any]) -> str:
    """Return an input with its frames: `camera 1, frames 0–15`."""
    if "frames" not in source or source["frames"][0] == source["frames"][1]:
        return str(source["input"])
    first, last = source["frames"]
    return f"{source['input']}, frames {first}–{last}"


def _lists(result: "CaptionResult") -> Iterator[tuple[str, Sequence[str]]]:
    found = {
        "conflicts": result.conflicts,
        "checked": [_finding(one) for one in result.findings],
        "invented": [f"{one['part']}: {one['text']}" for one in result.invented],
        "notes": result.notes,
    }
    yield from ((heading, entries) for heading, entries in found.items() if entries)


def _finding(finding: Mapping[str, Any]) -> str:
    changed: Iterable[str] = ()
    if finding["before"] or finding["after"]:
        changed = (
            f"was: {finding['before'] or 'nothing'}",
            f"is: {finding['after'] or 'as it was'}",
        )
    return "\n    ".join([f"{finding['part']}, {finding['fault']}: {finding['why']}", *changed])
