"""What people do comes out in words: every action of the synthetic bodies, real clips by name."""

import inspect
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.captions import lexicon
from any2caption.conditions.body.curves import swings
from any2caption.conditions.body.movements import ACTIONS, pose_movements
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.pose.layouts import BODY_25, BODY_25B, COCO_17, COCO_18
from any2caption.conditions.pose.person_tracks import track
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part, Pose
from any2caption.datasets.synthetic import body

from ..conftest import DATA, EXAMPLES

NAMES = {
    "stand": "still",
    "walk": "walk",
    "run": "run",
    "jump": "jump",
    "wave": "wave",
    "raise": "raise arms",
    "bow": "bend",
    "sit": "sit down",
}
"""The caption lexicon's terms → our actions."""
FRONT = body.Style(side=False, facing=1, cycles=2.0, phase=0.0, size=1.0, hand=0)
SIDE = body.Style(side=True, facing=1, cycles=2.0, phase=0.0, size=1.0, hand=0)


def keypoints(points, seed=0, missing=0.0, noise=0.0, x=0.4):
    """Points T×18×2 in body heights as T×18×3 on a canvas."""
    rng = np.random.default_rng(seed)
    out = np.empty((*points.shape[:2], 3), np.float32)
    out[..., 0], out[..., 1], out[..., 2] = x + points[..., 0] / 2, 0.9 - points[..., 1] / 2, 0.9
    out[..., :2] += rng.normal(0, noise, out[..., :2].shape)
    out[rng.random(out.shape[:2]) < missing] = 0
    return out


def pose(points, **more):
    return Pose(keypoints(points, **more)[:, None], "COCO_18")


def act(style=SIDE, frames=16, **angles):
    """A body whose angles are given over time (0…1)."""
    made = body._Angles(frames)
    time = np.linspace(0, 1, frames)
    for name, curve in angles.items():
        field, _, limb = name.partition("_")
        target = getattr(made, field)
        if limb:
            target[int(limb)] = curve(time)
        else:
            target += curve(time)
    return body._points(made, style)


def bump(time):
    return np.sin(np.pi * np.clip((time - 0.1) / 0.8, 0, 1)) ** 2


def names_of(found):
    return [one.action for one in found]


def best(found):
    return max(found, key=lambda one: one.confidence)


@pytest.mark.parametrize("action", sorted(body._ACTIONS))
def test_every_action_of_the_synthetic_bodies_is_the_surest(action):
    for seed in range(12):
        rng = Random(seed)  # noqa: S311 - repeatable, not secret
        style = body.random_style(action, rng)
        points = body.move(action, style, rng.choice([8, 9, 10, 12, 16, 24]))
        found = pose_movements(pose(points, seed=seed, missing=0.04, noise=0.002))
        assert best(found).action == NAMES[action], (seed, style, found)


@pytest.mark.parametrize("action", ["walk", "run"])
@pytest.mark.parametrize(("facing", "direction"), [(1, "right"), (-1, "left")])
def test_the_direction_of_walking_is_that_in_the_picture(action, facing, direction):
    rng = Random(3)  # noqa: S311
    style = body.random_style(action, rng)
    style = body.Style(**{**{k: getattr(style, k) for k in style.__slots__}, "facing": facing})
    assert best(pose_movements(pose(body.move(action, style, 12)))).direction == direction


@pytest.mark.parametrize(("hand", "part"), [(0, "right arm"), (1, "left arm")])
def test_the_waving_arm_is_named(hand, part):
    style = body.Style(side=False, facing=1, cycles=2, phase=0.1, size=1.0, hand=hand)
    (one,) = pose_movements(pose(body.move("wave", style, 16)))
    assert (one.action, one.part) == ("wave", part)
    assert one.words() == f"person 1 waves with the {part}"


def test_raised_arms_are_one_movement_with_its_time():
    (one,) = [
        one
        for one in pose_movements(pose(body.move("raise", FRONT, 30)))
        if one.action == "raise arms"
    ]
    assert one.part == "both arms"
    assert one.words() == "person 1 raises both arms"
    assert 0.05 < one.start < 0.4 < one.end < 0.8


@pytest.mark.parametrize(
    ("angles", "style", "action", "part", "direction"),
    [
        ({"crouch": lambda t: 80 * bump(t)}, SIDE, "squat", "body", None),
        ({"crouch": lambda t: 80 * bump(t)}, FRONT, "squat", "body", None),
        ({"crouch": lambda t: 85 * (1 - t)}, SIDE, "stand up", "body", None),
        ({"lean": lambda t: 70 * bump(t)}, SIDE, "bend", "body", "forward"),
        ({"lean": lambda t: -50 * bump(t)}, SIDE, "bend", "body", "backward"),
        ({"lean": lambda t: 50 * bump(t)}, FRONT, "bend", "body", "left"),
        ({"thigh_0": lambda t: 95 * bump(t)}, SIDE, "kick", "right leg", "right"),
        (
            {
                "thigh_1": lambda t: 80 * np.clip(4 * t, 0, 1),
                "knee_1": lambda t: 90 * np.clip(4 * t, 0, 1),
            },
            SIDE,
            "raise leg",
            "left leg",
            None,
        ),
        (
            {"arm_0": lambda t: 30 + 60 * bump(t), "elbow_0": lambda t: 120 - 118 * bump(t)},
            SIDE,
            "punch",
            "right arm",
            "right",
        ),
        ({"arm_1": lambda t: 150 - 140 * t}, FRONT, "lower arms", "left arm", None),
    ],
)
def test_other_movements_by_their_angles(angles, style, action, part, direction):
    found = pose_movements(pose(act(style, **angles)))
    one = best(found)
    assert (one.action, one.part, one.direction) == (action, part, direction), found


def test_a_turn_is_seen_in_the_shoulders():
    points = act(FRONT, 20)
    middle = points[:, 1:2]
    turned = points.copy()
    angle = np.linspace(0, np.pi / 2, 20)[:, None]
    turned[..., 0] = middle[..., 0] + (points - middle)[..., 0] * np.cos(angle)
    turned[:, 0, 0] += 0.05 * np.sin(angle[:, 0])  # the nose comes out to the picture's right
    one = best(pose_movements(pose(turned)))
    assert (one.action, one.direction) == ("turn", "left")


def test_a_jump_in_a_long_clip_is_short_and_hides_no_wave():
    still = body.move("stand", FRONT, 60)
    hop = still[:10] + np.array([0, 0.2])[None, None] * bump(np.linspace(0, 1, 10))[:, None, None]
    waves = body.move("wave", FRONT, 60)
    points = np.concatenate([hop, still, waves, still, hop])
    found = pose_movements(pose(points))
    jumps = [one for one in found if one.action == "jump"]
    assert len(jumps) == 2
    assert max(one.end - one.start for one in jumps) < 0.08
    assert "wave" in names_of(found)


def test_arms_that_come_down_from_a_t_pose_are_lowered():
    arms = {f"arm_{side}": lambda t: 90 - 82 * np.clip(3 * t - 0.5, 0, 1) for side in (0, 1)}
    (one,) = [one for one in pose_movements(pose(act(FRONT, 30, **arms))) if one.action != "still"]
    assert (one.action, one.part) == ("lower arms", "both arms")


def test_a_trunk_that_looks_short_bends_but_nobody_knows_which_way():
    points = act(FRONT, 24)
    hips = (points[:, 8:9] + points[:, 11:12]) / 2
    shorter = 1 - 0.4 * bump(np.linspace(0, 1, 24))[:, None]
    upper = [at for at in range(18) if at not in {8, 9, 10, 11, 12, 13}]
    points[:, upper, 1] = hips[..., 1] + (points[:, upper, 1] - hips[..., 1]) * shorter
    one = best(pose_movements(pose(points)))
    assert (one.action, one.direction) == ("bend", None)
    assert one.words() == "person 1 bends"


def test_toes_and_nose_that_disagree_tell_no_direction():
    from any2caption.conditions.body.curves import bodies_of
    from any2caption.conditions.body.rules import facing

    points = keypoints(act(SIDE, 12))
    layout = BODY_25.points
    columns = np.zeros((12, len(layout), 3), np.float32)
    for at, name in enumerate(COCO_18.points):
        columns[:, layout.index(name)] = points[:, at]
    hips = columns[:, [layout.index("l_hip"), layout.index("r_hip")]]
    columns[:, layout.index("mid_hip")] = hips.mean(axis=1)
    for toes, told in ((0.05, 1), (-0.05, 0)):
        for side in "lr":
            toe = columns[:, layout.index(f"{side}_ankle")].copy()
            toe[:, 0] += toes
            columns[:, layout.index(f"{side}_big_toe")] = toe
        (seen,) = bodies_of(Pose(columns[:, None], "BODY_25"))
        assert facing(seen, 5) == told


def test_feet_that_take_turns_in_the_air_run_towards_us_and_do_not_jump():
    points = act(FRONT, 48)
    time = np.linspace(0, 1, 48)
    step = np.sin(2 * np.pi * 4 * time)
    hips = 0.05 * np.abs(step)
    points[..., 1] += hips[:, None]
    for ankle, knee, sign in ((10, 9, 1), (13, 12, -1)):
        lift = 0.2 * np.clip(sign * step, 0, 1)
        points[:, ankle, 1] += lift
        points[:, knee, 1] += lift / 2
    assert "jump" not in names_of(pose_movements(pose(points)))
    assert best(pose_movements(pose(points))).action == "run"


@pytest.mark.parametrize(
    ("height", "knees", "action"),
    [
        (0.27, 0.25, "sit down"),
        (0.27, 0.04, "kneel"),
        (0.08, 0.1, "lie down"),
    ],
)
def test_how_somebody_rests_is_told_by_hips_and_knees(height, knees, action):
    points = act(SIDE, 24)
    down = np.clip(np.linspace(-0.3, 1.3, 24), 0, 1)
    sunk = (points[0, 8, 1] - height) * down
    legs = {9, 10, 12, 13}
    for at in range(18):
        if at not in legs:
            points[:, at, 1] -= sunk
    for knee in (9, 12):
        points[:, knee, 1] += (knees - points[0, knee, 1]) * down
    if action == "lie down":
        points[:, [0, 1, 2, 5, 14, 15, 16, 17], 1] -= (0.32 * down)[:, None]
        points[:, [0, 1, 2, 5, 14, 15, 16, 17], 0] += (0.32 * down)[:, None]
    assert action in names_of(pose_movements(pose(points)))


def jacks(view="front"):
    parts = read_parts(DATA / "pose" / "jumping_jacks.bvh")
    return parse_condition("pose", parts, options={"view": view})


def test_real_motion_capture_does_what_its_name_says():
    for view in ("front", "back", "left", "right"):
        one = best(pose_movements(jacks(view).payload))
        assert one.action == "jumping jacks"
        assert one.confidence > 0.7


def test_flattened_motion_capture_says_what_its_view_shows():
    def flat(view):
        return best(pose_movements(replace(jacks(view).payload, depth=None))).action

    assert flat("front") == flat("back") == "jumping jacks"
    assert flat("left") == "jump"


def test_the_real_balancing_person_raises_an_arm():
    parts = read_parts(EXAMPLES / "pose" / "balancing")
    found = pose_movements(
        parse_condition("pose", parts, options={"width": 1080, "height": 1920}).payload
    )
    first = names_of(one for one in found if one.person == 1)
    assert "jump" not in first
    assert "run" not in first
    assert {one.action for one in found if one.person == 2} <= {"still"}


def people(count, frames=24):
    """Bodies side by side that do different things, T×P×18×3, and their actions."""
    actions = ["jump", "walk", "wave", "stand"][:count]
    styles = [body.random_style(action, Random(5)) for action in actions]  # noqa: S311
    tracks = [
        keypoints(body.move(action, style, frames), x=0.5 + 1.2 * at)
        for at, (action, style) in enumerate(zip(actions, styles, strict=True))
    ]
    return np.stack(tracks, axis=1), actions


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 4), st.randoms(use_true_random=False), st.data())
def test_people_keep_their_actions_through_shuffles_and_absences(count, random, data):
    truth, actions = people(count)
    frames = []
    for points in truth:
        order = list(range(count))
        random.shuffle(order)
        frames.append([points[who].astype(np.float64) for who in order])
    if count > 1:
        absent = data.draw(st.integers(6, 16))
        frames[absent] = frames[absent][1:]
    tracked, dropped = track(frames, 32)
    assert dropped == 0
    assert tracked.shape[1] == count
    # A canvas of its own for each frame is not needed: the points are fractions already.
    found = pose_movements(Pose(tracked.astype(np.float32), "COCO_18"))
    seen = {best([one for one in found if one.person == who + 1]).action for who in range(count)}
    assert seen == {NAMES[action] for action in actions}
    for who in range(count):  # nobody's track jumps to somebody else
        xs = tracked[:, who, 1, 0]
        assert np.ptp(xs[tracked[:, who, 1, 2] > 0]) < 0.6


@pytest.mark.parametrize("layout", [COCO_17, BODY_25, BODY_25B], ids=lambda one: one.name)
def test_other_layouts_say_the_same(layout):
    points = keypoints(body.move("jump", FRONT, 20))
    middle = (points[:, 8:9] + points[:, 11:12]) / 2
    columns = []
    for name in layout.points:
        if name in COCO_18.points:
            columns.append(points[:, COCO_18.points.index(name)])
        else:
            columns.append(middle[:, 0] if name == "mid_hip" else np.zeros((20, 3), np.float32))
    found = pose_movements(Pose(np.stack(columns, 1)[:, None], layout.name))
    assert best(found).action == "jump"


def test_thin_evidence_is_less_sure():
    points = body.move("walk", SIDE, 16)
    sure = best(pose_movements(pose(points))).confidence
    faint = keypoints(points)
    faint[..., 2] = 0.1
    unsure = best(pose_movements(Pose(faint[:, None], "COCO_18"))).confidence
    assert unsure < 0.6 * sure


def test_an_upper_body_alone_waves_but_never_walks():
    points = keypoints(body.move("wave", FRONT, 16))
    points[:, 8:14] = 0
    assert best(pose_movements(Pose(points[:, None], "COCO_18"))).action == "wave"
    legs = keypoints(body.move("walk", SIDE, 16))
    legs[:, 8:14] = 0
    assert "walk" not in names_of(pose_movements(Pose(legs[:, None], "COCO_18")))


def test_the_shape_of_the_canvas_counts():
    points = keypoints(body.move("raise", FRONT, 20))
    points[..., 0] /= 2  # a canvas twice as wide as high
    wide = Pose(points[:, None], "COCO_18", None, 2.0)
    assert best(pose_movements(wide)).action == "raise arms"


def test_single_pictures_and_absent_people_have_no_movement():
    single = pose(body.move("walk", SIDE, 16)[:1])
    assert pose_movements(single) == []
    nobody = Pose(np.zeros((9, 2, 18, 3), np.float32), "COCO_18")
    assert pose_movements(nobody) == []


def test_the_json_form_is_published():
    found = [one.as_json() for one in pose_movements(pose(body.move("walk", SIDE, 16)))]
    assert set(found[0]) == {
        *("person", "action", "part", "direction", "start", "end", "confidence"),
    }
    for one in found:
        assert one["action"] in ACTIONS
        assert 0 <= one["start"] <= one["end"] <= 1
        assert 0 <= one["confidence"] <= 1
    facts = describe(jacks())
    assert facts["words"] == ["person 1 does jumping jacks"]
    assert facts["movements"][0]["action"] == "jumping jacks"


def test_words_overlap_with_the_captions_lexicon():
    keys = {term.key for term in lexicon.PERSON_ACTIONS}
    assert set(NAMES) == keys
    assert set(NAMES.values()) <= set(ACTIONS)


def test_swings_forgive_small_counter_moves():
    values = np.array([0.0, 1.0, 0.9, 2.0, 1.0, 0.0])
    assert [(one.start, one.end) for one in swings(values, 0.5)] == [(0, 3), (3, 5)]
    assert swings(np.zeros(5), 0.5) == []


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 3),
    st.sampled_from(["COCO_18", "COCO_17", "BODY_25", "BODY_25B", "MPI_15"]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e-9, 0.3, 1.0, 50.0]),
    st.booleans(),
)
def test_any_points_give_sane_movements(frames, count, layout, seed, scale, solid):  # noqa: PLR0913, PLR0917
    from any2caption.conditions.pose.layouts import LAYOUTS

    rng = np.random.default_rng(seed)
    points = rng.random((frames, count, len(LAYOUTS[layout].points), 3)).astype(np.float32)
    points[..., :2] *= scale
    points[rng.random(points.shape[:3]) < (0.1 if solid else 0.4)] = 0
    depth = scale * rng.random(points.shape[:3]).astype(np.float32) if solid else None
    for one in pose_movements(Pose(points, layout, depth=depth)):
        assert 1 <= one.person <= count
        assert 0 <= one.start <= one.end <= 1
        assert 0 < one.confidence < 1
        assert one.words()


def test_the_module_needs_no_heavy_library():
    import any2caption.conditions.body.movements as module

    source = inspect.getsource(module)
    assert "scipy" not in source
    assert "torch" not in source


def test_a_json_sequence_of_people_is_told_by_the_parser():
    truth, actions = people(2)
    frames = [
        {"people": [{"pose_keypoints_2d": one.ravel().tolist()} for one in frame[:: (-1) ** at]]}
        for at, frame in enumerate(truth * np.array([300, 300, 1], np.float32))
    ]
    import json

    part = Part("p.json", json.dumps(frames).encode())
    condition = parse_condition("pose", [part], options={"width": 600, "height": 300})
    found = pose_movements(condition.payload)
    told = {best([one for one in found if one.person == who]).action for who in (1, 2)}
    assert told == {NAMES[action] for action in actions}


def test_a_very_long_clip_is_looked_at_in_fewer_frames():
    from any2caption.conditions.body.movements import MAX_FRAMES

    points = np.repeat(body.move("raise", FRONT, 50), 60, axis=0)
    assert len(points) > MAX_FRAMES
    one = best(pose_movements(pose(points)))
    assert one.action == "raise arms"
    assert one.end < 0.8
