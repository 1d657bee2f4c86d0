"""What the tabs of the page share: the visitor's session, its prompt and choices, files to load."""

import itertools
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from any2caption.grounding.options import CHOICES, Options
from any2caption.playground.asking import Answerer
from any2caption.playground.session import Session

_COUNT = itertools.count(1)
_TOLD = {
    "writer": "auto: the model where it knows its way, else the facts",
    "mode": "fill: what nobody stated gets a sentence that is marked",
    "length": "More facts, never padding",
    "policy": "What happens to a sentence that contradicts the request",
}


class Page:
    """The shared parts; `folder` is where files to be downloaded are put."""

    def __init__(self, answerer: Answerer, folder: Path) -> None:
        self.answerer, self._folder = answerer, folder
        self.session = gr.State(Session())
        self.version = gr.State(0)
        """Changes with the conditions; `words` with the prompt."""
        self.words = gr.State(0)
        self.prompt = gr.Textbox(
            label="Prompt",
            info="What should happen, in your words. @anna names a condition that is called anna.",
            lines=3,
            render=False,
            elem_id="prompt",
        )
        self.choices = {
            name: gr.Dropdown(
                list(answerer.writers if name == "writer" else CHOICES[name]),
                value=answerer.writers[0] if name == "writer" else getattr(Options(), name),
                label=name.capitalize(),
                info=told,
                render=False,
            )
            for name, told in _TOLD.items()
        }

    @property
    def request(self) -> list[Any]:
        """Return what changes when another request is loaded; `shown` gives the values."""
        return [self.session, self.version, self.prompt, *self.choices.values()]

    def shown(self, session: Session) -> tuple[Any, ...]:
        """Return the values of `request`; what can't be chosen here becomes the default."""
        chosen = {
            name: session.request.choices.get(name, str(one.value))
            for name, one in self.choices.items()
        }
        if chosen["writer"] not in self.answerer.writers:
            chosen["writer"] = self.answerer.writers[0]
        session.request = replace(session.request, choices={**session.request.choices, **chosen})
        return session, fresh(), session.request.text, *chosen.values()

    def stop(self) -> gr.Button:
        """Return a button, hidden where nothing is under way, that takes the request back."""
        button = gr.Button("Stop", variant="stop", visible=False)
        # Not queued: it would wait for what it stops.
        button.click(Session.stop, [self.session], None, queue=False, show_progress="hidden")
        return button

    def file(self, name: str, data: bytes) -> str:
        """Keep a file for the visitor to download; return its path."""
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        path = folder / name
        path.write_bytes(data)
        return str(path)


def slot() -> gr.HTML:
    """Return a place for errors beside an input; empty it takes no room."""
    return gr.HTML(elem_classes="slot")


def fresh() -> int:
    """Return a version that no other has: what depends on the request is shown anew."""
    return next(_COUNT)
