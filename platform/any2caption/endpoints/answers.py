"""The JSON object in a model's answer, whatever stands around it.

Servers of open models put reasoning into the content, models wrap JSON in sentences and fences or
write it twice, and some gateways give the content as a list of parts. The last object counts: what
comes before it are drafts.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

_AFTER = re.compile(
    r"</\s*(?:think|thinking|thought|thoughts|reasoning|reflection)\s*>"
    r"|◁/think▷|<\|channel\|>\s*final\s*<\|message\|>",
    re.IGNORECASE,
)
_TEXT_PARTS = {None, "text", "output_text"}
_MOST_CHARACTERS = 200_000
_MOST_STARTS = 500


def text_of(content: Any) -> tuple[str, str]:
    """Return the text of a chat completion's content, and what is wrong with it ("" = nothing)."""
    if isinstance(content, list):
        pieces = [_part(one) for one in content]
        return "".join(pieces), "" if any(pieces) else "the answer has no part of text"
    if isinstance(content, str):
        return content, "" if content.strip() else "the answer is empty"
    if content is None:
        return "", "the answer is empty"
    return "", f"the answer is {type(content).__name__}, not text"


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind, text = (
        (part.get("type"), part.get("text"))
        if isinstance(part, dict)
        else (getattr(part, "type", None), getattr(part, "text", None))
    )
    return text if isinstance(text, str) and kind in _TEXT_PARTS else ""


def candidates(text: str) -> list[str]:
    """Return what can be the JSON answer, the likeliest first; the whole text when none is found.

    Looked for behind the reasoning, else in all of it.
    """
    text = text[:_MOST_CHARACTERS]
    answer = text[max((match.end() for match in _AFTER.finditer(text)), default=0) :]
    for place in dict.fromkeys((answer, text)):
        if found := list(_objects(place)):
            return found[::-1]
    return [answer.strip() or text.strip()]


def _objects(text: str) -> Iterator[str]:
    """Yield the outermost JSON objects of a text, in its order."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    for _ in range(_MOST_STARTS):
        if at < 0:
            return
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield text[at:end]
        at = text.find("{", end)
