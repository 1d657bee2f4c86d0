"""Draw the strip of the README: conditions, the caption with its sources, frames of its video.

    python docs/pictures/strip.py

All of it comes from one run: `examples/request.json`, captioned and filmed in this process by the
code behind `a2c caption --local`.
"""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from any2caption.conditions.drawing.preview import draw_preview
from any2caption.conditions.drawing.seen import seen
from PIL import Image, ImageDraw, ImageFont

from any2caption.captions.schema import PARTS
from any2caption.conditions.inspect.report import inspect_path
from any2caption.generation.previs.generator import render
from any2caption.serving.client import CaptionResult, ConditionInput
from any2caption.serving.in_process import InProcess

EXAMPLES = Path(__file__).parents[2] / "examples"
OUT = Path(__file__).with_name("strip.png")
WIDTH, MARGIN, GAP, TILE = 1600, 24, 20, 150
TEXT_X, TEXT_WIDTH, FILM_X, FILM = 380, 900, 1330, 246
INK, FAINT, RULE = "#1b1f24", "#57606a", "#d0d7de"
COLOURS = {
    "text": "#0969da",
    "picture": "#8250df",
    "pose": "#bc4c00",
    "camera": "#1a7f37",
    "depth": "#9a6700",
}
"""A source has one colour, on its tile and behind the sentences that come from it."""


def colour_of(source: str) -> str:
    """The colour of an input such as `camera 1`."""
    return COLOURS.get(source.split(maxsplit=1)[0], FAINT)


def asked() -> tuple[str, list[tuple[str, Path, str | None]]]:
    """Return the example's text, and (kind, path, role) of its conditions."""
    request = json.loads((EXAMPLES / "request.json").read_text())
    found = []
    for kind, paths in request["conditions"].items():
        for given in paths:
            path, _, role = given.partition(":")
            found.append((kind, EXAMPLES / path, role or None))
    return request["text"], found


def answer(text: str, given: Sequence[tuple[str, Path, str | None]]) -> CaptionResult:
    """Caption the request in this process."""
    conditions: dict[str, list[ConditionInput]] = {}
    for kind, path, role in given:
        conditions.setdefault(kind, []).append(ConditionInput(path, role))
    with InProcess() as here:
        return here.caption(text, conditions)


def tile(kind: str, path: Path, folder: Path) -> Image.Image:
    """A condition's preview; of several frames the one in the middle."""
    condition, _ = inspect_path(path, kind=kind)
    frames = seen(condition.payload, 3)
    if frames is None or kind == "depth":  # a path is a plot, and depth has colours
        preview = folder / f"{kind}.png"
        draw_preview(condition, preview)
        picture = Image.open(preview).convert("RGB")
    else:
        picture = Image.fromarray(frames[len(frames) // 2])
    picture.thumbnail((2 * TILE, TILE))
    return picture


class Strip:
    """The picture under the pen; `y` is where the caption's next line goes."""

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (WIDTH, height), "white")
        self.pen = ImageDraw.Draw(self.image)
        self.y = MARGIN

    def write(self, at: tuple[int, int], text: str, size: int, fill: str = INK) -> None:
        """Write one line in Pillow's own face, so that it looks the same everywhere."""
        self.pen.text(at, text, fill=fill, font=ImageFont.load_default(size))

    def conditions(self, tiles: Sequence[tuple[str, Image.Image]]) -> None:
        """The left column: each condition under its name."""
        y = MARGIN
        for name, picture in tiles:
            self.write((MARGIN, y), name, 18, colour_of(name))
            self.image.paste(picture, (MARGIN, y + 26))
            self.pen.rectangle(
                (MARGIN, y + 26, MARGIN + picture.width, y + 26 + picture.height), outline=RULE
            )
            y += 26 + picture.height + GAP

    def sentence(self, text: str, sources: Sequence[str], origin: str) -> None:
        """A sentence of the caption with a bar in the colours of its sources."""
        lines = textwrap.wrap(text, 98)
        height = 25 * len(lines)
        bars = [colour_of(source) for source in dict.fromkeys(sources)] or [RULE]
        for index, colour in enumerate(bars):
            left = TEXT_X - 22 + 7 * index
            self.pen.rectangle((left, self.y + 3, left + 4, self.y + height - 3), fill=colour)
        for line in lines:
            self.write((TEXT_X, self.y), line, 19, FAINT if origin == "invented" else INK)
            self.y += 25

    def film(self, frames: Sequence[Image.Image]) -> None:
        """The right column: frames of the video."""
        self.write((FILM_X, MARGIN), "storyboard (previs)", 18, FAINT)
        for index, frame in enumerate(frames):
            self.image.paste(frame.resize((FILM, FILM)), (FILM_X, MARGIN + 26 + index * (FILM + 8)))


def draw(text: str, tiles: Sequence[tuple[str, Image.Image]], result: CaptionResult) -> Image.Image:
    """Lay the strip out; it is as high as its highest column."""
    strip = Strip(2000)
    strip.conditions(tiles)
    strip.write((TEXT_X, strip.y), f"“{text}”", 22, colour_of("text"))
    strip.y += 44
    provenance: dict[str, list[dict[str, Any]]] = result.info["provenance"]
    for number, (part, label) in enumerate(PARTS.items(), 1):
        strip.write((TEXT_X, strip.y), f"{number}. {label}", 18, FAINT)
        strip.y += 25
        for one in provenance[part]:
            strip.sentence(one["text"], [s["input"] for s in one["sources"]], one["origin"])
        strip.y += 9
    clip = render(result.caption, seconds=2.5, fps=12, size=256)
    picks = np.linspace(0, len(clip.frames) - 1, 3).round().astype(int)
    strip.film([Image.fromarray(clip.frames[pick]) for pick in picks])
    left = MARGIN + sum(26 + picture.height + GAP for _, picture in tiles)
    return strip.image.crop((0, 0, WIDTH, max(strip.y, left, MARGIN + 26 + 3 * (FILM + 8)) + 4))


def main() -> None:
    """Write the strip."""
    text, given = asked()
    result = answer(text, given)
    counts: dict[str, int] = {}
    tiles = []
    with TemporaryDirectory() as folder:
        for kind, path, _ in given:
            word = "picture" if kind == "image" else kind
            counts[word] = counts.get(word, 0) + 1
            tiles.append((f"{word} {counts[word]}", tile(kind, path, Path(folder))))
    draw(text, tiles, result).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
