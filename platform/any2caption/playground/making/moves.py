"""A camera path made from movements in words, one a line.

    dolly in 1.5 m in 3 s
    + pan left 20° in 3 s
    pedestal up 1 m in 2 s

A line that starts with `+` happens together with the one before it. A movement's own size and two
seconds are taken where a line leaves them out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from any2caption.conditions.camera.writers import Lens, write_camera
from any2caption.conditions.types import Camera, Part
from any2caption.errors import InputError
from any2caption.generation.previs.camera_path import Array, rigid_step, twist_of

FPS = 12.0
SECONDS = 2.0
MOST_SECONDS = 60.0
FILE = "camera_path.txt"
_FOCAL = 0.9
_ASPECT = 16 / 9
_SIDES = {
    "pan": ("left", "right"),
    "tilt": ("up", "down"),
    "roll": ("clockwise", "anticlockwise"),
    "dolly": ("in", "out"),
    "truck": ("left", "right"),
    "pedestal": ("up", "down"),
    "orbit": ("left", "right"),
    "zoom": ("in", "out"),
}
MOVEMENTS = ("static", *(f"{name} {side}" for name, sides in _SIDES.items() for side in sides))
_UNITS = {"dolly": "m", "truck": "m", "pedestal": "m", "zoom": "×"}
_LINE = re.compile(
    r"(?P<plus>\+\s*)?(?P<name>[a-z]+(?: [a-z]+)?)"
    r"(?:\s+(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>°|degrees?|deg|metres?|meters?|m|×|x|times)?)?"
    r"(?:\s+in\s+(?P<seconds>\d+(?:\.\d+)?)\s*(?:s|seconds?))?",
)
_SAME = {"degree": "°", "degrees": "°", "deg": "°", "metre": "m", "metres": "m", "meter": "m"}
_SAME |= {"meters": "m", "x": "×", "times": "×"}
_MOST = {"°": 720.0, "m": 100.0, "×": 10.0}


@dataclass(frozen=True, slots=True)
class Move:
    """One movement: `amount` in its own unit (°, m, or the factor of the focal length)."""

    name: str
    amount: float
    seconds: float = SECONDS
    together: bool = False

    def line(self) -> str:
        """Return the movement as a line."""
        size = "" if self.name == "static" else f" {self.amount:g} {unit_of(self.name)}"
        plus = "+ " if self.together else ""
        return f"{plus}{self.name}{size.replace(' °', '°')} in {self.seconds:g} s"


def unit_of(name: str) -> str:
    """Return what a movement is measured in: °, m, ×; "" for a camera that stays."""
    return "" if name == "static" else _UNITS.get(name.split(maxsplit=1)[0], "°")


def usual(name: str) -> float:
    """Return a movement's usual amount, in its unit."""
    if name == "static":
        return 0.0
    move, turn, focal = twist_of(name.replace(" ", "_"))
    unit = unit_of(name)
    if unit == "×":
        return round(float(np.exp(abs(focal))), 1)
    size = np.degrees(np.abs(turn).max()) if unit == "°" else np.abs(move).max()
    return round(float(size), 1)


def read_moves(text: str) -> list[Move]:
    """Read movements, one a line.

    Raises:
        InputError: a line that is no movement; the message names it and says what is accepted.
    """
    found: list[Move] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            move = _move(line.strip().casefold())
        except InputError as error:
            raise InputError(error.reason, record=f"line {number}", field="movement") from None
        if move.together and not found:
            raise InputError("nothing comes before it", record=f"line {number}", field="+")
        found.append(move)
    if not found:
        raise InputError("no movement yet: add one", field="movement")
    if sum(seconds for seconds, _ in _stages(found)) > MOST_SECONDS:
        raise InputError(f"longer than {MOST_SECONDS:g} seconds", field="movement")
    return found


def _move(line: str) -> Move:
    read = _LINE.fullmatch(line)
    name = read["name"].replace("counterclockwise", "anticlockwise") if read else ""
    if read is None or name not in MOVEMENTS:
        accepted = ", ".join(MOVEMENTS)
        raise InputError(f"{line[:60]!r}: expected e.g. “pan left 20° in 3 s”; {accepted}")
    unit = unit_of(name)
    given = _SAME.get(read["unit"] or unit, read["unit"] or unit)
    if given != unit:
        raise InputError(f"{name} is measured in {unit or 'seconds only'}, not in {given}")
    amount = float(read["amount"]) if read["amount"] else usual(name)
    seconds = float(read["seconds"]) if read["seconds"] else SECONDS
    least = 1.0 if unit == "×" else 0.0
    if not least <= amount <= _MOST.get(unit, 0.0):
        raise InputError(f"{amount:g} {unit}: from {least:g} to {_MOST.get(unit, 0.0):g}")
    if not 0 < seconds <= MOST_SECONDS:
        raise InputError(f"{seconds:g} s: more than 0, at most {MOST_SECONDS:g}")
    return Move(name, amount, seconds, together=bool(read["plus"]))


def _stages(moves: Sequence[Move]) -> list[tuple[float, list[Move]]]:
    """Movements that happen together, each stage with its seconds (its longest one's)."""
    stages: list[list[Move]] = []
    for move in moves:
        if move.together:
            stages[-1].append(move)
        else:
            stages.append([move])
    return [(max(one.seconds for one in stage), stage) for stage in stages]


def make_path(moves: Sequence[Move]) -> Camera:
    """Return the path, `FPS` frames a second, starting at rest at the origin."""
    pose, focal = np.eye(4), 0.0
    poses, focals = [pose], [focal]
    for seconds, stage in _stages(moves):
        steps = max(2, round(seconds * FPS))
        for step in range(steps):
            move, turn, zoom = _sum(_twists(stage, step / FPS, (step + 1) / FPS))
            pose = pose @ rigid_step(move, turn)
            focal += zoom
            poses.append(pose)
            focals.append(focal)
    w2c = np.linalg.inv(np.stack(poses))[:, :3]
    across = _FOCAL * np.exp(np.array(focals))
    centre = np.full_like(across, 0.5)
    lens = np.stack([across, across * _ASPECT, centre, centre], axis=1)
    return Camera(lens, w2c, np.arange(len(w2c)) / FPS)


Twist = tuple[Array, Array, float]


def _twists(stage: Sequence[Move], start: float, end: float) -> Iterator[Twist]:
    """What each movement does between two times of its stage, at an even pace."""
    for one in stage:
        share = max(0.0, min(end, one.seconds) - min(start, one.seconds)) / one.seconds
        if not share or one.name == "static":
            continue
        move, turn, zoom = twist_of(one.name.replace(" ", "_"))
        if unit_of(one.name) == "×":
            yield move, turn, float(np.sign(zoom) * np.log(one.amount)) * share
            continue
        own = np.degrees(np.abs(turn).max()) if unit_of(one.name) == "°" else np.abs(move).max()
        size = share * one.amount / own
        yield move * size, turn * size, 0.0


def _sum(twists: Iterator[Twist]) -> Twist:
    move, turn, zoom = np.zeros(3), np.zeros(3), 0.0
    for one in twists:
        move, turn, zoom = move + one[0], turn + one[1], zoom + one[2]
    return move, turn, zoom


def path_file(camera: Camera) -> Part:
    """Return the path as a file that every reader of RealEstate10K text takes."""
    return Part(FILE, write_camera(camera, "realestate10k", Lens(FPS)))
