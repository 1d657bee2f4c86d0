"""A kind that nobody has heard of: one parser and one entry. Run as a program, it uses it.

    python made_up_kind.py FOLDER

leaves what every part makes of it in FOLDER/found.json and FOLDER/preview.png.
"""

import json
import sys
from pathlib import Path

import numpy as np

from any2caption.conditions.kind import MEGA, ConditionKind, Limits, Parsed, Reading
from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Depth, Part


def parse_heat(parts, options, limits):
    """One row of numbers a line."""
    rows = [[float(cell) for cell in line.split()] for line in parts[0].data.splitlines()]
    assert len(rows) * len(rows[0]) <= limits.pixels
    assert not options
    return Parsed(Depth(np.asarray([rows], np.float32)), "heat text")


KINDS["heat"] = ConditionKind(
    name="heat",
    summary="How warm each point of the picture is",
    formats=("heat text",),
    suffixes=(".heat",),
    limits=Limits(part_bytes=MEGA, total_bytes=MEGA, pixels=MEGA),
    parse=parse_heat,
    reading=Reading(word="heat map", place=11, scaling="depth", still=True),
)


def main(folder):
    """Follow the kind through everything."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    from any2caption.annotation.pictures import condition_pictures
    from any2caption.conditions.drawing.preview import draw_preview
    from any2caption.conditions.inspect.describe import describe
    from any2caption.conditions.registry import parse_condition
    from any2caption.datasets.contract.expectations import kind_expectations
    from any2caption.datasets.ingest.probe import summarise
    from any2caption.datasets.manifest_page import page
    from any2caption.evaluation.thumbnails import picture_of
    from any2caption.model.presets import TINY
    from any2caption.model.processing.processor import Processor
    from any2caption.serving.contract import compile_repository

    text = "\n".join(" ".join(f"{(x + y) / 62:.3f}" for x in range(32)) for y in range(32))
    condition = parse_condition("heat", [Part("a.heat", text.encode())])
    draw_preview(condition, folder / "preview.png")
    tokenizer = Tokenizer(WordLevel({"<unk>": 0}))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    processor = Processor(TINY, tokenizer)
    inputs = processor.assemble("x", [processor.features(condition)])
    files = compile_repository()
    found = {
        "described": describe(condition),
        "frames": summarise(condition).frames,
        "thumbnail": picture_of(condition),
        "pictures": len(condition_pictures([condition])),
        "vision": len(inputs.vision_grid),
        "expectations": len(kind_expectations(KINDS["heat"])),
        "configs": [name for name, config in files.items() if '"heat' in config.lower()],
        "documented": "| `heat` |" in page(),
    }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
