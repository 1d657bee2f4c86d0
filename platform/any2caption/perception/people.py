"""Who is there and how they hold themselves: MediaPipe's pose detector and landmarks.

The detector (an SSD) finds people in the whole picture: two of its key points give the middle of
the hips and a circle around the body. Each person is cut out upright, and the landmark network
places 33 points, of which the 18 of OpenPose's COCO layout are kept. Sources: BlazePose (Bazarevsky
et al., 2020) and the constants of MediaPipe's modules `pose_detection` and `pose_landmark`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.facts.pose import pose_facts
from any2caption.conditions.facts.words import counted
from any2caption.conditions.pose.person_tracks import track
from any2caption.conditions.types import Condition, Pose
from any2caption.perception.view import FRAMES, Look, View

Floats = NDArray[np.float64]

DETECTOR, LANDMARKS = "pose_detection.tflite", "pose_landmark_full.tflite"
SURE = 0.75
"""A detection counts from this score on (MediaPipe's own value is 0.5): of the pictures measured,
dogs that sit up reach 0.72. Portraits of a face alone lie there, too, and are not told."""
SURE_POSE = 0.5
"""And a person, from what the landmark network says of the cut-out."""
SURE_POINT = 0.5
"""A point is there from this visibility on."""
MOST_PEOPLE = 4
_POINTS = 39 * 5
_WIDE, _TALL = 224, 256
_OVERLAP = 0.3
_ROOM = 1.25
_LAYERS = ((28, 2), (14, 2), (7, 6))
"""Cells a side, and anchors a cell, of the detector's layers of one stride."""
_COCO_18 = (0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)
"""BlazePose's point of each COCO_18 point; the neck is made from the shoulders."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person in one picture: `points` 18×3 = x, y as fractions, visibility (0 = missing)."""

    points: Floats
    score: float


@dataclass(frozen=True, slots=True)
class _Circle:
    """A body in pixels: its middle, radius, and how far it leans (radians; 0 = upright)."""

    x: float
    y: float
    radius: float
    lean: float
    score: float


class People:
    """Finds people in pictures."""

    def __init__(self, where: Path) -> None:
        self._detector = _Network(where / DETECTOR)
        self._landmarks = _Network(where / LANDMARKS)

    def find(self, pixels: NDArray[np.uint8]) -> list[Person]:
        """Return the people in uint8 H×W×3, the surest first."""
        people = [self._person(pixels, circle) for circle in self._circles(pixels)]
        return [one for one in people if one is not None]

    def _circles(self, pixels: NDArray[np.uint8]) -> list[_Circle]:
        height, width = pixels.shape[:2]
        side = max(height, width)
        left, top = (side - width) / 2, (side - height) / 2
        square = _warped(pixels, (side / _WIDE, 0, -left, 0, side / _WIDE, -top), _WIDE)
        boxes, scores = self._detector.run(square / 127.5 - 1)
        found = detections(boxes[0], scores[0, :, 0])
        return [_circle(one, score, side, left, top) for one, score in found[:MOST_PEOPLE]]

    def _person(self, pixels: NDArray[np.uint8], circle: _Circle) -> Person | None:
        height, width = pixels.shape[:2]
        step = 2 * circle.radius * _ROOM / _TALL
        cos, sin = step * math.cos(circle.lean), step * math.sin(circle.lean)
        half = _TALL / 2
        turn = (
            *(cos, -sin, circle.x - half * cos + half * sin),
            *(sin, cos, circle.y - half * sin - half * cos),
        )
        outputs = self._landmarks.run(_warped(pixels, turn, _TALL) / 255)
        flag = next(float(one.reshape(())) for one in outputs if one.size == 1)
        if flag < SURE_POSE:
            return None
        marks = next(one for one in outputs if one.size == _POINTS)
        marks = marks.reshape(39, 5).astype(np.float64)
        x = turn[0] * marks[:, 0] + turn[1] * marks[:, 1] + turn[2]
        y = turn[3] * marks[:, 0] + turn[4] * marks[:, 1] + turn[5]
        seen = 1 / (1 + np.exp(-marks[:, 3]))
        inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
        points = np.column_stack([x / width, y / height, seen * inside])
        return Person(coco_points(points), min(flag, circle.score))


def coco_points(points: Floats) -> Floats:
    """Return BlazePose's points N×3 as COCO_18; those that are hardly seen are missing, zero."""
    left, right = points[11], points[12]
    neck = np.array([*((left + right) / 2)[:2], min(left[2], right[2])])
    coco = np.vstack([points[:33], neck])[list(_COCO_18)]
    coco[coco[:, 2] < SURE_POINT] = 0
    return coco


def load(where: Path) -> Look:
    """Return the recogniser with its weights."""
    people = People(where)

    def look(view: View) -> list[Fact]:
        if view.role == "style":
            return []
        found = [people.find(frame) for frame in view.frames]
        if not any(found):
            return []
        score = max(one.score for frame in found for one in frame)
        return list(_stated(found, view, score))

    return look


def _stated(found: Sequence[Sequence[Person]], view: View, score: float) -> Iterable[Fact]:
    """Yield who is there; of a clip also what they do, of a single person's picture whose it is."""
    source = Source(view.name)
    if view.fps is not None:
        height, width = view.frames.shape[1:3]
        pose = pose_of([[one.points for one in frame] for frame in found], width / height, view.fps)
        for fact in pose_facts(Condition("pose", pose, "mediapipe"), view.name):
            sure = min(score, fact.confidence)
            yield replace(fact, source=source, certainty="estimated", confidence=sure)
        return
    count = len(found[0])
    value = {"noun": "person", "number": count}
    if count > 1 or view.role in FRAMES:
        yield Fact("count", counted(count, "person"), source, value, "estimated", score)
        return
    named = {"noun": "person", "kind": "", "names": ["person"]}
    yield Fact("subject", "a person", source, {**named, **value}, "estimated", score)
    known = {**named, "condition": view.name, "role": view.role or "reference"}
    yield Fact("identity", f"the person of {view.name}", source, known, "estimated", score)


def pose_of(frames: Sequence[Sequence[Floats]], aspect: float, fps: float) -> Pose:
    """Return people's points, frame by frame, as a pose in which each keeps their place."""
    seen = [[person for person in frame if person.any()] for frame in frames]
    if not any(seen):
        empty = np.zeros((len(frames), 0, 18, 3), np.float32)
        return Pose(empty, "COCO_18", fps, aspect)
    points, _ = track(seen, MOST_PEOPLE)
    return Pose(points.astype(np.float32), "COCO_18", fps, aspect)


@cache
def _anchors() -> Floats:
    """Middles 2254×2 of the detector's anchors, as fractions."""
    rows = []
    for cells, each in _LAYERS:
        middles = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(middles, middles, indexing="ij")
        rows.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), each, axis=0))
    return np.concatenate(rows)


def detections(boxes: NDArray[Any], scores: NDArray[Any]) -> list[tuple[Floats, float]]:
    """Return who is found, surest first: points 6×2 as fractions of the square, and the score.

    The first two points are the middle and the size of the box, the others the key points. Boxes
    that overlap are averaged by their scores (MediaPipe's weighted suppression).
    """
    sure = 1 / (1 + np.exp(-np.clip(scores.astype(np.float64), -100, 100)))
    kept = np.flatnonzero(sure >= SURE)
    points = boxes[kept].astype(np.float64).reshape(-1, 6, 2) / _WIDE
    points[:, 0] += _anchors()[kept]
    points[:, 2:] += _anchors()[kept][:, None]
    left = [int(one) for one in np.argsort(-sure[kept])]
    out = []
    while left:
        near = [one for one in left if _overlap(points[left[0]], points[one]) > _OVERLAP]
        near = near or left[:1]
        weights = sure[kept][near]
        out.append((np.average(points[near], axis=0, weights=weights), float(weights[0])))
        left = [one for one in left if one not in near]
    return out


def _overlap(one: Floats, other: Floats) -> float:
    low = np.maximum(one[0] - one[1] / 2, other[0] - other[1] / 2)
    high = np.minimum(one[0] + one[1] / 2, other[0] + other[1] / 2)
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / max(float(np.prod(one[1]) + np.prod(other[1])) - shared, 1e-9)


def _circle(points: Floats, score: float, side: float, left: float, top: float) -> _Circle:
    middle, rim = points[2] * side - (left, top), points[3] * side - (left, top)
    across = rim - middle
    lean = math.pi / 2 - math.atan2(-across[1], across[0])
    radius = max(float(np.hypot(*across)), 1.0)
    return _Circle(float(middle[0]), float(middle[1]), radius, lean, score)


def _warped(pixels: NDArray[np.uint8], turn: Sequence[float], side: int) -> NDArray[np.float32]:
    """Return the square that an affine map (a, b, c, d, e, f) cuts out, float32 side×side×3."""
    from PIL import Image

    cut = Image.fromarray(pixels).transform(
        (side, side), Image.Transform.AFFINE, tuple(turn), Image.Resampling.BILINEAR
    )
    return np.asarray(cut, np.float32)


class _Network:
    """A TensorFlow Lite network of one picture."""

    def __init__(self, file: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        # One thread: more would not survive the fork of a worker.
        self._net = Interpreter(model_content=file.read_bytes(), num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._outputs = [one["index"] for one in self._net.get_output_details()]

    def run(self, picture: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Return the outputs for H×W×3."""
        self._net.set_tensor(self._input, picture[None].astype(np.float32))
        self._net.invoke()
        return [self._net.get_tensor(one) for one in self._outputs]
