"""Rotations between matrices, quaternions and rotation vectors, as SciPy's `Rotation` has them.

SciPy takes longer to load than a camera path to read, so what every path needs of it is here.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def from_quaternions(quaternions: ArrayLike) -> Floats:
    """Return the matrices N×3×3 of quaternions N×4 (x y z w) of any length but zero."""
    values = np.asarray(quaternions, np.float64)
    x, y, z, w = (values / np.linalg.norm(values, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.array(rows).transpose(2, 0, 1)


def from_vectors(vectors: ArrayLike) -> Floats:
    """Return the matrices N×3×3 of rotation vectors N×3: about their direction, by their length."""
    turns = np.asarray(vectors, np.float64)
    half = np.linalg.norm(turns, axis=1, keepdims=True) / 2
    axes = turns * np.sinc(half / np.pi) / 2  # sin(a / 2) along the axis
    return from_quaternions(np.concatenate([axes, np.cos(half)], axis=1))


def to_vectors(matrices: ArrayLike) -> Floats:
    """Return the rotation vectors N×3, of lengths 0…π, of rotation matrices N×3×3.

    By way of the quaternion, whose largest entry is divided by: exact near no turn and half a one.
    """
    m = np.asarray(matrices, np.float64)
    trace = np.trace(m, axis1=1, axis2=2)
    diagonal = np.diagonal(m, axis1=1, axis2=2)
    skew = np.stack(
        [m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], axis=1
    )
    products = np.empty((len(m), 4, 4))  # 4 q qᵀ
    products[:, :3, :3] = m + m.transpose(0, 2, 1)
    products[:, range(3), range(3)] = 1 + 2 * diagonal - trace[:, None]
    products[:, :3, 3] = products[:, 3, :3] = skew
    products[:, 3, 3] = 1 + trace
    largest = np.diagonal(products, axis1=1, axis2=2).argmax(axis=1)
    quaternions = products[np.arange(len(m)), largest]
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    quaternions *= np.where(quaternions[:, 3:] < 0, -1.0, 1.0)
    sine = np.linalg.norm(quaternions[:, :3], axis=1, keepdims=True)
    half = np.arctan2(sine, quaternions[:, 3:])
    vectors: Floats = quaternions[:, :3] * (2 / np.sinc(half / np.pi))
    return vectors
