"""The endpoint that writes captions as a baseline: what it answers by itself, before any check."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from any2caption.conditions.types import Condition
from any2caption.endpoints.pictures import pictures_of
from any2caption.grounding.endpoint import EndpointWriter
from any2caption.grounding.facts import Facts
from any2caption.settings import Writer


def endpoint_texts(
    settings: Writer,
    requests: Mapping[str, Facts],
    conditions_of: Callable[[str], Sequence[Condition]],
) -> dict[str, str]:
    """Return the endpoint's captions in the numbered text form by id; "" where it brings none.

    `conditions_of` reads a request's conditions by its id, when its turn comes.
    """

    def text(name: str) -> str:
        shown = [one for condition in conditions_of(name) for one in pictures_of(condition)]
        return writer.draft(requests[name], shown).text

    with EndpointWriter(settings) as writer, ThreadPoolExecutor(settings.places) as pool:
        return dict(zip(requests, pool.map(text, requests), strict=True))
