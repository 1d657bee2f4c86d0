"""The page of `a2c play`: its tabs, put together."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from any2caption.errors import A2CError, CancelledError
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
                ask, stop, error = request.build(page, shelf)
            with gr.Tab("Camera", id="camera"):
                camera.build(page)
            with gr.Tab("Regions", id="regions"):
                regions.build(page)
            with gr.Tab("Understood", id="understood-tab"):
                answering.build_understood(page)
            with gr.Tab("Caption", id="caption"):
                caption = gr.HTML("<p>No caption yet.</p>", elem_id="answer")

            with gr.Tab("Edit and use", id="edit"):
                editor, again, again_stop, again_told = edit.build(page)
            with gr.Tab("Compare", id="compare"):
                compare.build(page, (answerer, *others), keep)

        def asked(session: Session) -> Iterator[Any]:
            fields, same = _same(editor.fields), gr.skip()
            try:
                for told, html in answering.ask(page, session):
                    if told:
                        yield session, same, told, _running(), same, *fields
                    else:
                        go = gr.Tabs(selected="caption")
                        yield session, html, "", _idle(), go, *editor.shown(session)
            except A2CError as wrong:
                yield session, same, _ended(wrong), _idle(), same, *fields

        ask.click(
            asked,
            [page.session],
            [page.session, caption, error, stop, tabs, *editor.fields],
            show_progress="hidden",
        )

        def rewritten(session: Session, *values: Any) -> Iterator[Any]:
            fields, same = _same(editor.fields), gr.skip()
            try:
                editor.take(session, values)
                for told, html in answering.ask(page, session):
                    if told:
                        yield session, same, _running(), told, "", *fields
                    else:
                        done = good("Written again.")
                        yield session, html, _idle(), done, "", *editor.shown(session)
            except A2CError as wrong:
                yield session, same, _idle(), _ended(wrong), "", *fields

        again.click(
            rewritten,
            [page.session, *editor.fields],
            [page.session, caption, again_stop, *again_told, *editor.fields],
            show_progress="hidden",
        )
    return blocks


def _ended(wrong: A2CError) -> str:
    return good("Stopped.") if isinstance(wrong, CancelledError) else problem(wrong)


def _running() -> gr.Button:
    return gr.Button(visible=True)


def _idle() -> gr.Button:
    return gr.Button(visible=False)


def _sent(answerer: Answerer) -> str:
    if "endpoint" in answerer.writers:
        return "nothing is sent elsewhere, unless a writer's endpoint is set up there."
    return "nothing is sent anywhere else."


def _same(fields: list[Any]) -> list[Any]:
    return [gr.skip() for _ in fields]
