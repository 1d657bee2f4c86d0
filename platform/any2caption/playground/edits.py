"""A caption that was edited: parts that stay, what the check says of them, what generators read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.errors import InputError
from any2caption.grounding.check import check
from any2caption.grounding.facts import Facts
from any2caption.playground.request import Request
from any2caption.serving.client import CaptionResult


def edited(parts: Mapping[str, str]) -> StructuredCaption:
    """Return the six parts as a caption.

    Raises:
        InputError: an empty part; the message names it.
    """
    for part, label in PARTS.items():
        if not parts.get(part, "").strip():
            raise InputError("is empty", field=label)
    return StructuredCaption(**dict(parts))


def asking_again(request: Request, before: StructuredCaption) -> Request:
    """Return the request with what was written into locked parts as words of the prompt.

    A locked part that still is the answer's own says nothing new.
    """
    new = [text.strip() for part, text in request.locked.items() if text != getattr(before, part)]
    stops = [text if text[-1:] in ".!?" else f"{text}." for text in new if text]
    words = " ".join([*([request.text.strip()] if request.text.strip() else []), *stops])
    return replace(request, text=words)


def kept(result: CaptionResult, locked: Mapping[str, str]) -> CaptionResult:
    """Return an answer whose locked parts are the user's, word for word."""
    if not locked:
        return result
    caption = result.caption.model_copy(update=dict(locked))
    info: dict[str, Any] = dict(result.info)
    own = {
        part: [{"text": text, "origin": "stated", "sources": [{"input": "your edit"}]}]
        for part, text in locked.items()
    }
    info["provenance"] = {**info.get("provenance", {}), **own}
    info["findings"] = [one for one in info.get("findings", []) if one["part"] not in locked]
    return replace(result, caption=caption, info=info)


def objections(caption: StructuredCaption, facts: Facts) -> list[str]:
    """Return in words where a caption contradicts a request or forgets what it states."""
    found = check(caption, facts, writer="you", policy="warn").findings
    return [
        f"{PARTS[one.part]}: {one.fault}: {one.why}" + (f" (“{one.before}”)" if one.before else "")
        for one in found
        if one.fault != "unsupported"
    ]
