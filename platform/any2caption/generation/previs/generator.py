"""A storyboard animatic from a caption's text alone, on a CPU, deterministic.

It reads the caption's words (`scene`), builds simple 3-D bodies and scenery, films them with a real
perspective camera that moves as the camera part says (`path`), and draws with the painter's
algorithm. A preview for people, and the closed loop of evaluation: the path that was filmed comes
back with the frames.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from any2caption.captions.schema import StructuredCaption
from any2caption.errors import InputError
from any2caption.generation.base import Clip
from any2caption.generation.previs import backdrops, raster, styles
from any2caption.generation.previs import bodies as figure
from any2caption.generation.previs.camera_path import SUBJECT_DISTANCE, FilmedPath, film
from any2caption.generation.previs.meshes import Mesh
from any2caption.generation.previs.scene import Stage, Subject, read_stage

Array = NDArray[np.float64]

MAX_FRAMES, MAX_SIZE, MIN_SIZE = 240, 1024, 32
_LIGHTS = {"day": (1.0, 1.0, 1.0), "dusk": (1.04, 0.84, 0.72), "night": (0.42, 0.48, 0.64)}
_SPACING = {"person": 0.95, "animal": 1.7, "car": 2.3}


class Previs:
    """The `previs` generator."""

    name = "previs"

    def render(
        self,
        caption: StructuredCaption,
        *,
        seconds: float = 2.5,
        fps: float = 12.0,
        size: int = 256,
        seed: int = 0,
    ) -> Clip:
        """Render `seconds` at `fps` as `size`×`size` pixels.

        Raises:
            InputError: a length or size outside 1…240 frames, 32…1024 pixels.
        """
        frames = round(seconds * fps)
        if not 1 <= frames <= MAX_FRAMES:
            raise InputError(f"{frames} frames; 1 to {MAX_FRAMES} are possible", field="seconds")
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise InputError(f"{size} pixels; {MIN_SIZE} to {MAX_SIZE} are possible", field="size")
        stage, report = read_stage(caption, generator=self.name)
        path = film(stage.moves, frames, first_camera(stage))
        place = backdrops.PLACES[stage.place]
        scenery = backdrops.scenery(stage.place, seed)
        tint = _LIGHTS[stage.light]
        pictures = []
        for index in range(frames):
            time = index / fps
            bodies, shadows = actors(stage, time, index / max(frames - 1, 1))
            pose, focal = path.c2w[index], float(path.focal[index])
            directions = backdrops.rays(size, focal, pose[:, :3])
            ground = backdrops.backdrop(place, stage.light, directions, pose[:, 3], shadows, time)
            horizon = np.array(place.sky[1]) * tint
            view = raster.View(pose, focal, tint, horizon)
            faces = raster.polygons([*scenery, *bodies], view)
            picture = raster.draw(ground, faces, outline=stage.style == "cartoon")
            pictures.append(styles.apply(stage.style, picture, index, seed))
        return Clip(np.stack(pictures), fps, report, path.w2c, path.intrinsics)


def render(
    caption: StructuredCaption,
    *,
    seconds: float = 2.5,
    fps: float = 12.0,
    size: int = 256,
    seed: int = 0,
) -> Clip:
    """Render a caption with previs; see `Previs.render`."""
    return Previs().render(caption, seconds=seconds, fps=fps, size=size, seed=seed)


def filmed(caption: StructuredCaption, frames: int) -> FilmedPath:
    """Return the path that a caption is filmed along, without drawing anything."""
    stage, _ = read_stage(caption)
    return film(stage.moves, frames, first_camera(stage))


def first_camera(stage: Stage) -> Array:
    """Return the first frame's camera-to-world 3×4 for the shot size and angle."""
    ahead = {"close": 1.5, "wide": -3.0}.get(stage.shot, 0.0)
    lift, pitch = {"high": (-1.1, -14.0), "aerial": (-3.2, -34.0), "low": (0.75, 9.0)}.get(
        stage.angle, (0.0, 0.0)
    )
    angle = np.radians(pitch)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    back = -1.2 if stage.angle == "aerial" else 0.0
    return np.concatenate([turn, [[0.0], [lift], [ahead + back]]], axis=1)


def actors(
    stage: Stage, time: float, progress: float
) -> tuple[list[Mesh], list[tuple[float, float, float]]]:
    """Return the bodies at a moment, and their shadows (x, z, radius) on the ground."""
    line: list[Subject] = [s for s in stage.subjects for _ in range(s.count)]
    gaps = [_SPACING.get(subject.form, 1.35) for subject in line]
    starts = np.cumsum([0.0, *[(a + b) / 2 for a, b in itertools.pairwise(gaps)]])
    places_x = starts - starts[-1] / 2
    meshes: list[Mesh] = []
    shadows = []
    for index, (subject, x) in enumerate(zip(line, places_x, strict=True)):
        depth = SUBJECT_DISTANCE + 0.35 * (index % 2) * (len(line) > 1)
        parts, offset, radius = _body(subject, stage.action, time + 0.13 * index, progress)
        at = np.array([x, backdrops.EYE_HEIGHT, depth]) + offset
        meshes += [part.placed(at) for part in parts]
        shadows.append((float(at[0]), float(at[2]), radius))
    return meshes, shadows


def _body(
    subject: Subject, action: str, time: float, progress: float
) -> tuple[list[Mesh], Array, float]:
    """Return a body around its own place, its displacement, and its shadow's radius."""
    travel = 1.8 * (progress - 0.5) if action in {"slide", "walk", "run"} else 0.0
    closer = -1.5 * progress if action == "approach" else 0.0
    hop = abs(float(np.sin(np.pi * 1.5 * time)))
    if subject.form == "person":
        stance = figure.posture("walk" if action == "approach" else action, time, progress)
        if action == "approach":
            stance = figure.Posture(arms=stance.arms, legs=stance.legs, knees=stance.knees)
        return figure.person(subject.colour, stance), np.array([stance.travel, 0, closer]), 0.42
    lift = -0.85 * hop if action in {"bounce", "jump"} else 0.0
    if action == "float":
        lift = -0.6 - 0.15 * float(np.sin(2 * np.pi * 0.5 * time))
    offset = np.array([travel, lift, closer])
    shadow = 0.6 if lift == 0.0 else 0.5
    if subject.form == "animal":
        moving = action in {"walk", "run", "slide", "approach"}
        return figure.animal(subject.colour, time, moving=moving), offset, shadow
    if subject.form == "car":
        return figure.car(subject.colour, travel), offset, 1.0
    spin = 2 * np.pi * 0.35 * time if action == "spin" else 0.0
    roll = travel / 0.52 if subject.form == "ball" else spin
    solid, height = figure.thing(subject.form, subject.colour, roll)
    return solid, offset - np.array([0, height, 0]), shadow
