"""Who writes a request's caption, and what holds it to the facts: composed, or a draft."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from any2caption.captions.text import parse
from any2caption.errors import A2CError, UngroundedError
from any2caption.grounding.answer import Grounded
from any2caption.grounding.check import check
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import not_looked_at
from any2caption.grounding.options import Options

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a writer brought: six parts as text, or the `fault` for which there are none.

    A fault begins with one word: "slow: no answer in time". `looked_at` are the inputs whose
    pictures were shown, `told` is what `INFO` says of the writer.
    """

    writer: str
    text: str = ""
    fault: str = ""
    looked_at: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        papers = {"looked_at": list(self.looked_at), "told": dict(self.told)}
        return {"writer": self.writer, "text": self.text, "fault": self.fault, **papers}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the draft that `as_json` wrote."""
        looked = tuple(data["looked_at"])
        return cls(data["writer"], data["text"], data["fault"], looked, data["told"])


def answer(facts: Facts, options: Options, draft: Draft | None = None) -> Grounded:
    """Return the caption of a request with its papers.

    `draft` is what a writer made of it, None where the facts write. Where a draft can't be used,
    the facts write in its stead and a note says so, unless the request asks for the model by name.

    Raises:
        UngroundedError: the policy is `reject`, and the draft is not what the facts say.
        A2CError: the model was asked for by name, and its draft can't be used.
    """
    if draft is None:
        return compose(facts, length=options.length, mode=options.mode)
    if draft.fault:
        return _composed(facts, options, f"the {draft.writer}'s caption is missing ({draft.fault})")
    try:
        checked = check(
            parse(draft.text),
            facts,
            writer=draft.writer,
            policy=options.policy,
            length=options.length,
            mode=options.mode,
        )
    except UngroundedError as error:
        said = f"{UngroundedError.start}the {draft.writer}'s caption: {error}"
        raise UngroundedError(said) from error
    except Exception as error:
        # The boundary of an answer: whatever is wrong with a draft, the facts are still there.
        if isinstance(error, A2CError):
            _LOG.warning("a draft could not be used: %s", error)
        else:
            _LOG.exception("a draft could not be checked")
        said = f"the {draft.writer}'s caption could not be used ({type(error).__name__}: {error})"
        if options.writer == "model":
            raise A2CError(said) from error
        return _composed(facts, options, said)
    return _seen(checked, draft)


def _composed(facts: Facts, options: Options, said: str) -> Grounded:
    composed = compose(facts, length=options.length, mode=options.mode)
    return replace(composed, notes=(*composed.notes, f"{said}: composed from the facts"))


def _seen(checked: Grounded, draft: Draft) -> Grounded:
    """Say of the pictures that nobody else looked at that the writer did."""
    unseen = {not_looked_at(name): name for name in draft.looked_at}
    names = [unseen[note] for note in checked.notes if note in unseen]
    if not names:
        return checked
    notes = [note for note in checked.notes if note not in unseen]
    return replace(checked, notes=(*notes, f"only the {draft.writer} looked at {', '.join(names)}"))
