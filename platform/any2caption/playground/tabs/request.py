"""The first tab: prompt, files, what is said of each, choices, examples, saved requests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Part
from any2caption.errors import A2CError
from any2caption.playground.page import Page, fresh, slot
from any2caption.playground.request import checked_name, pack, read_options, unpack
from any2caption.playground.session import Session
from any2caption.playground.shelf import Example
from any2caption.playground.views import card, good, problem

_KINDS = [(name.replace("_", " "), name) for name in KINDS if name != "text"]


def build(page: Page, shelf: Sequence[Example]) -> tuple[gr.Button, gr.Button, gr.HTML]:
    """Build the tab; return the buttons that ask for the caption and stop that.

    With them comes the place of progress and errors.
    """
    if shelf:
        _examples(page, shelf)
    page.prompt.render()
    prompt_error = slot()

    def said(session: Session, text: str) -> Any:
        session.request = replace(session.request, text=text)
        try:
            session.request.said()
        except A2CError as error:
            return session, fresh(), problem(error)
        return session, fresh(), ""

    gr.on(
        [page.prompt.change, page.version.change],  # a condition may have got the name
        said,
        [page.session, page.prompt],
        [page.session, page.words, prompt_error],
        show_progress="hidden",
        trigger_mode="always_last",
    )
    _files(page)
    _cards(page)
    with gr.Accordion("Choices", open=False), gr.Row():
        for one in page.choices.values():
            one.render()

    def chosen(session: Session, *values: str) -> Session:
        given = dict(zip(page.choices, values, strict=True))
        session.request = replace(session.request, choices={**session.request.choices, **given})
        return session

    for one in page.choices.values():
        one.input(chosen, [page.session, *page.choices.values()], [page.session])
    ask = gr.Button("Write the caption", variant="primary", elem_id="ask")
    stop = page.stop()
    ask_error = slot()
    with gr.Accordion("Save or load this request", open=False):
        _keeping(page)
    return ask, stop, ask_error


def _examples(page: Page, shelf: Sequence[Example]) -> None:
    gr.HTML('<p class="a2c" id="examples">Examples: one click loads a request with its files.</p>')
    with gr.Row():
        for example in shelf:

            def load(session: Session, example: Example = example) -> Any:
                session.request, session.answer = example.load(), None
                return page.shown(session)

            gr.Button(example.title, size="sm", min_width=130).click(
                load, [page.session], page.request
            )


def _files(page: Page) -> None:
    gr.HTML(
        '<p class="a2c">Pictures, clips, depth, poses, masks, tracks or camera paths, of any'
        " accepted format:</p>"
    )
    files = gr.File(
        label="Add files",
        file_count="multiple",
        height=150,
        elem_id="files",
    )
    kind = gr.Dropdown(
        [("told by content", ""), *_KINDS],
        value="",
        label="Kind of the files that are added next",
        info="Formats are told by content, not by name; numbered files become one condition.",
    )
    error = slot()

    def add(session: Session, paths: list[str] | None, chosen: str) -> Any:
        parts = [Part(Path(one).name, Path(one).read_bytes()) for one in paths or []]
        wrong = session.add(parts, chosen)
        return session, fresh(), None, problem("; ".join(wrong)) if wrong else ""

    files.upload(add, [page.session, files, kind], [page.session, page.version, files, error])


def _cards(page: Page) -> None:
    """What was added, with its kind, role, name and options; shown anew when it changes."""

    @gr.render(inputs=[page.session], triggers=[page.version.change], show_progress="minimal")  # type: ignore[untyped-decorator]
    def cards(session: Session) -> None:
        names = session.request.names()
        for place, one in enumerate(session.seen()):
            with gr.Column(elem_classes="a2c-card"):
                gr.HTML(card(one, names))
                with gr.Row():
                    kind = gr.Dropdown(_KINDS, value=one.item.kind, label="Kind", min_width=120)
                    roles = KINDS[one.item.kind].roles
                    role = gr.Dropdown(
                        [(name.replace("_", " "), name) for name in roles],
                        value=one.item.role or KINDS[one.item.kind].default_role,
                        label="Role",
                        visible=bool(roles),
                        min_width=120,
                    )
                    name = gr.Textbox(one.item.name, label="Name, for @name", min_width=120)
                    known = ", ".join(option.name for option in KINDS[one.item.kind].options)
                    told = ", ".join(f"{key}={value}" for key, value in one.item.options.items())
                    options = gr.Textbox(
                        told,
                        label="Options, as name=value",
                        placeholder=known,
                        visible=bool(known),
                        min_width=160,
                    )
                error = slot()
                with gr.Row():
                    apply = gr.Button(f"Apply to {one.word}", size="sm")
                    remove = gr.Button(f"Remove {one.word}", size="sm", variant="stop")

            def changed(  # noqa: PLR0913, PLR0917 - what is said of a condition
                session: Session,
                kind: str,
                role: str | None,
                name: str,
                options: str,
                place: int = place,
            ) -> Any:
                item = session.request.items[place]
                try:
                    item = replace(
                        item,
                        kind=kind,
                        role=role if role in KINDS[kind].roles else None,
                        name=checked_name(name),
                        options=read_options(options, kind) if kind == item.kind else {},
                    )
                except A2CError as wrong:
                    return session, gr.skip(), problem(wrong)
                session.request = session.request.changed(place, item)
                return session, fresh(), ""

            def removed(session: Session, place: int = place) -> Any:
                session.request = session.request.without(place)
                return session, fresh()

            apply.click(
                changed,
                [page.session, kind, role, name, options],
                [page.session, page.version, error],
            )
            remove.click(removed, [page.session], [page.session, page.version])


def _keeping(page: Page) -> None:
    save = gr.Button("Make a file of the request", size="sm")
    file = gr.File(label="The request with its files", interactive=False, visible=False)
    load = gr.File(label="Load a request that was saved here", file_types=[".zip"], height=130)
    error = slot()

    def saved(session: Session) -> Any:
        return gr.File(page.file("request.zip", pack(session.request)), visible=True)

    save.click(saved, [page.session], [file])

    def restored(session: Session, path: str | None) -> Any:
        try:
            session.request = unpack(Path(path or "").read_bytes(), Path(path or "").name)
        except A2CError as wrong:
            return *page.shown(session), problem(wrong)
        session.answer = None
        return *page.shown(session), good("The request was loaded.")

    load.upload(restored, [page.session, load], [*page.request, error])
