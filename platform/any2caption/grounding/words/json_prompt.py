"""Prompts that are JSON objects, read as labelled sentences."""

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"[^"]*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_STOPS = ".!?…"


def as_sentences(text: str) -> str:
    """Return a JSON object of words as sentences of the same length; any other text as it is.

    `{"subject": "a fox", "camera": "pan left"}` becomes ` Subject: a fox. Camera: pan left. ` with
    blanks between: every word keeps its place, so that sources name characters of what was sent.
    """
    if not text.lstrip().startswith("{") or "\\" in text:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    written = [" "] * len(text)
    for at, said in _pieces(text):
        written[at : at + len(said)] = said
    return "".join(written)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield keys, values and stops with their places; a key in front of an object has no colon."""
    tokens = list(_TOKEN.finditer(text))
    arrays: list[bool] = []
    inner = False
    for at, token in enumerate(tokens):
        mark, start = token.group(), token.start()
        follows = tokens[at + 1].group() if at + 1 < len(tokens) else ""
        if mark in "{[":
            arrays.append(mark == "[")
        elif mark in "}]":
            arrays.pop()
        elif mark in ",:":
            continue
        elif follows == ":":
            inner, nested = tokens[at + 2].group() == "{", inner
            key = mark.strip('"').replace("_", " ")
            yield start + 1, key if nested else key[:1].upper() + key[1:]
            if not inner:
                yield token.end() - 1, ":"
        else:
            value = mark.strip('"')
            yield start + mark.startswith('"'), value
            if not value.endswith(tuple(_STOPS)):
                listed = arrays[-1] and follows == ","
                yield token.end() - mark.startswith('"'), "," if listed else "."
