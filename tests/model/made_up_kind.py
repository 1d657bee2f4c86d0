"""A kind that nobody has heard of, with a form of its own: this module and its one entry.

    python made_up_kind.py FOLDER

leaves what every part makes of it in FOLDER/found.json and FOLDER/preview.png.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.form import Form, Pixels
from any2caption.conditions.kind import MEGA, ConditionKind, Limits, Parsed, Reading
from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Part


@dataclass(frozen=True, slots=True)
class Heat:
    """How warm each point is: `degrees` float32 H×W."""

    degrees: NDArray[np.float32]


def parse_heat(parts, options, limits):
    """The word `heat`, then one row of numbers a line."""
    rows = [[float(cell) for cell in line.split()] for line in parts[0].data.splitlines()[1:]]
    assert len(rows) * len(rows[0]) <= limits.pixels
    assert not options
    return Parsed(Heat(np.asarray(rows, np.float32)), "heat text")


def glow(degrees):
    """Red where it is warm."""
    level = np.rint(np.clip(degrees / 100, 0, 1) * 255).astype(np.uint8)
    return np.stack([level, np.zeros_like(level), 255 - level], axis=-1)


HEAT = Form(
    payload=Heat,
    extent=lambda heat: (1, *heat.degrees.shape),
    describe=lambda heat: {"warmest": float(heat.degrees.max())},
    pixels=lambda heat: Pixels(frames=heat.degrees[None], paint=glow, still=True),
    finite=lambda heat: bool(np.isfinite(heat.degrees).all()),
)

KINDS["heat"] = ConditionKind(
    name="heat",
    summary="How warm each point of the picture is",
    formats=("heat text",),
    limits=Limits(part_bytes=MEGA, total_bytes=MEGA, pixels=MEGA),
    parse=parse_heat,
    forms=(HEAT,),
    sign=lambda parts: "heat text" if parts[0].data.startswith(b"heat\n") else "",
    reading=Reading(word="heat map", place=11, still=True),
)


def over_the_wire(payload):
    """The payload as another process gets it back from a parse worker."""
    from any2caption.conditions.isolation.wire import pack, unpack

    blobs = []
    data = json.loads(json.dumps(pack(payload, blobs)))
    return unpack(data, [bytearray(blob.tobytes()) for blob in blobs])


def main(folder):
    """Follow the kind through everything."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    from any2caption.conditions.inspect.describe import describe
    from any2caption.conditions.inspect.detect import detect_kind
    from any2caption.conditions.inspect.preview import draw_preview
    from any2caption.conditions.registry import parse_condition
    from any2caption.datasets.contract.expectations import kind_expectations
    from any2caption.datasets.ingest.probe import summarise
    from any2caption.datasets.manifest_page import page
    from any2caption.endpoints.pictures import condition_pictures
    from any2caption.evaluation.reports.thumbnails import picture_of
    from any2caption.model.presets import TINY
    from any2caption.model.processing.processor import Processor
    from any2caption.serving.contract import compile_repository

    text = "heat\n" + "\n".join(" ".join(f"{x + y}" for x in range(32)) for y in range(24))
    part = Part("a.any", text.encode())
    condition = parse_condition("heat", [part])
    draw_preview(condition, folder / "preview.png")
    tokenizer = Tokenizer(WordLevel({"<unk>": 0}))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    processor = Processor(TINY, tokenizer)
    features = processor.features(condition)
    inputs = processor.assemble("x", [features])
    probed = summarise(condition)
    files = compile_repository()
    found = {
        "detected": detect_kind([part]),
        "described": describe(condition),
        "probed": [probed.frames, probed.height, probed.width],
        "thumbnail": picture_of(condition),
        "pictures": len(condition_pictures([condition])),
        "vision": len(inputs.vision_grid),
        "shown": list(features["frames"].shape),
        "wired": float(over_the_wire(condition.payload).degrees.sum()),
        "expectations": len(kind_expectations(KINDS["heat"])),
        "configs": [name for name, config in files.items() if '"heat' in config.lower()],
        "documented": "| `heat` |" in page(),
    }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
