"""What bodies with depth do comes out in words, the same from every side."""

from dataclasses import replace

import numpy as np
import pytest

from any2caption.conditions.body.movements import pose_movements

from .bodies import HANG, Person, between, ease, going, pose_of, times

RESTS = {"still", "sit", "kneel still", "lie"}
VIEWS = (0, 40, 90, 180, 270)
RIGHT = {"r": "right arm", "l": "left arm"}


def said(person, yaw=0, least=0.3):
    return [one for one in pose_movements(pose_of(person, yaw=yaw)) if one.confidence >= least]


def told(person, yaw=0):
    """(action, part) of everything that is said, but for the rest between movements."""
    return {(one.action, one.part) for one in said(person, yaw) if one.action not in RESTS}


def actions(person, yaw=0):
    return {action for action, _ in told(person, yaw)}


def one(person, action, yaw=0):
    (found,) = [item for item in said(person, yaw) if item.action == action]
    return found


def bowing(degrees=35):
    time = times(3)
    lean = degrees * (ease(time, 0.5, 1.2) - ease(time, 1.8, 2.5))
    return Person(time, lean=lean)


@pytest.mark.parametrize("yaw", VIEWS)
def test_a_bow_is_seen_from_every_side(yaw):
    found = one(bowing(), "bend", yaw)
    assert found.direction == "forward"
    assert 0.1 < found.start < 0.3
    assert 0.7 < found.end < 0.9
    assert found.words() == "person 1 bends forward"


def test_a_nod_of_the_trunk_is_no_bow():
    assert "bend" not in actions(bowing(10))


@pytest.mark.parametrize("yaw", VIEWS)
@pytest.mark.parametrize("pace", [0.35, 0.75])
def test_walkers_walk_and_their_swinging_arms_do_not_wave(pace, yaw):
    assert actions(going(4, pace), yaw) == {"walk"}


@pytest.mark.parametrize("yaw", VIEWS)
def test_runners_run_by_flight_and_pace(yaw):
    runner = going(3, 1.7, cadence=2.7, rest=0.35, bob=0.03, lift=0.18)
    assert actions(runner, yaw) == {"run"}


def test_a_slow_runner_flies_and_a_fast_walker_does_not():
    jogger = going(3, 1.05, cadence=2.6, rest=0.38, bob=0.03, lift=0.15)
    strider = going(3, 1.05, cadence=2.2, rest=0.58, bob=0.02)
    assert actions(jogger) == {"run"}
    assert actions(strider) == {"walk"}


def test_the_way_is_the_picture_s_and_backwards_the_person_s_own():
    walker = going(3, 0.7)
    ways = [one(walker, "walk", yaw).direction for yaw in (0, 90, 180, 270)]
    assert ways == ["toward", "right", "away", "left"]
    assert one(walker, "walk").words() == "person 1 walks toward the viewer"
    back = going(3, 0.7, ahead=-1.0)
    assert {one(back, "walk", yaw).direction for yaw in VIEWS} == {"backward"}


@pytest.mark.parametrize(("degrees", "direction"), [(95, "left"), (-95, "right")])
def test_a_turn_is_the_person_s_own(degrees, direction):
    time = times(3)
    person = Person(time, heading=degrees * ease(time, 0.8, 1.8))
    for yaw in VIEWS:
        assert one(person, "turn", yaw).direction == direction


def waving(side="r", width=0.1, seconds=4.0, height=0.2, rate=1.5):
    time = times(seconds)
    up = (0.08, 0.1, height)
    hand = between(time, (0.2, HANG), (0.7, up), (seconds - 0.8, up), (seconds - 0.3, HANG))
    on = ease(time, 0.7, 0.9) - ease(time, seconds - 1.0, seconds - 0.8)
    hand[:, 1] += width / 2 * on * np.sin(2 * np.pi * rate * time)
    return Person(time, hands={side: hand})


@pytest.mark.parametrize("yaw", VIEWS)
@pytest.mark.parametrize("side", ["l", "r"])
def test_the_arm_that_waves_is_named_from_every_side(side, yaw):
    found = told(waving(side), yaw)
    assert found == {(action, RIGHT[side]) for action in ("raise arms", "wave", "lower arms")}


def test_both_waving_arms_are_one_wave():
    left, right = waving("l"), waving("r")
    both = Person(left.time, hands=left.hands | right.hands)
    assert told(both) == {(name, "both arms") for name in ("raise arms", "wave", "lower arms")}


def test_a_small_wave_before_the_chest_is_one():
    assert ("wave", "right arm") in told(waving(width=0.03, height=-0.02))


def test_a_hand_that_is_held_up_does_not_wave():
    still = waving(width=0.0)
    assert "wave" not in actions(still)
    assert {"raise arms", "lower arms"} <= actions(still)


def test_who_walks_may_wave_high_and_wide():
    walker = going(4, 0.7)
    walker.hands["r"] = waving(width=0.2, height=0.15).hands["r"]
    assert {"walk", "wave"} <= actions(walker)


def test_a_raised_arm_is_told_as_long_as_it_moves():
    time = times(5)
    slow = HANG + np.outer(time, (0.0, 0.0, 0.002))
    hand = slow + between(time, (2.0, (0, 0, 0)), (2.5, (0.05, 0.03, 0.55)))
    found = one(Person(time, hands={"l": hand}), "raise arms")
    assert found.part == "left arm"
    assert 0.38 < found.start < 0.44
    assert 0.46 < found.end < 0.53


def test_arms_that_come_down_from_a_t_pose_are_a_movement():
    time = times(2)
    arm = between(time, (0.4, (0.0, 0.31, 0.0)), (1.0, HANG))
    assert told(Person(time, hands={"l": arm, "r": arm.copy()})) == {("lower arms", "both arms")}


@pytest.mark.parametrize(
    ("place", "action"), [((0.3, 0.02, -0.02), "point"), ((0.2, 0.02, -0.1), "gesture")]
)
def test_a_straight_arm_points_and_a_bent_one_gestures(place, action):
    time = times(3)
    hand = between(time, (0.4, HANG), (1.0, place), (2.0, place), (2.6, HANG))
    person = Person(time, hands={"r": hand})
    for yaw in VIEWS:
        assert (action, "right arm") in told(person, yaw)


@pytest.mark.parametrize("yaw", VIEWS)
def test_a_fist_that_shoots_out_and_back_punches(yaw):
    time = times(2)
    guard, out = (0.1, 0.02, -0.02), (0.3, -0.03, 0.0)
    hand = between(time, (0.8, guard), (1.0, out), (1.05, out), (1.35, guard))
    rest = np.tile(guard, (len(time), 1)).astype(float)
    assert told(Person(time, hands={"r": hand, "l": rest}), yaw) == {("punch", "right arm")}


def test_an_arm_that_sweeps_across_swings():
    time = times(2.4)
    hand = between(time, (0.2, HANG), (0.7, (0.05, 0.28, 0.1)))
    sweep = ease(time, 1.0, 1.3)
    angle = np.radians(80 - 120 * sweep)
    arc = np.stack([0.28 * np.cos(angle), 0.28 * np.sin(angle), 0.1 - 0.2 * sweep], 1)
    hand[time >= 1.0] = arc[time >= 1.0]
    assert ("swing", "right arm") in told(Person(time, hands={"r": hand}))


def test_a_hand_from_behind_the_head_throws():
    time = times(2.4)
    hand = between(
        time, (0.2, HANG), (0.8, (-0.12, 0.12, 0.12)), (1.0, (-0.12, 0.12, 0.12)),
        (1.25, (0.28, 0.0, 0.05)), (1.5, (0.15, -0.02, -0.25)),
    )  # fmt: skip
    assert ("throw", "right arm") in told(Person(time, hands={"r": hand}))


def test_hands_that_meet_again_and_again_clap():
    time = times(3)
    gap = 0.1 + 0.09 * np.sin(2 * np.pi * 2 * time)
    hand = np.stack([np.full_like(time, 0.2), gap - 0.1 - 0.03, np.full_like(time, -0.12)], 1)
    person = Person(time, hands={"l": hand, "r": hand.copy()})
    assert ("clap", "both hands") in told(person)
    assert "clap" not in actions(waving())


@pytest.mark.parametrize("yaw", VIEWS)
def test_a_foot_that_shoots_up_and_out_kicks(yaw):
    time = times(2)
    foot = between(
        time, (0.6, (0.0, -0.06, 0.04)), (0.9, (0.44, -0.06, 0.45)), (0.95, (0.44, -0.06, 0.45)),
        (1.3, (0.0, -0.06, 0.04)),
    )  # fmt: skip
    assert told(Person(time, feet={"r": foot}), yaw) == {("kick", "right leg")}


def test_a_leg_that_is_held_up_is_raised():
    time = times(3)
    up = (0.2, 0.06, 0.3)
    foot = between(time, (0.4, (0.0, 0.06, 0.04)), (1.2, up), (2.2, up), (2.9, (0, 0.06, 0.04)))
    assert told(Person(time, feet={"l": foot})) == {("raise leg", "left leg")}


def hopping(*moments, seconds=8.0):
    time = times(seconds)
    height = np.zeros_like(time)
    for at in moments:
        height += 0.12 * np.clip(1 - ((time - at) / 0.2) ** 2, 0, None)
    hips = np.tile([0.0, 0.0, 0.5], (len(time), 1))
    hips[:, 2] += height
    feet = {}
    for side, sign in (("l", 1), ("r", -1)):
        feet[side] = np.stack([0 * time, 0 * time + sign * 0.06, 0.04 + height], 1)
    return Person(time, hips=hips, feet=feet)


def test_a_jump_is_as_long_as_it_is_and_hides_no_wave():
    found = one(hopping(4.0), "jump")
    assert found.end - found.start < 0.1
    two = hopping(1.0, 7.0)
    jumps = [item for item in said(two) if item.action == "jump"]
    assert len(jumps) == 2
    two.hands["r"] = waving(seconds=8.0).hands["r"]
    assert ("wave", "right arm") in told(two)


def lowered(height, feet=0.0, lean=0.0):
    time = times(3)
    hips = np.tile([0.0, 0.0, 0.5], (len(time), 1))
    down = ease(time, 0.5, 1.6)
    hips[:, 2] -= (0.5 - height) * down
    person = Person(time, hips=hips, lean=lean * down)
    for side, sign in (("l", 1), ("r", -1)):
        foot = np.tile([0.0, sign * 0.06, 0.04], (len(time), 1))
        foot[:, 0] += feet * down
        person.feet[side] = foot
    return person


def test_sitting_kneeling_and_lying_are_told_apart():
    assert actions(lowered(0.27, feet=0.24)) == {"sit down"}
    kneeling = lowered(0.27, feet=-0.22)
    assert actions(kneeling) == {"kneel"}
    assert one(kneeling, "kneel").words() == "person 1 kneels down"
    assert "lie down" in actions(lowered(0.08, feet=0.4, lean=-88))


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(
    ("height", "feet", "lean", "word"),
    [
        (0.27, 0.24, 0, "person 1 sits"),
        (0.27, -0.22, 0, "person 1 kneels"),
        (0.08, 0.4, -88, "person 1 lies"),
        (0.5, 0.0, 0, "person 1 keeps still"),
    ],
)
def test_who_rests_all_the_time_is_told_by_posture(height, feet, lean, word, flat):
    person = lowered(height, feet, lean)
    person.hips[:], person.lean = person.hips[-1], np.full(len(person.time), float(lean))
    person.feet = {side: np.tile(foot[-1], (len(foot), 1)) for side, foot in person.feet.items()}
    (found,) = pose_movements(pose_of(person, yaw=90, flat=flat))
    assert found.words() == word


def test_hands_and_feet_that_keep_moving_dance_and_walking_does_not():
    time = times(9)
    person = Person(time)
    turn = 2 * np.pi * time
    person.hips = np.stack([0.06 * np.sin(turn), 0.1 * np.sin(turn / 2), 0.47 + 0 * time], 1)
    for side, sign in (("l", 1), ("r", -1)):
        foot = person.hips * (1, 1, 0) + (0, sign * 0.07, 0.04)
        foot[:, 1] += 0.1 * np.sin(turn / 2 + sign)
        foot[:, 2] += 0.06 * np.clip(np.sin(turn + sign * np.pi / 2), 0, None)
        person.feet[side] = foot
        wide = 0.15 * np.sin(turn * 0.8 + sign)
        person.hands[side] = np.stack(
            [0.1 + 0.1 * np.cos(turn * 0.6), 0.12 + wide, 0.2 * np.sin(turn * 0.7)], 1
        )
    assert "dance" in actions(person)
    assert "dance" not in actions(going(9, 0.7))


def test_jumping_jacks_are_nothing_else():
    time = times(4)
    open_ = 0.5 - 0.5 * np.cos(2 * np.pi * 0.8 * time)
    person = Person(time)
    person.hips = np.tile([0.0, 0.0, 0.47], (len(time), 1))
    angle = np.radians(10 + 150 * open_)
    hand = np.stack([0 * time, 0.3 * np.sin(angle), -0.3 * np.cos(angle)], 1)
    for side, sign in (("l", 1), ("r", -1)):
        person.hands[side] = hand.copy()
        person.feet[side] = np.stack([0 * time, sign * (0.05 + 0.12 * open_), 0.04 + 0 * time], 1)
    for yaw in VIEWS:
        assert actions(person, yaw) == {"jumping jacks"}


def test_a_person_with_missing_limbs_is_read_as_the_picture_shows():
    pose = pose_of(waving())
    pose.keypoints[:, :, 9:15] = 0  # no legs: nothing of them is said, and nothing fails
    found = {one.action for one in pose_movements(pose)}
    assert "wave" in found
    assert not found & {"walk", "run", "kick", "jump"}


@pytest.mark.parametrize("rate", [1.0, 5.0, 240.0])
def test_any_frame_rate_is_read_without_a_warning(rate, recwarn):
    for person in (waving(), going(4, 0.7), hopping(4.0)):
        for one in pose_movements(replace(pose_of(person), fps=rate)):
            assert 0 <= one.start <= one.end <= 1
    assert not list(recwarn)


def test_thinned_clips_keep_their_pace():
    walker = going(80, 0.7)
    pose = pose_of(walker)
    assert len(pose.keypoints) > 2_000
    assert {one.action for one in pose_movements(pose)} == {"walk"}
