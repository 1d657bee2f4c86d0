"""An articulated person, and the other bodies on the stage, at a moment of their action.

A person stands on y = 0 and faces the viewer (-z); heights are metres. `time` runs in seconds,
`progress` from 0 to 1 over the clip.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from any2caption.generation.previs import meshes as shapes
from any2caption.generation.previs.meshes import Colour, Mesh

Array = NDArray[np.float64]

_SKIN: Colour = (224, 178, 142)
_HAIR: Colour = (70, 48, 36)
_TROUSERS: Colour = (58, 62, 84)
_SHOES: Colour = (36, 34, 36)
_HIP, _TORSO, _THIGH, _SHIN, _UPPER, _FORE = 0.92, 0.52, 0.44, 0.42, 0.29, 0.27


@dataclass(frozen=True, slots=True)
class Posture:
    """Angles in radians: pitch > 0 swings forward, `arms` / `legs` are (left, right)."""

    arms: tuple[float, float] = (0.05, 0.05)
    spread: tuple[float, float] = (0.14, 0.14)
    elbows: tuple[float, float] = (0.2, 0.2)
    legs: tuple[float, float] = (0.0, 0.0)
    knees: tuple[float, float] = (0.0, 0.0)
    lean: float = 0.0
    lift: float = 0.0
    yaw: float = 0.0
    travel: float = 0.0
    stool: bool = False


def posture(  # noqa: PLR0911 - one return an action
    action: str, time: float, progress: float
) -> Posture:
    """Return the person's posture; an action that only objects have becomes a walk or a stand."""
    beat = 2 * np.pi * time
    swing = float(np.sin(beat))
    if action in {"walk", "slide"}:
        s = 0.5 * float(np.sin(beat * 0.95))
        return Posture(
            arms=(-s, s),
            legs=(s, -s),
            knees=(0.5 * max(-s, 0) + 0.1, 0.5 * max(s, 0) + 0.1),
            yaw=-1.0,
            travel=1.6 * (progress - 0.5),
        )
    if action == "run":
        s = 0.85 * float(np.sin(beat * 1.6))
        return Posture(
            arms=(-s, s),
            elbows=(1.5, 1.5),
            legs=(s, -s),
            knees=(1.3 * max(-s, 0) + 0.25, 1.3 * max(s, 0) + 0.25),
            lean=0.18,
            lift=0.06 * abs(float(np.cos(beat * 1.6))),
            yaw=-1.05,
            travel=2.6 * (progress - 0.5),
        )
    if action in {"jump", "bounce"}:
        air = abs(float(np.sin(beat * 0.75)))
        crouch = max(0.0, 0.35 - air) * 1.6
        return Posture(
            arms=(0.2, 0.2),
            spread=(0.3 + 2.2 * air, 0.3 + 2.2 * air),
            legs=(crouch, crouch),
            knees=(2 * crouch, 2 * crouch),
            lift=0.55 * air - 0.44 * (1 - float(np.cos(crouch))) * 2,
        )
    if action == "wave":
        return Posture(spread=(0.14, 1.9), elbows=(0.2, 0.75 + 0.55 * float(np.sin(beat * 1.5))))
    if action == "raise":
        up = float(np.clip(progress * 2.2, 0, 1))
        return Posture(spread=(0.14 + 2.6 * up, 0.14 + 2.6 * up), elbows=(0.1, 0.1))
    if action == "bow":
        bend = float(np.sin(np.pi * np.clip(progress * 1.15, 0, 1))) ** 0.7
        return Posture(arms=(0.5 * bend, 0.5 * bend), lean=1.15 * bend, yaw=-0.6)
    if action == "sit":
        down = float(np.clip(progress * 1.8, 0, 1))
        down = down * down * (3 - 2 * down)
        return Posture(
            arms=(0.5 * down, 0.5 * down),
            legs=(1.45 * down, 1.45 * down),
            knees=(1.45 * down, 1.45 * down),
            lift=-0.44 * (1 - float(np.cos(1.45 * down))),
            yaw=-0.7,
            stool=True,
        )
    if action in {"dance", "spin"}:
        return Posture(
            spread=(0.9 + 0.7 * swing, 0.9 - 0.7 * swing),
            elbows=(0.6, 0.6),
            legs=(0.25 * swing, -0.25 * swing),
            knees=(0.3 * max(swing, 0), 0.3 * max(-swing, 0)),
            lift=0.05 * abs(swing),
            yaw=beat * 0.5 if action == "spin" else 0.5 * swing,
        )
    return Posture(lean=0.015 * swing)


def person(colour: Colour, stance: Posture) -> list[Mesh]:
    """Return the limbs of a person in a posture, standing on y = 0."""
    hip = np.array([0.0, -_HIP - stance.lift, 0.0])
    trunk = Rotation.from_euler("x", stance.lean).as_matrix()
    neck = hip + trunk @ np.array([0.0, -_TORSO, 0.0])
    meshes = [
        shapes.limb(hip, neck, (0.15, 0.19), colour, sides=10),
        shapes.limb(neck, neck + trunk @ np.array([0, -0.1, 0]), (0.055, 0.055), _SKIN),
        shapes.ball(0.125, _SKIN, rings=9, sides=12).placed(neck + trunk @ np.array([0, -0.2, 0])),
        shapes.ball(0.13, _HAIR, rings=7, sides=12).placed(
            neck + trunk @ np.array([0, -0.235, 0.028])
        ),
    ]
    for side, index in ((1.0, 0), (-1.0, 1)):
        shoulder = neck + trunk @ np.array([side * 0.2, 0.03, 0.0])
        upper = trunk @ _direction(stance.arms[index], stance.spread[index] * side)
        bend = stance.elbows[index]
        wide = stance.spread[index] > 1.0
        fore = trunk @ _direction(
            stance.arms[index] + (0.0 if wide else bend),
            (stance.spread[index] + (bend if wide else 0.0)) * side,
        )
        elbow = shoulder + upper * _UPPER
        hand = elbow + fore * _FORE
        meshes += [
            shapes.limb(shoulder, elbow, (0.062, 0.052), colour),
            shapes.limb(elbow, hand, (0.048, 0.038), _SKIN),
            shapes.ball(0.052, _SKIN, rings=6, sides=8).placed(hand),
        ]
        top = hip + np.array([side * 0.09, 0.02, 0.0])
        knee = top + _direction(stance.legs[index], 0.03 * side) * _THIGH
        foot = knee + _direction(stance.legs[index] - stance.knees[index], 0.02 * side) * _SHIN
        meshes += [
            shapes.limb(top, knee, (0.095, 0.07), _TROUSERS),
            shapes.limb(knee, foot, (0.068, 0.05), _TROUSERS),
            shapes.limb(foot, foot + np.array([0, 0.03, -0.13]), (0.055, 0.045), _SHOES, sides=6),
        ]
    turned = [mesh.placed(np.zeros(3), stance.yaw) for mesh in meshes]
    if stance.stool:
        stool = shapes.box((0.42, 0.46, 0.36), (150, 112, 76)).placed(np.array([0, -0.23, 0.2]))
        turned.append(stool.placed(np.zeros(3), stance.yaw))
    return turned


def _direction(pitch: float, spread: float) -> Array:
    """A limb's direction: down, swung forward (-z) by `pitch` and sideways by `spread`."""
    cos = np.cos(spread)
    return np.array([np.sin(spread), cos * np.cos(pitch), -cos * np.sin(pitch)])


def animal(colour: Colour, time: float, *, moving: bool) -> list[Mesh]:
    """Return a four-legged animal that looks to the right."""
    swing = 0.45 * float(np.sin(2 * np.pi * time * 1.3)) if moving else 0.0
    dark: Colour = tuple(int(c * 0.7) for c in colour)  # type: ignore[assignment]
    tail, chest = np.array([-0.38, -0.62, 0]), np.array([0.34, -0.64, 0])
    body = shapes.limb(tail, chest, (0.19, 0.2), colour)
    head = np.array([0.62, -0.92, 0])
    meshes = [
        body,
        shapes.limb(np.array([0.36, -0.7, 0]), head, (0.12, 0.1), colour),
        shapes.ball(0.15, colour, rings=8, sides=12).placed(head),
        shapes.limb(head, head + np.array([0.2, 0.05, 0]), (0.09, 0.06), dark),
        shapes.limb(np.array([-0.4, -0.68, 0]), np.array([-0.66, -0.92, 0]), (0.05, 0.03), dark),
    ]
    for ear in (-0.08, 0.08):
        tip = head + np.array([-0.03, -0.12, ear])
        meshes.append(shapes.cone(0.05, 0.14, dark, 8).placed(tip))
    for x, z, sign in ((0.28, 0.11, 1), (0.28, -0.11, -1), (-0.32, 0.11, -1), (-0.32, -0.11, 1)):
        top = np.array([x, -0.52, z])
        foot = top + np.array([np.sin(sign * swing), np.cos(swing), 0]) * 0.48
        meshes.append(shapes.limb(top, foot, (0.07, 0.05), dark))
    return meshes


def car(colour: Colour, travel: float) -> list[Mesh]:
    """Return a car that drives to the right; the wheels turn with `travel` metres."""
    meshes = [
        shapes.box((1.9, 0.42, 0.85), colour).placed(np.array([0, -0.45, 0])),
        shapes.box((1.0, 0.36, 0.76), (150, 186, 204)).placed(np.array([-0.1, -0.82, 0])),
        shapes.box((1.02, 0.05, 0.78), colour).placed(np.array([-0.1, -1.02, 0])),
    ]
    roll = Rotation.from_euler("z", travel / 0.22).as_matrix()
    upright = Rotation.from_euler("x", np.pi / 2).as_matrix()
    for x in (-0.58, 0.58):
        for z in (-0.44, 0.44):
            profile = [(0.1, -0.07), (0.22, -0.06), (0.22, 0.06), (0.1, 0.07)]
            wheel = shapes.lathe(profile, _SHOES, 12)
            wheel.colours[::4] *= 1.8
            turned = wheel.turned(roll @ upright)
            meshes.append(turned.placed(np.array([x, -0.22, z])))
    return meshes


def thing(form: str, colour: Colour, spin: float) -> tuple[list[Mesh], float]:
    """Return a solid around the origin and the height of its centre when it lies on the ground."""
    if form == "ball":
        turn = Rotation.from_euler("z", spin).as_matrix()
        return [shapes.ball(0.52, colour).turned(turn)], 0.52
    if form == "cone":
        return [shapes.cone(0.52, 1.15, colour).placed(np.array([0, 0.55, 0]), spin)], 0.55
    if form == "ring":
        return [shapes.ring(0.46, 0.14, colour).placed(np.zeros(3), 0.35 + spin)], 0.6
    if form == "star":
        return [shapes.star(0.68, 0.2, colour).placed(np.zeros(3), 0.25 + spin)], 0.62
    return [shapes.box((0.9, 0.9, 0.9), colour).placed(np.zeros(3), 0.5 + spin)], 0.45
