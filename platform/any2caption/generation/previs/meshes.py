"""Simple solids as meshes of convex, outward-facing polygons. Axes: x right, y down, z away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Mesh:
    """`vertices` N×3, `faces` index tuples, `colours` one RGB a face; `glow` = unlit."""

    vertices: Array
    faces: tuple[tuple[int, ...], ...]
    colours: NDArray[np.float64]
    glow: bool = False
    backdrop: bool = False

    def placed(self, offset: Array, yaw: float = 0.0, scale: float = 1.0) -> "Mesh":
        """Turn by `yaw` radians about the vertical axis, scale, then move."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        vertices = scale * self.vertices @ turn.T + offset
        return Mesh(vertices, self.faces, self.colours, self.glow, self.backdrop)

    def turned(self, rotation: Array) -> "Mesh":
        """Apply a 3×3 rotation about the origin."""
        return Mesh(self.vertices @ rotation.T, self.faces, self.colours, self.glow, self.backdrop)


def _mesh(vertices: Array, faces: Sequence[tuple[int, ...]], colour: Colour, **flags: bool) -> Mesh:
    colours = np.tile(np.array(colour, dtype=float), (len(faces), 1))
    return Mesh(np.asarray(vertices, dtype=float), tuple(faces), colours, **flags)


def lathe(profile: list[tuple[float, float]], colour: Colour, sides: int = 16) -> Mesh:
    """Turn a profile of (radius, y) points, top first, about the y axis; open ends are capped."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rings = [
        np.stack([r * np.cos(angle), np.full(sides, y), r * np.sin(angle)], axis=1)
        for r, y in profile
    ]
    faces: list[tuple[int, ...]] = []
    for ring in range(len(profile) - 1):
        a, b = ring * sides, (ring + 1) * sides
        for i in range(sides):
            j = (i + 1) % sides
            faces.append((a + i, a + j, b + j, b + i))
    if profile[0][0] > 0:
        faces.append(tuple(reversed(range(sides))))
    if profile[-1][0] > 0:
        last = (len(profile) - 1) * sides
        faces.append(tuple(range(last, last + sides)))
    return oriented(_mesh(np.concatenate(rings), faces, colour))


def ball(radius: float, colour: Colour, *, rings: int = 11, sides: int = 18) -> Mesh:
    """A sphere; two darker meridian bands show that it turns."""
    polar = np.linspace(0, np.pi, rings)
    profile = [(radius * float(np.sin(p)), -radius * float(np.cos(p))) for p in polar]
    profile[0], profile[-1] = (0.0, -radius), (0.0, radius)
    mesh = lathe(profile, colour, sides)
    bands = np.arange(len(mesh.faces)) % sides
    mesh.colours[(bands == 0) | (bands == sides // 2)] *= 0.78
    return mesh


def box(size: tuple[float, float, float], colour: Colour, **flags: bool) -> Mesh:
    """A box of width, height, depth around the origin."""
    x, y, z = (s / 2 for s in size)
    corners = np.array(
        [
            [-x, -y, -z],
            [x, -y, -z],
            [x, y, -z],
            [-x, y, -z],
            [-x, -y, z],
            [x, -y, z],
            [x, y, z],
            [-x, y, z],
        ]
    )
    faces = [(0, 1, 2, 3), (5, 4, 7, 6), (4, 0, 3, 7), (1, 5, 6, 2), (4, 5, 1, 0), (3, 2, 6, 7)]
    return oriented(_mesh(corners, faces, colour, **flags))


def cone(radius: float, height: float, colour: Colour, sides: int = 18) -> Mesh:
    """A cone that stands on y = 0, its tip up."""
    return lathe([(0.0, -height), (radius * 0.5, -height / 2), (radius, 0.0)], colour, sides)


def ring(radius: float, thickness: float, colour: Colour) -> Mesh:
    """A torus that stands upright, its hole towards the viewer."""
    around, across = 22, 9
    u = np.linspace(0, 2 * np.pi, around, endpoint=False)
    v = np.linspace(0, 2 * np.pi, across, endpoint=False)
    r = radius + thickness * np.cos(v)[None]
    vertices = np.stack(
        [
            r * np.cos(u)[:, None],
            r * np.sin(u)[:, None],
            np.tile(thickness * np.sin(v), (around, 1)),
        ],
        axis=2,
    ).reshape(-1, 3)
    faces = [
        (
            i * across + j,
            i * across + (j + 1) % across,
            (i + 1) % around * across + (j + 1) % across,
            (i + 1) % around * across + j,
        )
        for i in range(around)
        for j in range(across)
    ]
    return oriented(_mesh(vertices, faces, colour), tube=radius)


def star(radius: float, depth: float, colour: Colour) -> Mesh:
    """A five-pointed star that stands upright, raised in the middle on both sides."""
    angle = -np.pi / 2 + np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2 == 0, radius, radius * 0.45)
    rim = np.stack([reach * np.cos(angle), reach * np.sin(angle), np.zeros(10)], axis=1)
    vertices = np.concatenate([rim, [[0, 0, -depth], [0, 0, depth]]])
    faces = [(i, (i + 1) % 10, 10) for i in range(10)] + [((i + 1) % 10, i, 11) for i in range(10)]
    return oriented(_mesh(vertices, list(faces), colour))


def limb(a: Array, b: Array, radii: tuple[float, float], colour: Colour, sides: int = 8) -> Mesh:
    """A tapered rod from a to b, a little longer than the distance so that joints close."""
    axis = b - a
    length = float(np.linalg.norm(axis)) or 1e-6
    axis = axis / length
    helper = np.eye(3)[int(np.abs(axis).argmin())]
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    circle = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    tip = 0.35
    rings = [
        a - axis * radii[0] * tip + circle * radii[0] * 0.7,
        a + circle * radii[0],
        b + circle * radii[1],
        b + axis * radii[1] * tip + circle * radii[1] * 0.7,
    ]
    faces: list[tuple[int, ...]] = []
    for k in range(3):
        faces += [
            (
                k * sides + i,
                k * sides + (i + 1) % sides,
                (k + 1) * sides + (i + 1) % sides,
                (k + 1) * sides + i,
            )
            for i in range(sides)
        ]
    faces += [tuple(range(sides)), tuple(range(3 * sides, 4 * sides))]
    return oriented(_mesh(np.concatenate(rings), faces, colour))


def quad(corners: list[tuple[float, float, float]], colour: Colour, **flags: bool) -> Mesh:
    """One polygon, visible from both sides."""
    faces = [(0, 1, 2, 3), (3, 2, 1, 0)]
    return _mesh(np.array(corners, dtype=float), faces, colour, **flags)


def oriented(mesh: Mesh, *, tube: float | None = None) -> Mesh:
    """Turn every face outwards: away from the mesh's centre, or from a torus' inner circle."""
    points = mesh.vertices[np.array([face[:3] for face in mesh.faces])]
    middle = points.mean(axis=1)
    inner = np.broadcast_to(mesh.vertices.mean(axis=0), middle.shape)
    if tube is not None:
        flat = middle * (1, 1, 0)
        inner = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9) * tube
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    outward = np.einsum("ij,ij->i", normals, middle - inner) > 0
    faces = [
        face if out else tuple(reversed(face))
        for face, out in zip(mesh.faces, outward.tolist(), strict=True)
    ]
    return Mesh(mesh.vertices, tuple(faces), mesh.colours, mesh.glow, mesh.backdrop)
