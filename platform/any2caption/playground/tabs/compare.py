"""Two captions of the same request side by side, and which was better."""

from typing import Any

import gradio as gr

from any2caption.errors import A2CError
from any2caption.grounding.options import CHOICES
from any2caption.playground.asking import Answerer
from any2caption.playground.compare import VERDICTS, Keep, Side, judged, paired
from any2caption.playground.page import Page, slot
from any2caption.playground.session import Session
from any2caption.playground.views import good, problem, sides

_FIELDS = ("writer", "mode", "length")


def build(page: Page, answerers: tuple[Answerer, ...], keep_verdict: Keep) -> None:
    """Build the tab."""
    gr.HTML(
        '<p class="a2c">The request is captioned twice. Blind, the two stand in random order and'
        " who wrote which is shown once you have said which is better.</p>"
    )
    by_name = {one.name: one for one in answerers}
    with gr.Row():
        first = _side("First", answerers, 0)
        second = _side("Second", answerers, 1)
    blind = gr.Checkbox(True, label="Blind")
    write = gr.Button("Write both", variant="primary", elem_id="both")
    error = slot()
    shown = gr.HTML(elem_id="pair")
    verdict = gr.Radio(list(VERDICTS), label="Which was better?", visible=False, elem_id="better")
    why = gr.Textbox(label="Why, in a few words", visible=False)
    keep = gr.Button("Record", visible=False, elem_id="record")
    recorded = slot()

    def written(session: Session, blind: bool, *values: str) -> Any:  # noqa: FBT001
        try:
            made = []
            for given in (values[: len(values) // 2], values[len(values) // 2 :]):
                where, *chosen = given
                side = Side(where, dict(zip(_FIELDS, chosen, strict=True)))
                made.append((side, by_name[where].ask(session.request, side.choices)))
            sent = session.request.said()
        except A2CError as wrong:
            return session, "", problem(wrong), *[gr.skip()] * 3, ""
        session.pair = paired(session.request, made[0], made[1], blind=blind)
        there = gr.update(visible=True)
        html = sides(session.pair, sent, reveal=not blind)
        return session, html, "", gr.Radio(value=None, visible=True), there, there, ""

    write.click(
        written,
        [page.session, blind, *first, *second],
        [page.session, shown, error, verdict, why, keep, recorded],
    )

    def kept(session: Session, verdict: str | None, why: str) -> Any:
        if session.pair is None:
            return gr.skip(), problem("write both captions first")
        try:
            where = keep_verdict(judged(session.pair, verdict or "", why))
        except A2CError as wrong:
            return gr.skip(), problem(wrong)
        html = sides(session.pair, session.pair.request.said(), reveal=True)
        return html, good(f"Recorded in {where}.")

    keep.click(kept, [page.session, verdict, why], [shown, recorded])


def _side(title: str, answerers: tuple[Answerer, ...], place: int) -> list[gr.Dropdown]:
    names = [one.name for one in answerers]
    chosen = answerers[min(place, len(answerers) - 1)]
    differ = len(answerers) == 1
    writers = list(dict.fromkeys(writer for one in answerers for writer in one.writers))
    with gr.Column(min_width=250):
        where = gr.Dropdown(names, value=chosen.name, label=f"{title}: answered by")
        writer = gr.Dropdown(
            writers,
            value=writers[-1] if differ and place else chosen.writers[0],
            label=f"{title}: writer",
        )
        mode = gr.Dropdown(list(CHOICES["mode"]), value="fill", label=f"{title}: mode")
        lengths = list(CHOICES["length"])
        length = gr.Dropdown(
            lengths,
            value="long" if differ and place and len(writers) == 1 else "medium",
            label=f"{title}: length",
        )
    return [where, writer, mode, length]
