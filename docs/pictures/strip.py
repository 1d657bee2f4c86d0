"""Draw the first page's strip: picture, pose and path → their facts → six parts → a video.

    python docs/pictures/strip.py

Everything in it comes from one run in this process: what the playground understands of the files,
the caption of `a2c caption --local`, and its storyboard. `strip.webp` shows it step by step,
`strip.png` is its last picture, for who wants no motion.
"""

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from any2caption.captions.schema import PARTS
from any2caption.conditions.inspect.report import inspect_path
from any2caption.conditions.inspect.seen import seen
from any2caption.conditions.io.files import read_parts
from any2caption.generation.previs.generator import render
from any2caption.playground.look import look
from any2caption.playground.request import Item
from any2caption.serving.client import CaptionResult, ConditionInput
from any2caption.serving.in_process import InProcess

EXAMPLES = Path(__file__).parents[2] / "examples"
OUT = Path(__file__).with_name("strip.webp")
TEXT = "A dog watches two people in a quiet kitchen, cinematic."
FILES = {
    "image": "images/dog.jpg",
    "pose": "pose/balancing",
    "camera": "camera/push_in_and_tilt_up.txt",
}
ROLES = {"image": "identity"}
WIDTH, HEIGHT, MARGIN = 1280, 628, 24
TILE, FACTS_X, TEXT_X, FILM_X, FILM = 150, 216, 470, 1004, 252
LINE, COLUMNS, FACT_COLUMNS = 22, 62, 29
FPS, SECONDS = 8, 3.0
STEP, HOLD = 700, 3000
"""Milliseconds of a step, and of the last picture."""
INK, FAINT, RULE = "#1b1f24", "#57606a", "#d0d7de"
COLOURS = {"text": "#0969da", "picture": "#8250df", "pose": "#bc4c00", "camera": "#1a7f37"}
"""A source has one colour, on its tile and beside the sentences that come from it."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A condition: its name, what it states, its picture (of a pose one a frame)."""

    name: str
    facts: tuple[str, ...]
    pictures: tuple[Image.Image, ...]

    def at(self, moment: float) -> Image.Image:
        """Return the picture at a moment, 0…1."""
        return self.pictures[round(moment * (len(self.pictures) - 1))]


def colour_of(source: str) -> str:
    """Return the colour of an input such as `camera 1`."""
    return COLOURS.get(source.split(maxsplit=1)[0], FAINT)


def answered() -> CaptionResult:
    """Caption the request in this process."""
    given = {
        kind: [ConditionInput(EXAMPLES / path, ROLES.get(kind))] for kind, path in FILES.items()
    }
    with InProcess() as here:
        return here.caption(TEXT, given)


def tile(kind: str) -> Tile:
    """Read a condition as the playground does; of a pose every picture that is shown moves."""
    parts = tuple(read_parts(EXAMPLES / FILES[kind]))
    known = look(Item(kind, parts, ROLES.get(kind)), 1)
    facts = dict.fromkeys(fact.text for fact in (*known.facts, *known.seen))
    found = [Image.open(io.BytesIO(known.picture)).convert("RGB")]
    if kind == "pose":
        condition, _ = inspect_path(EXAMPLES / FILES[kind], kind=kind)
        frames = seen(condition.payload, round(SECONDS * FPS))
        found = found if frames is None else [Image.fromarray(frame) for frame in frames]
    for one in found:
        one.thumbnail((TILE + 30, TILE))
    return Tile(known.word, tuple(facts)[:4], tuple(found))


def write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, fill: str) -> None:
    """Write one line in Pillow's own face, so that it looks the same everywhere."""
    pen.text(at, text, fill=fill, font=ImageFont.load_default(size))


def conditions(image: Image.Image, tiles: Sequence[Tile], stated: int, moment: float) -> None:
    """Draw the first tiles, and what the first `stated` of them state."""
    pen, y = ImageDraw.Draw(image), 76
    for number, one in enumerate(tiles):
        picture, colour = one.at(moment), colour_of(one.name)
        write(pen, (MARGIN, y), one.name, 17, colour)
        image.paste(picture, (MARGIN, y + 24))
        left, top = MARGIN, y + 24
        pen.rectangle((left, top, left + picture.width, top + picture.height), outline=RULE)
        row = y + 24
        for fact in one.facts if number < stated else ():
            for line in textwrap.wrap(fact, FACT_COLUMNS, subsequent_indent="  "):
                write(pen, (FACTS_X, row), line, 16, colour)
                row += LINE - 2
            row += 4
        y += TILE + 36


def caption(image: Image.Image, provenance: Mapping[str, Any], parts: int) -> None:
    """Write the first parts, each sentence with a bar in the colours of its sources."""
    pen, y = ImageDraw.Draw(image), 76
    for number, (part, label) in enumerate([*PARTS.items()][:parts], 1):
        write(pen, (TEXT_X, y), f"{number}. {label}", 16, FAINT)
        y += LINE
        for one in provenance[part]:
            lines = textwrap.wrap(one["text"], COLUMNS)
            inputs = dict.fromkeys(colour_of(source["input"]) for source in one["sources"])
            for bar, colour in enumerate(inputs or [RULE]):
                left = TEXT_X - 22 + 6 * bar
                pen.rectangle((left, y + 3, left + 3, y + LINE * len(lines) - 3), fill=colour)
            for line in lines:
                write(pen, (TEXT_X, y), line, 17, FAINT if one["origin"] == "invented" else INK)
                y += LINE
        y += 8


def pictures(
    tiles: Sequence[Tile], provenance: Mapping[str, Any], film: np.ndarray
) -> Iterator[tuple[Image.Image, int]]:
    """Yield the strip's pictures and how long each stands, in milliseconds."""

    def picture(shown: int, stated: int, parts: int, frame: int | None) -> Image.Image:
        image = Image.new("RGB", (WIDTH, HEIGHT), "white")
        pen = ImageDraw.Draw(image)
        write(pen, (MARGIN, 22), f"“{TEXT}”", 23, colour_of("text"))
        moment = 0.5 if frame is None else frame / (len(film) - 1)
        conditions(image, tiles[:shown], stated, moment)
        caption(image, provenance, parts)
        if frame is not None:
            write(pen, (FILM_X, 76), "storyboard (previs)", 16, FAINT)
            image.paste(Image.fromarray(film[frame]).resize((FILM, FILM)), (FILM_X, 100))
        return image

    every, whole = len(tiles), len(PARTS)
    for shown in range(every + 1):
        yield picture(shown, 0, 0, None), STEP
    for stated in range(1, every + 1):
        yield picture(every, stated, 0, None), STEP
    for parts in range(1, whole + 1):
        yield picture(every, every, parts, None), STEP + 200
    for frame in range(len(film)):
        yield picture(every, every, whole, frame), round(1000 / FPS)
    yield picture(every, every, whole, len(film) // 2), HOLD


def main() -> None:
    """Write the strip, moving and still."""
    result = answered()
    film = render(result.caption, seconds=SECONDS, fps=FPS, size=FILM).frames
    found = list(pictures([tile(kind) for kind in FILES], result.info["provenance"], film))
    (first, *rest), times = [image for image, _ in found], [time for _, time in found]
    first.save(OUT, save_all=True, append_images=rest, duration=times, loop=0, quality=60, method=4)
    found[-1][0].save(OUT.with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
