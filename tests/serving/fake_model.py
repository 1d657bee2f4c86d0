"""A whole fake release for tests of the machinery: every step in one file, no torch, instant.

`make_repository` copies this file as each step's model.py; the folder's name chooses the class.
A bundle with a file `broken` refuses to load; one with `sick` loads but never answers; one with
`spoils` answers as often as a trial, canary or check asks, and fails from then on; one with `slow`
takes its time over a clip.
"""

import json
import time
from pathlib import Path

import numpy as np

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.errors import InputError
from any2caption.serving.steps.runtime import StepModel, strings, text

HIDDEN = 4


class Fake:
    def __init__(self, bundle, release, _parameters):
        self.release, self.bundle = int(release), bundle
        if (bundle / "broken").exists():
            raise RuntimeError("this release is broken on purpose")

    def run(self, batch):
        return [self.one(arrays) for arrays in batch]


class Preprocess(Fake):
    concurrency = 4

    def run(self, batch, cancelled=()):
        return [self.slowly(arrays, gone) for arrays, gone in zip(batch, cancelled, strict=True)]

    def slowly(self, arrays, gone):
        """Answer the text `slow` after 30 s, or leave a file that says when its client left."""
        words = text(arrays["TEXT"])[0] if "TEXT" in arrays else b""
        slow = words.startswith(b"slow")
        if slow:
            (self.bundle / f"began-{words.decode()}").touch()
        limit = time.monotonic() + 30
        while slow and time.monotonic() < limit:
            if gone():
                (self.bundle / f"left-{words.decode()}").touch()
                return InputError("cancelled", field="TEXT")
            time.sleep(0.02)
        return self.one(arrays)

    def one(self, arrays):
        words = text(arrays["TEXT"])[0] if "TEXT" in arrays else b""
        if words == b"bad" or not arrays:
            return InputError("bad on purpose", file="a.png", field="pixels")
        if words == b"hang":
            time.sleep(3600)
        images = len(text(arrays["IMAGE"])) if "IMAGE" in arrays else 0
        cameras = len(text(arrays["CAMERA"])) if "CAMERA" in arrays else 0
        tokens = 3 + images + cameras
        return {
            "INPUT_IDS": np.ones((1, tokens), np.int64),
            "POSITION_IDS": np.zeros((1, 3, tokens), np.int64),
            "TOKEN_TYPES": np.zeros((1, tokens), np.int64),
            "VISION_PATCHES": np.ones((1, 4 * images, 6), np.float32),
            "VISION_GRID": np.ones((1, images, 3), np.int64),
            "MOTION_PATCHES": np.zeros((1, 0, 6), np.float32),
            "MOTION_GRID": np.zeros((1, 0, 3), np.int64),
            "CAMERA_POSES": np.ones((1, 8 * cameras, 16), np.float32),
            "PRESENT": np.array([[images > 0, False, cameras > 0]]),
            "READ": strings(json.dumps({"release": self.release, "words": words.decode()})),
            "FACTS": strings("{}"),
            "OPTIONS": strings(json.dumps({"writer": asked(arrays)})),
            "SHOWN": strings("{}"),
        }


def asked(arrays):
    """Return who the request wants to write; a model does, unless it says otherwise."""
    return text(arrays["WRITER"])[0].decode() if "WRITER" in arrays else "model"


class Encoder(Fake):
    source, target, per = "", "", 1

    def one(self, arrays):
        rows = arrays[self.source].shape[1] // self.per
        return {self.target: np.full((1, rows, HIDDEN), self.release, np.float32)}


class VisionEncoder(Encoder):
    source, target, per = "VISION_PATCHES", "VISION_EMBEDS", 4


class MotionEncoder(Encoder):
    source, target, per = "MOTION_PATCHES", "MOTION_EMBEDS", 4


class CameraEncoder(Encoder):
    source, target = "CAMERA_POSES", "CAMERA_EMBEDS"


class Decoder(Fake):
    answered = 0

    def run(self, batch):
        time.sleep(0.02)
        self.answered += len(batch)
        if (self.bundle / "spoils").exists() and self.answered > 8:
            raise RuntimeError("this release spoiled on purpose")
        if (self.bundle / "sick").exists():
            raise RuntimeError("this release is sick on purpose")
        return [self.one(arrays) for arrays in batch]

    def one(self, arrays):
        embeds = [arrays[f"{name}_EMBEDS"] for name in ("VISION", "MOTION", "CAMERA")]
        # Rows that another release encoded would show here.
        mixed = any((rows != self.release).any() for rows in embeds)
        counts = "/".join(str(rows.shape[1]) for rows in embeds)
        said = f"release {self.release}, rows {counts}, mixed {mixed}"
        return {"DRAFT": strings(said, batched=True)}


class Endpoint(Fake):
    def one(self, arrays):
        return {"WRITTEN": strings("{}")}


class Check(Fake):
    def one(self, arrays):
        read, options = text(arrays["READ"])[0], text(arrays["OPTIONS"])[0]
        if not read:
            return InputError("a probe", field="READ")
        said = text(arrays["DRAFT"])[0].decode()
        info = json.loads(read) | json.loads(options)
        caption = StructuredCaption(**dict.fromkeys(PARTS, said))
        return {
            "CAPTION": strings(caption.model_dump_json(), batched=True),
            "CAPTION_TEXT": strings(render(caption), batched=True),
            "INFO": strings(json.dumps(info)),
        }


class Previs(Fake):
    def one(self, arrays):
        if (self.bundle / "slow").exists():
            time.sleep(0.5)
        if not text(arrays["CAPTION"])[0]:
            return InputError("an empty caption", field="CAPTION")
        return {
            "CLIP": strings(b"\x00\x00\x00\x18ftypisom"),
            "CLIP_REPORT": strings(json.dumps({"release": self.release})),
        }


STEPS = {
    "preprocess": Preprocess,
    "vision_encoder": VisionEncoder,
    "motion_encoder": MotionEncoder,
    "camera_encoder": CameraEncoder,
    "decoder": Decoder,
    "endpoint": Endpoint,
    "check": Check,
    "previs": Previs,
}


class TritonPythonModel(StepModel):
    def initialize(self, arguments):
        name = Path(arguments["model_repository"]).name.rpartition("-r")[0]
        self.step_class = STEPS[name]
        super().initialize(arguments)
