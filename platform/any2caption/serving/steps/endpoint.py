"""The step that asks the endpoint for a draft: no other has its key.

A request that asks for none passes at once, however many others wait for the endpoint.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from any2caption.conditions.isolation.parse import never
from any2caption.errors import A2CError
from any2caption.grounding.facts import Facts
from any2caption.grounding.options import CHOICES, Options
from any2caption.grounding.writers import Draft
from any2caption.serving.steps.documents import ENDPOINT, document, unpacked
from any2caption.serving.steps.runtime import Arrays, Cancelled, strings
from any2caption.settings import Door, Writer


class EndpointStep:
    """Pictures, facts and choices to the endpoint's draft; an empty one where none is asked for."""

    def __init__(self, _bundle: Path | None, _release: str, _parameters: Mapping[str, str]) -> None:
        settings = Writer()
        self.writer = None
        if settings.base_url:
            from any2caption.grounding.endpoint import EndpointWriter

            self.writer = EndpointWriter(settings)
        self.concurrency = 2 * Door().requests
        """Every request that the door lets in has a place, and so has each probe."""

    def close(self) -> None:
        """Close the connections."""
        if self.writer is not None:
            self.writer.close()

    def run(
        self, batch: Sequence[Arrays], cancelled: Sequence[Cancelled] = ()
    ) -> list[Arrays | A2CError]:
        """Answer each request by itself."""
        left = cancelled or [never] * len(batch)
        return [self._one(arrays, gone) for arrays, gone in zip(batch, left, strict=True)]

    def _one(self, arrays: Arrays, cancelled: Cancelled) -> Arrays | A2CError:
        try:
            asked = document(arrays, "OPTIONS")
            drafted = Draft("")
            if asked["draft"] == ENDPOINT:
                drafted = self._drafted(arrays, asked, cancelled)
        except A2CError as error:
            return error
        return {"WRITTEN": strings(json.dumps(drafted.as_json()))}

    def _drafted(self, arrays: Arrays, asked: Mapping[str, str], cancelled: Cancelled) -> Draft:
        if self.writer is None:  # the first step was told of one, this one was not
            return Draft(ENDPOINT, fault="unset: A2C_WRITER_BASE_URL is not set here")
        facts = Facts.from_json(document(arrays, "FACTS"))
        options = Options.read({name: asked[name] for name in CHOICES})
        pictures = unpacked(document(arrays, "SHOWN")["pictures"])
        return self.writer.draft(facts, pictures, options, cancelled=cancelled)
