"""The caption edited and used: locked parts, prompts of generators, a preview clip, copies."""

import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from any2caption.captions.compiler import GENERATORS, compile_for
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.errors import A2CError
from any2caption.playground import snippets
from any2caption.playground.edits import edited, objections
from any2caption.playground.page import Page, slot
from any2caption.playground.session import Session
from any2caption.playground.views import checked, problem, prompt

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = 320


class Editor:
    """Six parts with their locks."""

    def __init__(self) -> None:
        self.parts: dict[str, gr.Textbox] = {}
        self.locks: dict[str, gr.Checkbox] = {}
        for part, label in PARTS.items():
            self.parts[part] = gr.Textbox(label=label, lines=2)
            self.locks[part] = gr.Checkbox(label=f"Lock {label.lower()}")

    @property
    def fields(self) -> list[Any]:
        """Return the parts, then the locks."""
        return [*self.parts.values(), *self.locks.values()]

    def shown(self, session: Session) -> list[Any]:
        """Return the values of `fields` for a session's answer."""
        if session.answer is None:
            return ["" for _ in PARTS] + [False for _ in PARTS]
        caption = session.answer.result.caption
        return [getattr(caption, part) for part in PARTS] + [
            part in session.request.locked for part in PARTS
        ]

    def take(self, session: Session, values: tuple[Any, ...]) -> StructuredCaption:
        """Keep what the fields say; return the caption.

        Raises:
            InputError: there is no caption, or a part is empty.
        """
        texts, locks = values[: len(PARTS)], values[len(PARTS) :]
        caption = edited(dict(zip(PARTS, texts, strict=True)))
        fixed = {
            part: getattr(caption, part) for part, lock in zip(PARTS, locks, strict=True) if lock
        }
        session.edit(caption, fixed)
        return caption


def build(page: Page) -> tuple[Editor, gr.Button, gr.Button, list[gr.HTML]]:
    """Build the tab; return its fields, the button that asks for the other parts, that to stop.

    With the buttons come the places of progress and errors, and of what the check said before.
    """
    gr.HTML(
        '<p class="a2c">Change a part and lock it: it stays word for word, and what is new in it'
        " goes along as part of the prompt when the others are written again.</p>"
    )
    editor = Editor()
    with gr.Row():
        again = gr.Button("Write the parts that are not locked", variant="primary", elem_id="again")
        check = gr.Button("Hold my edits to the request", elem_id="check")
    stop = page.stop()
    error = slot()
    verdict = gr.HTML(elem_id="verdict")

    def objected(session: Session, *values: Any) -> Any:
        try:
            caption = editor.take(session, values)
            return session, checked(objections(caption, session.facts())), ""
        except A2CError as wrong:
            return session, "", problem(wrong)

    check.click(objected, [page.session, *editor.fields], [page.session, verdict, error])
    _prompts(page, editor)
    _clip(page, editor)
    _copies(page, editor)
    return editor, again, stop, [error, verdict]


def _prompts(page: Page, editor: Editor) -> None:
    name = gr.Dropdown(
        [(f"{one.name} ({one.encoder})", one.name) for one in GENERATORS.values()],
        value="wan",
        label="The prompt as a generator reads it",
        elem_id="generator",
    )
    show = gr.Button("Show the prompt", size="sm")
    shown = gr.HTML(elem_id="generator-prompt")
    error = slot()

    def compiled(session: Session, name: str, *values: Any) -> Any:
        try:
            caption = editor.take(session, values)
        except A2CError as wrong:
            return session, "", problem(wrong)
        kinds = [
            f"{one.kind}:{one.role}" if one.role else one.kind for one in session.request.items
        ]
        told = compile_for(name, caption, kinds=kinds)
        return session, prompt(told.as_json(), GENERATORS[name].encoder), ""

    gr.on(
        [show.click, name.input],
        compiled,
        [page.session, name, *editor.fields],
        [page.session, shown, error],
    )


def _clip(page: Page, editor: Editor) -> None:
    with gr.Row():
        seed = gr.Number(0, label="Seed of the preview", precision=0, minimum=0, min_width=120)
        film = gr.Button("Render a preview clip", elem_id="render")
    error = slot()
    clip = gr.Video(label="Storyboard by previs, no generative model", visible=False, height=340)
    report = gr.HTML()

    def rendered(session: Session, seed: float, *values: Any) -> Any:
        from any2caption.conditions.io.clips import encode_mp4
        from any2caption.generation.previs.generator import render as render_clip

        try:
            made = render_clip(editor.take(session, values), size=_SIZE, seed=int(seed or 0))
        except A2CError as wrong:
            return session, gr.skip(), "", problem(wrong)
        file = page.file("preview.mp4", encode_mp4(made.frames, made.fps))
        told = [*(f"{key}: {value}" for key, value in made.report.understood.items())]
        words = checked([*told, *made.report.assumptions], "What the preview shows")
        return session, gr.Video(file, visible=True), words, ""

    film.click(
        rendered,
        [page.session, seed, *editor.fields],
        [page.session, clip, report, error],
    )


def _copies(page: Page, editor: Editor) -> None:
    address = "" if page.answerer.name == "this process" else page.answerer.name
    ways: dict[str, Callable[[Session], str]] = {
        "a2c": lambda session: snippets.command(session.request, address),
        "Python": lambda session: snippets.python(session.request, address),
        "grpcurl": lambda session: snippets.grpcurl(session.request, address),
        "JSON": lambda session: snippets.as_json(session.request),
    }
    way = gr.Radio(list(ways), value="a2c", label="Copy the request", elem_id="way")
    code = gr.Textbox(
        label="Runs in the folder that the request's file was unpacked into",
        lines=6,
        max_lines=14,
        buttons=["copy"],
        interactive=False,
        elem_id="copy",
    )
    error = slot()

    def copied(session: Session, way: str) -> tuple[str, str]:
        try:
            return ways[way](session), ""
        except A2CError as wrong:
            return "", problem(wrong)

    gr.on(
        [way.input, page.version.change, page.words.change],
        copied,
        [page.session, way],
        [code, error],
        show_progress="hidden",
    )
    save = gr.Button("Make files of the caption", size="sm", elem_id="save-caption")
    files = gr.File(label="The caption as text and as JSON", interactive=False, visible=False)
    wrong_caption = slot()

    def saved(session: Session, *values: Any) -> Any:
        try:
            caption = editor.take(session, values)
        except A2CError as wrong:
            return session, gr.skip(), problem(wrong)
        info = session.answer.result.info if session.answer else {}
        whole = {"caption": caption.model_dump(), "info": info}
        made = [
            page.file("caption.txt", f"{render(caption)}\n".encode()),
            page.file("caption.json", json.dumps(whole, ensure_ascii=False, indent=1).encode()),
        ]
        return session, gr.File(made, visible=True), ""

    save.click(saved, [page.session, *editor.fields], [page.session, files, wrong_caption])
