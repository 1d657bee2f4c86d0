"""A pose states how many people there are and what each of them does, and not more."""

import numpy as np
import pytest

from any2caption.conditions.body.movements import PoseMovement
from any2caption.conditions.facts import pose as pose_module
from any2caption.conditions.registry import condition_facts
from any2caption.conditions.types import Condition, DrawnPose, Pose

from ..conftest import EXAMPLES


def move(action, start, end, sure=0.9, **more):
    told = {"person": 1, "part": "body", "direction": None, **more}
    return PoseMovement(action=action, start=start, end=end, confidence=sure, **told)


def people(count=1, frames=40, **keywords):
    points = np.zeros((frames, count, 18, 3), np.float32)
    points[..., 0] = np.linspace(0.2, 0.8, count)[None, :, None]
    points[..., 1] = np.linspace(0.1, 0.9, 18)
    points[..., 2] = 1
    return Condition("pose", Pose(points, "COCO_18", **keywords), "OpenPose JSON")


@pytest.fixture
def actions_of(monkeypatch):
    def actions_of(*moves, count=1, **keywords):
        monkeypatch.setattr(pose_module, "pose_movements", lambda _: list(moves))
        facts = condition_facts(people(count, **keywords))
        return [fact for fact in facts if fact.aspect == "action"]

    return actions_of


@pytest.mark.parametrize(("count", "text"), [(1, "one person"), (3, "three people")])
def test_people_are_counted(count, text):
    fact = condition_facts(people(count))[0]
    assert (fact.aspect, fact.text, fact.certainty) == ("count", text, "exact")
    assert fact.value == {"noun": "person", "number": count}


def test_who_flickers_up_does_not_count_and_the_count_is_measured():
    condition = people(2)
    condition.payload.keypoints[2:, 1] = 0
    fact = condition_facts(condition)[0]
    assert (fact.text, fact.certainty) == ("one person", "measured")


def test_thirty_two_people_are_a_sum_and_few_actions(actions_of):
    moves = [move("walk", 0, 1, person=person) for person in range(1, 33)]
    assert len(actions_of(*moves, count=32)) == 3
    assert condition_facts(people(32))[0].text == "thirty-two people"


def test_an_action_says_who_and_what_without_a_number(actions_of):
    (fact,) = actions_of(move("raise arms", 0.25, 0.75, part="left arm"))
    assert fact.text == "raises the left arm"
    assert fact.value["who"] == "the person"
    assert (fact.value["verb"], fact.value["person"]) == ("raise arms", 1)
    assert fact.source.frames == (10, 29)
    assert (fact.certainty, fact.confidence) == ("measured", 0.9)


def test_below_the_confidence_nothing_is_said(actions_of):
    assert actions_of(move("bend", 0, 1, sure=0.4)) == []


def test_a_long_clip_is_summed_up_in_three_clauses_in_order(actions_of):
    moves = [move("wave", 0.1 * at, 0.1 * at + 0.05, part="right hand") for at in range(8)]
    moves += [move("walk", 0.0, 0.3), move("turn", 0.3, 0.4), move("jump", 0.8, 1.0)]
    moves += [move("bend", 0.5, 0.52), move("clap", 0.6, 0.61)]
    told = [fact.text for fact in actions_of(*moves)]
    assert told == ["walks", "waves with the right hand again and again", "jumps"]


def test_deeds_come_before_what_goes_with_them(actions_of):
    moves = [move("bend", 0, 0.3), move("turn", 0.3, 0.6), move("lower arms", 0.1, 0.4)]
    kicks = [move("kick", at, at + 0.03, part="right leg") for at in (0.2, 0.5, 0.8)]
    told = [fact.text for fact in actions_of(*moves, *kicks)]
    assert "kicks with the right leg again and again" in told
    assert len(told) == 3


def test_a_view_without_depth_tells_no_kneeling(actions_of):
    assert actions_of(move("kneel still", 0, 1)) == []


def test_people_whom_places_do_not_tell_apart_are_one_and_another(actions_of):
    facts = actions_of(move("walk", 0, 1), move("jump", 0, 1, person=2), count=2)
    assert [fact.value["who"] for fact in facts] == ["one person", "another person"]


def test_resting_is_told_where_nothing_else_is(actions_of):
    assert [fact.text for fact in actions_of(move("still", 0, 1, sure=0.7))] == ["keeps still"]


def test_what_two_do_together_is_plural(actions_of):
    both = move(
        "approach",
        0,
        1,
        place="the person on the left",
        other=2,
        other_place="the person on the right",
        mutual=True,
    )
    (fact,) = actions_of(both, count=2)
    assert fact.text == "approach each other"
    assert fact.value["who"] == "the person on the left and the person on the right"
    assert fact.value["plural"] is True


def test_pictures_of_their_own_show_no_action():
    assert {fact.aspect for fact in condition_facts(people(2, frames=3, clip=False))} == {"count"}


def drawing(*middles, frames=6, width=120, height=80):
    """Figures 12 pixels wide; one middle a figure, or a way (first, last)."""
    clip = np.zeros((frames, height, width, 3), np.uint8)
    for frame in range(frames):
        for middle in middles:
            first, last = middle if isinstance(middle, tuple) else (middle, middle)
            at = round((first + (last - first) * frame / (frames - 1)) * width)
            clip[frame, 10:70, at - 6 : at + 6] = (200, 40, 90)
    return Condition("pose", DrawnPose(clip, 8.0), "drawn pose video")


def test_drawn_figures_are_counted_where_they_stand_apart():
    assert [fact.text for fact in condition_facts(drawing(0.5))] == ["one person"]
    two = condition_facts(drawing(0.2, 0.7))
    assert [(fact.text, fact.certainty) for fact in two] == [("two people", "measured")]


def test_drawn_figures_that_meet_are_not_counted():
    assert condition_facts(drawing(0.2, (0.8, 0.25))) == ()


def test_a_drawn_figure_that_crosses_the_picture_moves():
    facts = condition_facts(drawing((0.2, 0.8)))
    assert [fact.text for fact in facts] == ["one person", "moves to the right"]


def test_a_real_pose_states_its_people_and_the_raised_arm(parse):
    facts = condition_facts(parse("pose", EXAMPLES / "pose" / "balancing"))
    assert facts[0].text == "two people"
    told = {(fact.value["who"], fact.text) for fact in facts if fact.aspect == "action"}
    assert ("the person on the right", "raises the right arm") in told
