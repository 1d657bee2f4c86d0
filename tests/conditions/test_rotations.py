"""Rotations are SciPy's, to the last digits, near no turn and near half a one too."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from any2caption.conditions import rotations

RANDOM = np.random.default_rng(0)
AXES = RANDOM.normal(size=(200, 3))
AXES /= np.linalg.norm(AXES, axis=1, keepdims=True)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-6, 0.3, 2.0, np.pi - 1e-6, np.pi - 1e-10])
def test_vectors_and_matrices_are_scipys(angle):
    vectors = AXES * angle
    expected = Rotation.from_rotvec(vectors)
    matrices = rotations.from_vectors(vectors)
    np.testing.assert_allclose(matrices, expected.as_matrix(), atol=1e-14)
    np.testing.assert_allclose(rotations.to_vectors(matrices), vectors, atol=2e-8)
    again = rotations.from_vectors(rotations.to_vectors(matrices))
    np.testing.assert_allclose(again, matrices, atol=1e-14)


def test_a_half_turn_about_any_axis_has_its_length():
    turns = rotations.to_vectors(Rotation.from_rotvec(np.eye(3) * np.pi).as_matrix())
    np.testing.assert_allclose(np.abs(turns), np.eye(3) * np.pi, atol=1e-12)


def test_quaternions_of_any_length_are_scipys():
    quaternions = RANDOM.normal(size=(200, 4)) * 3
    expected = Rotation.from_quat(quaternions).as_matrix()
    np.testing.assert_allclose(rotations.from_quaternions(quaternions), expected, atol=1e-14)
