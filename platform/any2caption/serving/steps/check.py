"""The step that guards every writer: a caption leaves held to the facts, with its papers."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from any2caption.captions.compiler import compile_for
from any2caption.captions.text import render
from any2caption.errors import A2CError
from any2caption.grounding.facts import Facts
from any2caption.grounding.options import CHOICES, NO_GENERATOR, Options
from any2caption.grounding.stand_ins import StandIns
from any2caption.grounding.writers import Draft, answer
from any2caption.serving.steps.documents import ENDPOINT, document
from any2caption.serving.steps.runtime import Arrays, strings, text

MOST_ENTRIES = 100
"""Entries of one list of `INFO`; a note says how many more there are."""
MOST_CHARACTERS = 2_000
"""Of one note or conflict: those that list what was left out grow with the request."""
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
            read, asked = document(arrays, "READ"), document(arrays, "OPTIONS")
            marks = read["info"].get("model", {}).get("stand_ins", {})
            draft = _draft(arrays, asked["draft"], StandIns("", marks))
            options = Options.read({name: asked[name] for name in CHOICES})
            written = answer(Facts.from_json(document(arrays, "FACTS")), options, draft)
        except A2CError as error:
            return error
        milliseconds = {**read["milliseconds"], **written.milliseconds}
        if draft is not None:
            milliseconds[draft.writer] = 1000 * (began - read["ended"])
        milliseconds["check"] = 1000 * (time.monotonic() - began)
        info = {
            **read["info"],
            "options": options.as_json(),
            **bounded(written.as_info()),
            **({"endpoint": draft.told} if draft is not None and draft.told else {}),
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


def _draft(arrays: Arrays, writer: str, marks: StandIns) -> Draft | None:
    """Return what the writer that was asked brought; None where the facts write."""
    if writer == ENDPOINT:
        return Draft.from_json(document(arrays, "WRITTEN"))
    if not writer:
        return None
    return Draft(writer, marks.put_back(text(arrays["DRAFT"])[0].decode()))


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
