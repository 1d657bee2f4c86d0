"""Sources to annotate: a moving box as target, camera and depth conditions, no captions."""

import json

import numpy as np

from any2caption.annotation.extractors.geometry import realestate_text
from any2caption.conditions.io.images import encode_mp4, encode_png
from any2caption.conditions.types import Camera

from .conftest import moving_box

PARTS = {
    "dense": "A yellow box slides over dark ground while the camera pans.",
    "main_object": "One yellow box.",
    "background": "Dark ground.",
    "camera": "The camera pans left.",
    "style": "A plain drawing.",
    "action": "The box slides.",
}


def camera_text(turn=0.1, frames=8):
    w2c = np.zeros((frames, 3, 4))
    for t in range(frames):
        c, s = np.cos(turn * t), np.sin(turn * t)
        w2c[t, :, :3] = [[c, 0, -s], [0, 1, 0], [s, 0, c]]
    return realestate_text(Camera(np.tile([0.6, 0.9, 0.5, 0.5], (frames, 1)), w2c), 24)[0].encode()


def write_source(store, records, prefix=""):
    """Write a source of `records` (changes to a default record each); return its lines."""
    start = f"{prefix}/" if prefix else ""
    pictures, _ = moving_box()
    store.put(f"{start}clips/box one.mp4", encode_mp4(pictures, 8))
    store.put(f"{start}cameras/pan.txt", camera_text())
    store.put(f"{start}pictures/box.png", encode_png(pictures[0]))
    lines = []
    for number, changes in enumerate(records):
        line = {
            "id": f"r-{number:04}",
            "source": "unit",
            "licence": "CC0-1.0",
            "prompt": "",
            "target": ["clips/box one.mp4"],
            "conditions": [{"kind": "camera", "paths": ["cameras/pan.txt"]}],
            "synthetic": True,
            **changes,
        }
        lines.append(line)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    store.put(f"{start}manifest.jsonl", text.encode())
    return lines
