"""The step that guards every writer: a caption leaves held to the facts, with its papers."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from any2caption.captions.compiler import compile_for
from any2caption.captions.text import render
from any2caption.errors import A2CError, InputError
from any2caption.grounding.facts import Facts
from any2caption.grounding.options import CHOICES, NO_GENERATOR, Options
from any2caption.grounding.writers import answer
from any2caption.serving.steps.runtime import Arrays, strings, text

MOST_ENTRIES = 100
"""Entries of one list of `INFO`; a note says how many more there are."""
MOST_CHARACTERS = 2_000
"""Of one note or conflict: those that list what was left out grow with the request."""
_DOCUMENTS: Mapping[str, frozenset[str]] = {
    "READ": frozenset({"info", "milliseconds", "ended"}),
    "FACTS": frozenset({"text", "found", "conflicts", "notes"}),
    "OPTIONS": frozenset({*CHOICES, "draft"}),
}
_TOLD = ("conflicts", "notes")
_LISTS = ("findings", "invented", *_TOLD)


class CheckStep:
    """Facts, choices and the model's draft to the caption that is answered."""

    def __init__(self, _bundle: Path | None, _release: str, _parameters: Mapping[str, str]) -> None:
        """There is nothing to load."""

    def run(self, batch: Sequence[Arrays]) -> list[Arrays | A2CError]:
        """Answer each request by itself."""
        return [self._one(arrays) for arrays in batch]

    def _one(self, arrays: Arrays) -> Arrays | A2CError:
        began = time.monotonic()
        try:
            read, facts, asked = (_document(arrays, name) for name in _DOCUMENTS)
            draft = text(arrays["DRAFT"])[0].decode() if asked["draft"] else None
            options = Options.read({name: asked[name] for name in CHOICES})
            written = answer(Facts.from_json(facts), options, draft)
        except A2CError as error:
            return error
        milliseconds = {**read["milliseconds"], **written.milliseconds}
        if draft is not None:
            milliseconds["model"] = 1000 * (began - read["ended"])
        milliseconds["check"] = 1000 * (time.monotonic() - began)
        info = {
            **read["info"],
            "options": options.as_json(),
            **bounded(written.as_info()),
            "milliseconds": {name: round(value, 2) for name, value in milliseconds.items()},
        }
        caption = written.caption
        if options.generator != NO_GENERATOR:
            kinds = [given_kind(one) for one in read["info"].get("conditions", ())]
            info["prompt"] = compile_for(options.generator, caption, kinds=kinds).as_json()
        return {
            "CAPTION": strings(caption.model_dump_json(), batched=True),
            "CAPTION_TEXT": strings(render(caption), batched=True),
            "INFO": strings(json.dumps(info)),
        }


def given_kind(condition: Mapping[str, Any]) -> str:
    """Return a condition of `INFO` as generators name what they take: `image:first_frame`."""
    role = condition.get("role")
    return f"{condition['kind']}:{role}" if role else str(condition["kind"])


def bounded(info: Mapping[str, Any]) -> dict[str, Any]:
    """Cut the lists that grow with what a request states, and say of each that it was cut."""
    cut = {**info, **{name: [_shortened(one) for one in info[name]] for name in _TOLD}}
    for name in _LISTS:
        entries = cut[name]
        if len(entries) > MOST_ENTRIES:
            more = f"… and {len(entries) - MOST_ENTRIES} more"
            cut[name] = entries[:MOST_ENTRIES]
            cut["notes"] = [*cut["notes"][:MOST_ENTRIES], f"{name}: {more}"]
    return cut


def _shortened(told: str) -> str:
    return told if len(told) <= MOST_CHARACTERS else f"{told[:MOST_CHARACTERS]}…"


def _document(arrays: Arrays, name: str) -> dict[str, Any]:
    """Read what preprocessing wrote; whoever else asks here, such as a probe, is refused."""
    try:
        document = json.loads(text(arrays[name])[0])
    except ValueError:
        document = None
    if not isinstance(document, dict) or not _DOCUMENTS[name] <= document.keys():
        raise InputError("not what the first step writes", field=name)
    return document
