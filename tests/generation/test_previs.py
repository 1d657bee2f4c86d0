"""Previs films with a real perspective camera along the described movement, deterministically."""

import numpy as np
import pytest

from any2caption.captions import lexicon
from any2caption.captions.schema import StructuredCaption
from any2caption.errors import InputError
from any2caption.generation.previs import backdrops, raster
from any2caption.generation.previs.camera_path import film
from any2caption.generation.previs.generator import Previs, first_camera, render
from any2caption.generation.previs.meshes import box
from any2caption.generation.previs.scene import read_stage


def caption(camera="holds still", main="one red ball", action="staying in place", **parts):
    given = {
        "dense": "A clip.",
        "main_object": main,
        "background": "plain studio",
        "camera": f"the camera {camera}",
        "style": "realistic",
        "action": action,
    }
    return StructuredCaption(**{**given, **parts})


def small(said, **options):
    return render(said, **{"seconds": 1.0, "fps": 8.0, "size": 96, **options})


# Sign of what must change most between the first and the last frame: centre (x, y, z) in metres,
# turn about (x, y, z) in degrees / 20, log of the focal length.
DIRECTIONS = {
    "pan_left": ("turn", 1, -1),
    "pan_right": ("turn", 1, 1),
    "tilt_up": ("turn", 0, 1),
    "tilt_down": ("turn", 0, -1),
    "roll_clockwise": ("turn", 2, 1),
    "roll_anticlockwise": ("turn", 2, -1),
    "dolly_in": ("move", 2, 1),
    "dolly_out": ("move", 2, -1),
    "truck_left": ("move", 0, -1),
    "truck_right": ("move", 0, 1),
    "pedestal_up": ("move", 1, -1),
    "pedestal_down": ("move", 1, 1),
    "orbit_left": ("move", 0, -1),
    "orbit_right": ("move", 0, 1),
}


@pytest.mark.parametrize("term", lexicon.CAMERAS, ids=lambda term: term.key)
def test_filmed_path_is_the_described_movement(term):
    from scipy.spatial.transform import Rotation

    clip = small(caption(term.phrase), size=48)
    assert clip.w2c.shape == (8, 3, 4)
    assert np.allclose(clip.w2c[0], np.eye(4)[:3], atol=1e-12)
    rotation, shift = clip.w2c[-1][:, :3], clip.w2c[-1][:, 3]
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    centre = -rotation.T @ shift
    turn = np.degrees(Rotation.from_matrix(rotation.T).as_rotvec()) / 20
    focal = np.log(clip.intrinsics[-1, 0] / clip.intrinsics[0, 0])
    if term.key in {"zoom_in", "zoom_out"}:
        assert np.allclose(centre, 0)
        assert np.allclose(turn, 0)
        assert np.sign(focal) == (1 if term.key == "zoom_in" else -1)
        return
    assert focal == pytest.approx(0.0)
    if term.key == "static":
        assert np.allclose(clip.w2c, np.eye(4)[:3])
        return
    what, axis, sign = DIRECTIONS[term.key]
    value = (turn if what == "turn" else centre)[axis]
    assert np.sign(value) == sign
    assert abs(value) > 0.3
    if term.key.startswith("orbit"):
        assert turn[1] * centre[0] < 0, "an orbit turns against its move"


def test_orbit_keeps_the_subject_in_the_middle_at_its_distance():
    path = film((("orbit_left",),), 24)
    subject = np.array([0.0, 0.0, 4.0, 1.0])
    seen = path.c2w[:, :, :3].transpose(0, 2, 1) @ (subject[:3] - path.c2w[:, :, 3])[..., None]
    seen = seen[..., 0]
    assert np.abs(seen[:, 0] / seen[:, 2]).max() < 0.02
    assert np.ptp(np.linalg.norm(seen, axis=1)) < 0.05


def test_combined_movements_add_up_and_successive_ones_follow():
    both = film((("truck_left", "pan_left"),), 9)
    assert both.c2w[-1, 0, 3] < both.c2w[0, 0, 3]
    assert both.c2w[-1, 0, 2] < both.c2w[0, 0, 2], "the optical axis swings left"
    one_by_one = film((("dolly_in",), ("pan_right",)), 9)
    assert np.allclose(one_by_one.c2w[4, :, :3], np.eye(3))
    assert np.allclose(one_by_one.c2w[4, :, 3], one_by_one.c2w[-1, :, 3])


def test_same_caption_and_seed_give_the_same_clip():
    said = caption("dollies in", background="grassy meadow", style="grainy documentary")
    first, second = small(said), small(said)
    assert np.array_equal(first.frames, second.frames)
    assert not np.array_equal(first.frames, small(said, seed=1).frames)
    assert first.frames.dtype == np.uint8
    assert first.frames.shape == (8, 96, 96, 3)


def pixels(frame, colour):
    """Pixels whose hue is the colour's: red, green or blue dominates clearly."""
    channel = {"red": 0, "green": 1, "blue": 2}[colour]
    others = np.delete(frame.astype(int), channel, axis=2).max(axis=2)
    return np.argwhere(frame[..., channel].astype(int) > others + 40)


def test_colour_and_count_are_visible():
    one = small(caption(main="one red ball")).frames[0]
    three = small(caption(main="three red balls")).frames[0]
    assert len(pixels(one, "red")) > 100
    assert len(pixels(three, "red")) > 2 * len(pixels(one, "red"))
    assert len(pixels(small(caption(main="one blue ball")).frames[0], "blue")) > 100


def test_subject_moves_in_the_picture_as_the_camera_implies():
    def centres(movement):
        frames = small(caption(movement)).frames
        return [pixels(frame, "red").mean(axis=0) for frame in (frames[0], frames[-1])]

    first, last = centres("pans left")
    assert last[1] > first[1] + 10, "the camera turns left, the subject goes right"
    first, last = centres("pedestals up")
    assert last[0] > first[0] + 10, "the camera rises, the subject sinks"
    near = small(caption("dollies in")).frames
    assert len(pixels(near[-1], "red")) > 1.5 * len(pixels(near[0], "red"))
    zoomed = small(caption("zooms in")).frames
    assert len(pixels(zoomed[-1], "red")) > 1.5 * len(pixels(zoomed[0], "red"))


@pytest.mark.parametrize(
    ("main", "action"),
    [("one person in a red shirt", t.phrase) for t in lexicon.PERSON_ACTIONS if t.key != "stand"]
    + [("one red box", t.phrase) for t in lexicon.OBJECT_ACTIONS if t.key != "stay"],
)
def test_every_action_moves_the_subject(main, action):
    frames = small(caption(main=main, action=action)).frames.astype(int)
    assert np.abs(frames[4] - frames[0]).max() > 60
    still = small(caption(main="one red box")).frames.astype(int)
    assert np.abs(still[4] - still[0]).max() == 0


@pytest.mark.parametrize("place", sorted(backdrops.PLACES))
@pytest.mark.parametrize("light", ["day", "night"])
def test_every_place_renders_from_inside_its_scenery(place, light):
    said = caption("orbits right", background=f"{place} at {light}")
    stage, _ = read_stage(said)
    clip = small(said, size=64)
    assert stage.place == place
    assert clip.frames.std() > 5
    if light == "night":
        assert clip.frames.mean() < small(caption("orbits right", background=place)).frames.mean()


def test_polygons_behind_the_camera_are_cut_not_mirrored():
    wall = box((0.2, 2.0, 20.0), (200, 0, 0))
    pose = np.concatenate([np.eye(3), [[1.0], [0.0], [0.0]]], axis=1)
    faces = raster.polygons([wall], raster.View(pose, 1.0, (1, 1, 1), np.zeros(3)))
    assert faces
    assert all((face.points[:, 0] < 0.5).all() for face in faces), "the wall is on the left"
    assert len(raster.clip_near(np.array([[0, 0, -1.0], [1, 0, -1], [1, 1, -1]]))) == 0


def test_shot_size_and_angle_set_the_first_camera():
    def start(camera):
        return first_camera(read_stage(caption(camera))[0])

    assert start("holds still, a close-up")[2, 3] > start("holds still")[2, 3]
    assert start("holds still, a wide shot")[2, 3] < start("holds still")[2, 3]
    high = start("holds still, high angle")
    assert high[1, 3] < 0
    assert (high[:, :3] @ [0, 0, 1])[1] > 0, "it looks down (y down)"


@pytest.mark.parametrize(("seconds", "size"), [(0.0, 64), (60.0, 64), (1.0, 8), (1.0, 4096)])
def test_impossible_lengths_and_sizes_are_refused(seconds, size):
    with pytest.raises(InputError, match="are possible"):
        Previs().render(caption(), seconds=seconds, fps=8.0, size=size)
