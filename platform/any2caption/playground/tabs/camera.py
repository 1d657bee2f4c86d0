"""A camera path from movements: their size, speed and order, and what such a camera sees."""

from typing import Any

import gradio as gr

from any2caption.errors import A2CError
from any2caption.playground.look import look
from any2caption.playground.making.moves import (
    MOVEMENTS,
    SECONDS,
    Move,
    make_path,
    path_file,
    read_moves,
    unit_of,
    usual,
)
from any2caption.playground.page import Page, fresh, slot
from any2caption.playground.request import Item
from any2caption.playground.session import Session
from any2caption.playground.views import good, problem, shown_path

_SIZES = {"small": 0.5, "usual": 1.0, "large": 2.0}
_PACES = {"slow": 2.0, "usual": 1.0, "fast": 0.5}


def build(page: Page) -> None:
    """Build the camera path from movements with size, speed and order."""
    gr.HTML(
        '<p class="a2c">Add movements, or write them, one a line: <code>pan left 20° in 3 s</code>.'
        " Their order is that of the lines; a line that starts with + happens together with the one"
        " before it.</p>"
    )
    with gr.Row():
        name = gr.Dropdown(list(MOVEMENTS), value="dolly in", label="Movement", min_width=140)
        size = gr.Radio(list(_SIZES), value="usual", label="Size", min_width=140)
        pace = gr.Radio(list(_PACES), value="usual", label="Speed", min_width=140)
        together = gr.Checkbox(label="Together with the one before", min_width=140)
    add = gr.Button("Add the movement", size="sm")
    moves = gr.Textbox(label="Movements, one a line", lines=4, elem_id="moves")
    error = slot()
    with gr.Row():
        show = gr.Button("Show the path", elem_id="show-path")
        use = gr.Button("Add the path to the request", variant="primary", elem_id="use-path")
    plot = gr.HTML(elem_id="path")

    def added(text: str, name: str, size: str, pace: str, together: bool) -> str:  # noqa: FBT001
        unit, amount = unit_of(name), usual(name)
        amount = 1 + (amount - 1) * _SIZES[size] if unit == "×" else amount * _SIZES[size]
        first = not text.strip()
        move = Move(name, round(amount, 2), SECONDS * _PACES[pace], together and not first)
        return f"{text.rstrip()}\n{move.line()}".lstrip("\n")

    add.click(added, [moves, name, size, pace, together], [moves], show_progress="hidden")

    def shown(text: str) -> Any:
        try:
            part = path_file(make_path(read_moves(text)))
        except A2CError as wrong:
            return problem(wrong), gr.skip()
        return "", shown_path(look(Item("camera", (part,)), 1))

    show.click(shown, [moves], [error, plot])

    def used(session: Session, text: str) -> Any:
        try:
            part = path_file(make_path(read_moves(text)))
        except A2CError as wrong:
            return session, gr.skip(), problem(wrong)
        session.request = session.request.added([Item("camera", (part,))])
        return session, fresh(), good("The path was added to the request.")

    use.click(used, [page.session, moves], [page.session, page.version, error])
