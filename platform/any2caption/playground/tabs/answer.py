"""What was understood, and the caption with the source of every sentence."""

from collections.abc import Iterator

import gradio as gr

from any2caption.errors import A2CError
from any2caption.playground.page import Page
from any2caption.playground.session import Answer, Session
from any2caption.playground.views import answer, progress, understood


def build_understood(page: Page) -> None:
    """Build the tab of what was understood; it follows the request."""
    shown = gr.HTML(elem_id="understood")

    def look(session: Session) -> str:
        seen = session.seen()
        try:
            facts, error = session.facts(), ""
        except A2CError as wrong:
            facts, error = None, str(wrong)
        return understood(session.request, seen, facts, error)

    gr.on(
        [page.version.change, page.words.change],
        look,
        [page.session],
        [shown],
        show_progress="hidden",
        trigger_mode="always_last",
    )


def written(session: Session, one: Answer) -> str:
    """Return an answer as the page shows it."""
    return answer(
        one.result,
        session.request,
        where=one.where,
        sent=one.request.said(),
        seconds=one.seconds,
        locked=tuple(session.request.locked),
    )


def ask(page: Page, session: Session) -> Iterator[tuple[str, str]]:
    """Ask for the caption: yield how far it is, as HTML, and at last the caption's HTML.

    Each comes as (progress, caption), of which one is empty.

    Raises:
        A2CError: what is wrong with the request, that nobody answers, or that it was stopped.
    """
    pending = session.begin(page.answerer)
    for now, seconds in pending.told():
        yield progress(now, seconds), ""
    yield "", written(session, pending.result())
