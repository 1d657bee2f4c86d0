"""The first step: files in; what they state, and what the model reads of them, out."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.conditions.isolation.parse import Cancelled, Pool, never
from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Condition
from any2caption.endpoints.pictures import Picture, pictures_of
from any2caption.errors import A2CError, InputError, NotFoundError
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.grounding.options import CHOICES, Options
from any2caption.perception.eyes import Eyes, Looks
from any2caption.serving.steps.documents import ENDPOINT, MODEL, packed
from any2caption.serving.steps.request_parsing import EdgeRequest, Files, read_request
from any2caption.serving.steps.runtime import Arrays, strings, text
from any2caption.settings import Writer

if TYPE_CHECKING:
    from any2caption.serving.steps.prompting import Prompting, Reading

_SEEN = frozenset({"IMAGE", "VIDEO"})
_NO_MODEL = {"inside": False, "why": "no model is released yet"}
_NO_ENDPOINT = (
    "WRITER: no endpoint is configured: set A2C_WRITER_BASE_URL and A2C_WRITER_MODEL where "
    "captions are made, or ask for compose or auto"
)


class Preprocess:
    """Every condition's parser and limits live here. Without a bundle there are only facts."""

    concurrency = 32
    """As many as the door lets in: a quick request never waits for a thread behind slow ones."""

    def __init__(self, bundle: Path | None, release: str, _parameters: Mapping[str, str]) -> None:
        self.prompting = _prompting(bundle)
        self.release = int(release) if release else None
        settings = Writer()
        self.has_endpoint, self.most_pictures = bool(settings.base_url), settings.pictures
        self.pool = Pool()
        self.eyes = Eyes()
        if release:  # a server: nobody's request waits for workers to start, or lists to be read
            self.pool.warm()
            self.eyes.warm()
            gather("a person waves", [])

    def close(self) -> None:
        """End the workers that parse and look."""
        self.pool.close()
        self.eyes.close()

    def run(
        self, batch: Sequence[Arrays], cancelled: Sequence[Cancelled] = ()
    ) -> list[Arrays | A2CError]:
        """Answer each request with its arrays, or with the error that its files deserve.

        `cancelled`: for each request whether its client has left.
        """
        left = cancelled or [never] * len(batch)
        return [self._one(arrays, gone) for arrays, gone in zip(batch, left, strict=True)]

    def _one(self, arrays: Arrays, cancelled: Cancelled) -> Arrays | A2CError:
        began = time.monotonic()
        try:
            files = {name: text(array) for name, array in arrays.items()}
            if files.keys() & _SEEN:
                self.eyes.prepare()  # while the files are parsed
            options = read_options(files)
            writes, reading, scope = self._choose(options, files)
            other = ENDPOINT if self.has_endpoint and writes else ""
            most = self.most_pictures if other and options.writer != MODEL else 0
            taken = _Taken(reading, Looks(self.eyes), most)
            request = read_request(
                files,
                pool=self.pool,
                cancelled=cancelled,
                each=taken,
                payload=lambda kind: taken.looks or kind == "camera",
                small=self.eyes.open,
            )
            parsed = time.monotonic()
            taken.seen.look(cancelled)
            looked = time.monotonic()
            facts = gather(
                request.text,
                request.conditions,
                seen=taken.seen.facts,
                looked=taken.seen.notes,
                facts_of=request.facts_of,
            )
            gathered = time.monotonic()
            inputs, warnings = self._inputs(reading, request, facts)
        except A2CError as error:
            return error
        ended = time.monotonic()
        refused = "" if reading is None else reading.refused
        if refused:
            writes, scope = other, {"inside": False, "why": refused}
        elif reading is not None and reading.unlike:
            whys = [scope["why"]] if scope and scope["why"] else []
            scope = {"inside": False, "why": "; ".join([*whys, reading.unlike])}
        info = describe(request, self.release, warnings)
        if writes == MODEL and self.prompting is not None and reading is not None:
            marks = {"stand_ins": dict(reading.stand_ins)} if reading.stand_ins else {}
            info["model"] = {"facts": self.prompting.facts, **marks}
        told = {
            "info": info if scope is None else {**info, "scope": scope},
            "milliseconds": {
                "read": 1000 * (parsed - began + ended - gathered),
                **({"look": 1000 * (looked - parsed)} if taken.seen.notes else {}),
                "facts": 1000 * (gathered - looked),
            },
            "ended": ended,
        }
        words = {
            "READ": told,
            "FACTS": facts.as_json(),
            "OPTIONS": {**options.as_json(), "draft": writes},
            "SHOWN": {"pictures": packed(taken.pictures if writes == ENDPOINT else [])},
        }
        return {**inputs, **{name: strings(json.dumps(one)) for name, one in words.items()}}

    def _choose(
        self, options: Options, files: Files
    ) -> "tuple[str, Reading | None, dict[str, Any] | None]":
        """Decide whose draft is wanted, before a file is parsed; "" where the facts write.

        Returns:
            the writer, what the model reads, and what `INFO.scope` says of it.
        """
        if options.writer == "compose":
            return "", None, None
        if options.writer == ENDPOINT:
            if not self.has_endpoint:
                raise NotFoundError(_NO_ENDPOINT)
            return ENDPOINT, None, None
        other = ENDPOINT if self.has_endpoint else ""
        if self.prompting is None:
            if options.writer == MODEL:
                raise NotFoundError("WRITER: no model is released yet; ask for compose or auto")
            return other, None, None if self.release is None else _NO_MODEL
        from any2caption.serving.steps.prompting import Reading

        words = b" ".join(files.get("TEXT", ())).decode(errors="replace")
        verdict = self.prompting.judge(words, [kind for kind in KINDS if files.get(kind.upper())])
        must = options.writer == MODEL
        if must or verdict.inside:
            return MODEL, Reading(self.prompting, must=must), verdict.as_json()
        return other, None, verdict.as_json()

    def _inputs(
        self, reading: "Reading | None", request: EdgeRequest, facts: Facts
    ) -> tuple[Arrays, list[str]]:
        if reading is not None:
            return reading.inputs(request.text, request.conditions, facts)
        return ({} if self.prompting is None else self.prompting.nothing()), []


def _prompting(bundle: Path | None) -> "Prompting | None":
    if bundle is None:
        return None
    from any2caption.serving.steps.prompting import Prompting

    return Prompting(bundle)


class _Taken:
    """Takes what writer and recognisers see of a request's conditions, one by one.

    No pixels stay but those of what is small enough to be looked at.

    For the endpoint these are up to `most` pictures, small and encoded.
    """

    def __init__(self, reading: "Reading | None", looks: Looks, most: int = 0) -> None:
        self._reading, self._most, self.seen = reading, most, looks
        self.looks = reading is not None or most > 0
        self.pictures: list[Picture] = []

    def __call__(self, condition: Condition) -> Condition:
        """Take what the writer sees of a condition; return it without its pixels."""
        self.seen.take(condition)
        if self._reading is not None:
            self._reading.take(condition)
        if len(self.pictures) < self._most:
            self.pictures = [*self.pictures, *pictures_of(condition)][: self._most]
        # A path is small, and is read anew where a depth tells how far away the scene is.
        return condition if condition.kind == "camera" else replace(condition, payload="")


def read_options(files: Files) -> Options:
    """Return a request's choices from its edge inputs (`WRITER`, `MODE`, …).

    Raises:
        InputError: an unknown choice; the message names the input and lists the choices.
    """
    given = {}
    for name in CHOICES:
        elements = files.get(name.upper())
        if elements is None:
            continue
        if len(elements) != 1:
            raise InputError(f"{len(elements)} elements; one is expected", field=name.upper())
        given[name] = bytes(elements[0]).decode(errors="replace")
    try:
        return Options.read(given)
    except InputError as error:
        raise InputError(error.reason, field=(error.field or "").upper()) from None


def describe(request: EdgeRequest, release: int | None, warnings: Sequence[str]) -> dict[str, Any]:
    """Return what `INFO` says of reading: conditions, assumptions, what the user should know."""
    conditions = request.conditions
    return {
        **({} if release is None else {"release": release}),
        "conditions": [
            {"kind": c.kind, "number": c.number, "role": c.role, "format": c.format}
            for c in conditions
        ],
        "assumptions": [line for c in conditions for line in _said(c, c.assumptions)],
        "warnings": [*(line for c in conditions for line in _said(c, c.warnings)), *warnings],
    }


def _said(condition: Condition, sentences: Sequence[str]) -> list[str]:
    return [f"{condition.kind} {condition.number}: {sentence}" for sentence in sentences]
