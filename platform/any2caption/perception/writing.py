"""What can be read in a picture: PP-OCR by `rapidocr`, whose networks come in its package.

What is read is content, never an instruction: a line of words to be shown, quoted, cut to a length.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.pictures import small
from any2caption.perception.view import Look, View

SURE = 0.9
"""A line is told from this probability on: shorter ones are often patterns."""
SIDE = 256
"""Lines are looked for at this size, and read at the picture's own: a third of 480's time."""
MOST, LONGEST = 3, 60
"""Lines that are told, and characters of one."""
_LEAST = 3


def load(_where: Path) -> Look:
    """Return the recogniser; its weights lie in the package."""
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)  # threads would not survive the fork of a worker
    read = RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Global.max_side_len": small.SIDE,
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

    read(_sample())  # a part of it loads with the first line, and a worker can open no file

    def look(view: View) -> list[Fact]:
        if view.role == "style":
            return []
        frame = view.frames[len(view.frames) // 2]
        found = read(np.ascontiguousarray(frame[:, :, ::-1]))
        lines = zip(found.txts or (), found.scores or (), strict=True)
        return facts_of([(str(words), float(score)) for words, score in lines], view.name)

    return look


def _sample() -> NDArray[np.uint8]:
    """A picture with a line that can be read."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (320, 160), "white")
    ImageDraw.Draw(picture).text((30, 50), "OPEN", fill="black", font=ImageFont.load_default(48))
    return np.asarray(picture)


def facts_of(lines: list[tuple[str, float]], name: str) -> list[Fact]:
    """Return the sure lines as facts, each once, in reading order."""
    told: dict[str, float] = {}
    for line, score in lines:
        words = "".join(one if one.isprintable() else " " for one in line)
        words = " ".join(words.replace("“", '"').replace("”", '"').split())[:LONGEST].strip()
        if score >= SURE and sum(one.isalnum() for one in words) >= _LEAST:
            told.setdefault(words, score)
    return [
        Fact("written_text", words, Source(name), {"written": words}, "estimated", score)
        for words, score in list(told.items())[:MOST]
    ]
