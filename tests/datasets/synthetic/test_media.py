import io
import json
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from any2caption.captions.lexicon import COLOURS, OBJECT_ACTIONS, PERSON_ACTIONS, SHAPES
from any2caption.datasets.synthetic import drawing, media
from any2caption.datasets.synthetic.world import sample_scene

SCENES = [sample_scene(8, index) for index in range(60)]
PEOPLE = [scene for scene in SCENES if scene.kind == "person"]
OBJECTS = [scene for scene in SCENES if scene.kind == "object"]


def decode(item):
    with av.open(io.BytesIO(item.files[0][1])) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def frames_of(item):
    if len(item.files) > 1:
        return [json.loads(data) for _, data in item.files]
    return json.loads(item.files[0][1])


@pytest.mark.parametrize("make", [media.first_frame, media.identity])
def test_pictures_are_rgb_png(make):
    for scene in SCENES[:10]:
        picture = Image.open(io.BytesIO(make(scene).files[0][1]))
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (112, 112))


def test_depth_is_a_grey_clip_with_the_subject_brightest():
    for scene in SCENES[:20]:
        item = media.depth(scene)
        if item.sparse:
            assert 1 < len(item.files) <= 5
            continue
        frames = decode(item).astype(int)
        assert 8 <= len(frames) <= 12
        assert np.abs(frames - frames.mean(axis=-1, keepdims=True)).max() < 4
        assert frames.max() > 165
        assert np.median(frames) < 135


def test_some_depth_conditions_are_a_few_maps():
    sparse = [media.depth(scene).sparse for scene in SCENES]
    assert 0 < sum(sparse) < 20


def test_video_shows_the_first_frame_first():
    for scene in SCENES[:10]:
        frames = decode(media.video(scene)).astype(int)
        first = np.asarray(drawing.first_frame(scene)).astype(int)
        assert 8 <= len(frames) <= 12
        assert np.abs(frames[0] - first).mean() < 12


def test_subjects_never_overlap_and_stay_in_view():
    for scene in OBJECTS:
        actors = drawing.stage(scene, 12)
        assert len(actors) == scene.count
        for index, actor in enumerate(actors):
            assert (actor.centres > 0).all()
            assert (actor.centres < 1).all()
            for other in actors[index + 1 :]:
                gaps = np.linalg.norm(actor.centres - other.centres, axis=1)
                assert (gaps > 1.0 * (actor.radii + other.radii) * 0.95).all()


def count_blobs(mask):
    """Count 4-connected bright regions of a few pixels or more."""
    mask, blobs = mask.copy(), 0
    while mask.any():
        stack, size = [tuple(np.argwhere(mask)[0])], 0
        while stack:
            y, x = stack.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x]:
                mask[y, x], size = False, size + 1
                stack += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        blobs += size > 12
    return blobs


def test_number_of_objects_can_be_counted_at_56_pixels():
    for scene in OBJECTS:
        for frame in drawing.depth_clip(scene, 8)[::3]:
            small = np.asarray(frame.resize((56, 56), Image.Resampling.BILINEAR))
            assert count_blobs(small > 145) == scene.count, scene


def test_colours_are_told_by_the_nearest_palette_entry_at_56_pixels():
    names = [term.key for term in COLOURS]
    palette = np.array([drawing.COLOURS[name] for name in names])
    for scene in OBJECTS:
        picture = drawing.first_frame(scene).resize((56, 56), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture).astype(int)
        actors = drawing.stage(scene, 8)
        votes = []
        for actor in actors:
            (x, y), r = actor.centres[0], actor.radii[0]
            dx = 0.78 * r if scene.shape == "ring" else 0.0
            inside = pixels[round(y * 56) - 1 : round(y * 56) + 2, round((x - dx) * 56)]
            votes += [names[i] for i in np.argmin(np.abs(palette - inside[:, None]).sum(-1), 1)]
        assert max(set(votes), key=votes.count) == scene.colour, scene


def test_silhouettes_of_the_shapes_differ_clearly():
    base = replace(OBJECTS[0], count=1, action="stay")
    masks = {}
    for shape in SHAPES:
        frame = drawing.depth_clip(replace(base, shape=shape.key), 8)[0].resize((56, 56))
        masks[shape.key] = np.asarray(frame) > 145
    keys = list(masks)
    for i, one in enumerate(keys):
        for other in keys[i + 1 :]:
            union = (masks[one] | masks[other]).sum()
            assert (masks[one] ^ masks[other]).sum() / union > 0.2, (one, other)


@pytest.mark.parametrize("action", [term.key for term in OBJECT_ACTIONS])
def test_object_actions_move_as_they_are_called(action):
    actor = drawing.stage(replace(OBJECTS[0], count=2, action=action), 12)[0]
    spread = np.ptp(actor.centres, axis=0)
    growth = actor.radii[-1] / actor.radii[0]
    expected = {
        "stay": spread.max() == 0,
        "bounce": spread[1] > 0.15,
        "slide": actor.centres[-1, 0] - actor.centres[0, 0] > 0.15,
        "approach": growth > 1.5,
    }
    assert expected[action]
    assert (growth == 1.0) == (action != "approach")


@pytest.mark.parametrize("action", [term.key for term in PERSON_ACTIONS])
def test_person_actions_move_as_they_are_called(action):
    scene = replace(PEOPLE[0], count=1, action=action)
    points = drawing.stage(scene, 24)[0].points
    assert points is not None
    up = -points[:, :, 1]
    wrists, head, hips = up[:, [4, 7]], up[:, 0], up[:, [8, 11]].mean(axis=1)
    facts = {
        "walk": 0.05 < np.ptp(points[:, 1, 0]) < 0.22,
        "run": np.ptp(points[:, 1, 0]) > 0.22,
        "jump": np.ptp(up[:, [10, 13]].mean(axis=1)) > 0.1,
        "wave": (wrists.max(axis=1) > up[:, 1]).all() and (wrists.min(axis=1) < hips + 0.1).all(),
        "raise": (wrists[-1] > head[-1]).all() and (wrists[0] < up[0, 1]).all(),
        "bow": np.ptp(head) > 0.15 and np.ptp(hips) < 0.01,
        "sit": hips[0] - hips[-1] > 0.1,
        "stand": np.ptp(points, axis=0).max() < 0.05,
    }
    assert facts[action]


def test_people_keep_their_size_and_their_limbs():
    for scene in PEOPLE[:20]:
        for actor in drawing.stage(scene, 10):
            forearm = np.linalg.norm(actor.points[:, 3] - actor.points[:, 4], axis=-1)
            np.testing.assert_allclose(forearm, 0.16 * actor.radii, rtol=1e-6)


def test_pose_is_openpose_json_with_18_or_25_points_and_the_right_number_of_people():
    layouts = set()
    for scene in PEOPLE:
        item = media.pose(scene)
        options = dict(item.options)
        frames = frames_of(item)
        assert 8 <= len(frames) <= 12
        assert max(len(frame["people"]) for frame in frames) == scene.count
        size = {"COCO_18": 18, "BODY_25": 25}[options["layout"]]
        layouts.add(size)
        for frame in frames:
            for person in frame["people"]:
                points = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)
                assert points.shape == (size, 3)
                missing = points[:, 2] == 0
                assert (points[missing] == 0).all()
                assert missing.mean() < 0.6
    assert layouts == {18, 25}


def test_pose_data_has_missing_points_and_changing_order():
    gaps = changes = 0
    for scene in PEOPLE:
        frames = frames_of(media.pose(scene))
        people = [person["pose_keypoints_2d"] for frame in frames for person in frame["people"]]
        gaps += any(0 in person[2::3] for person in people)
        necks = [frame["people"][0]["pose_keypoints_2d"][3] for frame in frames if frame["people"]]
        changes += scene.count == 2 and np.ptp([n for n in necks if n]) > 100
    assert 0 < gaps < len(PEOPLE)
    assert changes > 0


@pytest.mark.parametrize(
    "make", [media.first_frame, media.identity, media.depth, media.video, media.camera]
)
def test_files_are_byte_for_byte_reproducible(make):
    for scene in SCENES[:5]:
        assert make(scene) == make(scene)


def test_pose_files_are_byte_for_byte_reproducible():
    for scene in PEOPLE[:5]:
        assert media.pose(scene) == media.pose(scene)
