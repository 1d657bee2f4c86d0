"""The page of `a2c play`: its tabs, put together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from any2caption.errors import A2CError
from any2caption.playground.asking import Answerer
from any2caption.playground.compare import Keep
from any2caption.playground.page import Page
from any2caption.playground.session import Session
from any2caption.playground.shelf import Example
from any2caption.playground.tabs import answer as answering
from any2caption.playground.tabs import camera, compare, edit, regions, request
from any2caption.playground.views import good, problem

TITLE = "Any2Caption playground"


def build(
    answerers: Sequence[Answerer], shelf: Sequence[Example], folder: Path, keep: Keep
) -> gr.Blocks:
    """Return the page on an answerer, and others that it can be compared with.

    Files to be downloaded are kept in `folder`; `keep` keeps the verdicts of comparisons.
    """
    answerer, *others = answerers
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as blocks:
        page = Page(answerer, folder)
        gr.HTML(
            f'<header class="a2c"><h1>{TITLE}</h1>'
            f'<p class="line">Captions by {answerer.name}; {_sent(answerer)}</p></header>'
        )
        with gr.Tabs() as tabs:
            with gr.Tab("Request", id="request"):
                ask, error = request.build(page, shelf)
            with gr.Tab("Camera", id="camera"):
                camera.build(page)
            with gr.Tab("Regions", id="regions"):
                regions.build(page)
            with gr.Tab("Understood", id="understood-tab"):
                answering.build_understood(page)
            with gr.Tab("Caption", id="caption"):
                caption = gr.HTML("<p>No caption yet.</p>", elem_id="answer")

            with gr.Tab("Edit and use", id="edit"):
                editor, again, again_told = edit.build(page)
            with gr.Tab("Compare", id="compare"):
                compare.build(page, (answerer, *others), keep)

        def asked(session: Session) -> Any:
            session, html, wrong = answering.ask(page, session)
            if wrong:
                return session, gr.skip(), problem(wrong), gr.skip(), *_same(editor.fields)
            go = gr.Tabs(selected="caption")
            return session, html, "", go, *editor.shown(session)

        outputs = [page.session, caption, error, tabs, *editor.fields]
        ask.click(asked, [page.session], outputs)

        def rewritten(session: Session, *values: Any) -> Any:
            try:
                editor.take(session, values)
            except A2CError as wrong:
                return session, gr.skip(), problem(wrong), "", *_same(editor.fields)
            session, html, wrong_ = answering.ask(page, session)
            if wrong_:
                return session, gr.skip(), problem(wrong_), "", *_same(editor.fields)
            return session, html, good("Written again."), "", *editor.shown(session)

        again.click(
            rewritten,
            [page.session, *editor.fields],
            [page.session, caption, *again_told, *editor.fields],
        )
    return blocks


def _sent(answerer: Answerer) -> str:
    if "endpoint" in answerer.writers:
        return "nothing is sent elsewhere, unless a writer's endpoint is set up there."
    return "nothing is sent anywhere else."


def _same(fields: list[Any]) -> list[Any]:
    return [gr.skip() for _ in fields]
