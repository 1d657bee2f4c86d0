"""The platform's own parsers read every file of the world, as they would read a customer's."""

import numpy as np
import pytest

from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.datasets.records import SourceRecord
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.datasets.synthetic.world import sample_scene


@pytest.fixture(scope="module")
def parsed():
    lines, files = make_scenes(31, 0, 60)
    found = []
    for line in lines:
        record = SourceRecord.model_validate_json(line)
        scene = sample_scene(31, int(record.id.split("-")[2]))
        for item in record.conditions:
            parts = [Part(path, files[path]) for path in item.paths]
            condition = parse_condition(item.kind, parts, role=item.role, options=item.options)
            found.append((scene, condition))
    return found


def payloads(parsed, kind):
    return [(scene, c.payload) for scene, c in parsed if c.kind == kind]


def test_every_kind_is_parsed(parsed):
    assert {c.kind for _, c in parsed} == {"image", "depth", "pose", "camera", "video"}


def test_parsed_depth_keeps_near_bright(parsed):
    for _, depth in payloads(parsed, "depth"):
        assert depth.maps.dtype == np.float32
        assert 0 <= np.nanmin(depth.maps) < 0.3
        assert 0.6 < np.nanmax(depth.maps) <= 1


def test_parsed_poses_have_the_scene_s_people(parsed):
    for scene, pose in payloads(parsed, "pose"):
        seen = (pose.keypoints[..., 2] > 0).any(axis=(0, 2))
        assert seen.sum() == scene.count
        assert 8 <= len(pose.keypoints) <= 12
        assert pose.keypoints[..., :2].max() < 1.6


def test_parsed_cameras_start_at_the_identity(parsed):
    for _, camera in payloads(parsed, "camera"):
        np.testing.assert_allclose(camera.w2c[0], np.eye(3, 4), atol=1e-6)
        np.testing.assert_allclose(np.linalg.det(camera.w2c[:, :, :3]), 1.0, atol=1e-6)


def test_parsed_pictures_and_clips_have_the_written_size(parsed):
    for _, image in payloads(parsed, "image"):
        assert image.pixels.shape == (112, 112, 3)
    for _, video in payloads(parsed, "video"):
        assert video.frames.shape[1:] == (112, 112, 3)
