"""Regions of a picture: two corners marked on it, or numbers typed."""

import io
from typing import Any

import gradio as gr
from PIL import Image

from any2caption.errors import A2CError
from any2caption.playground.making.regions import (
    Point,
    box_between,
    drawn,
    read_boxes,
    regions_file,
)
from any2caption.playground.page import Page, fresh, slot
from any2caption.playground.request import Item
from any2caption.playground.session import Session
from any2caption.playground.views import good, problem

_HOW = (
    '<p class="a2c">Name a region and mark two opposite corners on the picture, or write it:'
    " <code>the dog: 0.1 0.2 0.6 0.9</code> (left, top, right, bottom as fractions).</p>"
)
_NONE = "<p class='a2c'>The request has no picture yet: add one first.</p>"


def build(page: Page) -> None:
    """Build the tab."""
    gr.HTML(_HOW)
    missing = gr.HTML(_NONE)
    with gr.Row():
        which = gr.Dropdown([], label="Picture of the request", min_width=160, visible=False)
        label = gr.Textbox(label="Name of the region", min_width=160)
    picture = gr.Image(
        label="Mark two corners",
        interactive=False,
        type="pil",
        buttons=[],
        height=420,
        visible=False,
        elem_id="mark",
    )
    lines = gr.Textbox(label="Regions, one a line", lines=3, elem_id="regions")
    error = slot()
    use = gr.Button("Add the regions to the request", variant="primary", elem_id="use-regions")
    corner = gr.State(None)
    page.version.change(
        _pictures, [page.session], [which, missing, picture], show_progress="hidden"
    )
    redraw = ([page.session, which, lines, corner], [picture, error])
    which.input(_draw, *redraw)
    lines.blur(_draw, *redraw)
    picture.select(
        _marked, [page.session, which, label, lines, corner], [picture, lines, corner, error]
    )
    use.click(_used, [page.session, which, lines], [page.session, page.version, error])


def _pictures(session: Session) -> Any:
    """Offer the request's pictures."""
    found = [
        (f"picture {number}: {item.parts[0].name}", place)
        for place, (number, item) in enumerate(session.request.numbered())
        if item.kind == "image"
    ]
    if not found:
        hidden = gr.update(visible=False)
        return hidden, gr.update(visible=True), hidden
    first = found[0][1]
    return (
        gr.Dropdown(found, value=first, visible=True),
        gr.update(visible=False),
        gr.Image(_draw(session, first, "", None)[0], visible=True),
    )


def _draw(session: Session, place: int | None, text: str, first: Point | None) -> Any:
    """Return the picture with its regions and the first corner, and what is wrong with a line."""
    if place is None or not _is_picture(session, place):
        return gr.skip(), ""
    try:
        boxes = read_boxes(text) if text.strip() else []
    except A2CError as wrong:
        return gr.skip(), problem(wrong)
    data = session.request.items[place].parts[0].data
    return Image.open(io.BytesIO(drawn(data, boxes, first))), ""


def _marked(  # noqa: PLR0913, PLR0917 - a click's inputs
    session: Session,
    place: int,
    label: str,
    text: str,
    first: Point | None,
    event: gr.SelectData,
) -> Any:
    """Take a corner: the first is kept, the second makes the region."""
    if not label.strip():
        return gr.skip(), text, None, problem("name the region first")
    with Image.open(io.BytesIO(session.request.items[place].parts[0].data)) as opened:
        width, height = opened.size
    x, y = (
        min(max(at / of, 0.0), 1.0) for at, of in zip(event.index, (width, height), strict=True)
    )
    corner: Point | None = (x, y)
    if first is not None:
        text = f"{text.rstrip()}\n{box_between(label.strip(), first, (x, y)).line()}".lstrip("\n")
        corner = None
    picture, wrong = _draw(session, place, text, corner)
    return picture, text, corner, wrong


def _used(session: Session, place: int | None, text: str) -> Any:
    """Add the regions, with the picture that they lie on."""
    try:
        parts = [regions_file(read_boxes(text))]
    except A2CError as wrong:
        return session, gr.skip(), problem(wrong)
    if place is not None and _is_picture(session, place):
        parts.append(session.request.items[place].parts[0])
    session.request = session.request.added([Item("region", tuple(parts))])
    return session, fresh(), good("The regions were added to the request.")


def _is_picture(session: Session, place: int) -> bool:
    items = session.request.items
    return place < len(items) and items[place].kind == "image"
