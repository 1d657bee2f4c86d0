"""Who writes a request's caption, and what holds it to the facts: composed, or a model's draft."""

import logging
from dataclasses import replace

from any2caption.captions.text import parse
from any2caption.errors import A2CError, UngroundedError
from any2caption.grounding.answer import Grounded
from any2caption.grounding.check import check
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.options import Options

_LOG = logging.getLogger(__name__)


def answer(facts: Facts, options: Options, draft: str | None = None) -> Grounded:
    """Return the caption of a request with its papers.

    `draft` is the model's caption as text, None where the facts write it. Where a draft can't be
    used, the facts write in its stead and a note says so, unless the request asks for the model by
    name.

    Raises:
        UngroundedError: the policy is `reject`, and the draft is not what the facts say.
        A2CError: the model was asked for by name, and its draft can't be used.
    """
    if draft is None:
        return compose(facts, length=options.length, mode=options.mode)
    try:
        return check(
            parse(draft),
            facts,
            writer="model",
            policy=options.policy,
            length=options.length,
            mode=options.mode,
        )
    except UngroundedError as error:
        raise UngroundedError(f"the model's caption was rejected: {error}") from error
    except Exception as error:
        # The boundary of an answer: whatever is wrong with a draft, the facts are still there.
        if isinstance(error, A2CError):
            _LOG.warning("a draft could not be used: %s", error)
        else:
            _LOG.exception("a draft could not be checked")
        said = f"the model's caption could not be used ({type(error).__name__}: {error})"
        if options.writer == "model":
            raise A2CError(said) from error
        composed = compose(facts, length=options.length, mode=options.mode)
        return replace(composed, notes=(*composed.notes, f"{said}: composed from the facts"))
