"""Several people are told by place, and so is what two of them do together."""

import numpy as np
import pytest

from any2caption.conditions.body.movements import pose_movements

from .bodies import HANG, Person, between, going, pose_of, times


def standing(seconds=4.0, heading=0.0):
    time = times(seconds)
    return Person(time, heading=np.full(len(time), heading))


def words(*people, places, least=0.3, **more):
    found = pose_movements(pose_of(*people, places=places, **more))
    return [one.words() for one in found if one.confidence >= least and one.action != "still"]


def walker(heading, seconds=4.0, pace=0.5):
    """Somebody who walks into a direction (degrees to the left of where the viewer is)."""
    person = going(seconds, pace)
    turn = np.radians(heading)
    around = np.array(
        [[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    person.hips = person.hips @ around
    person.feet = {side: foot @ around for side, foot in person.feet.items()}
    person.heading = np.full(len(person.time), heading)
    return person


def test_people_are_told_by_place():
    left, right = Person(times(3), lean=35 * np.sin(np.pi * times(3) / 3)), standing(3)
    said = words(left, right, places=[(0, -1, 0), (0, 1, 0)])
    assert "the person on the left bends forward" in said
    said = words(right, standing(3), left, places=[(0, -1, 0), (0, 0, 0), (0, 1, 0)])
    assert said[0] == "the person on the right bends forward"
    said = words(standing(3), left, right, places=[(0, -1, 0), (0, 0, 0), (0, 1, 0)])
    assert said[0] == "the person in the middle bends forward"
    four = [standing(3), left, standing(3), standing(3)]
    said = words(*four, places=[(0, 0.9 * at, 0) for at in range(4)])
    assert said[0] == "the second person from the left bends forward"


def test_who_stands_behind_another_keeps_a_number():
    bow = Person(times(3), lean=35 * np.sin(np.pi * times(3) / 3))
    said = words(bow, standing(3), places=[(0, 0, 0), (-1, 0.02, 0)])
    assert said[0] == "person 1 bends forward"


def test_who_changes_sides_is_told_by_the_first_place():
    said = words(walker(90, pace=0.7), standing(), places=[(0, -1.2, 0), (0.8, 0, 0)])
    assert said[0] == "the person on the left at first walks right"


@pytest.mark.parametrize("flat", [False, True])
def test_two_who_come_together_approach_each_other(flat):
    said = words(walker(90), walker(-90), places=[(0, -2.5, 0), (0, 2.5, 0)], flat=flat)
    assert "the person on the left and the person on the right approach each other" in said


@pytest.mark.parametrize("flat", [False, True])
def test_one_who_comes_to_another_approaches(flat):
    said = words(walker(90), standing(), places=[(0, -2.5, 0), (0, 0.5, 0)], flat=flat)
    assert "the person on the left approaches the person on the right" in said
    said = words(standing(), walker(90), places=[(0, -1, 0), (0, 0, 0)], flat=flat)
    assert "the person on the right moves away from the person on the left" in said


def test_one_behind_the_other_follows():
    said = words(walker(90), walker(90), places=[(0, -1.2, 0), (0, 0, 0)])
    assert "the person on the left follows the person on the right" in said
    beside = words(walker(0), walker(0), places=[(0, -0.5, 0), (0, 0.5, 0)])
    assert not any("follows" in one for one in beside)


def test_who_looks_at_each_other_faces_each_other():
    places = [(0, -0.6, 0), (0, 0.6, 0)]
    both = "the person on the left and the person on the right face each other"
    assert both in words(standing(heading=90), standing(heading=-90), places=places)
    assert both in words(standing(heading=90), standing(heading=-90), places=places, flat=True)
    assert both not in words(standing(heading=-90), standing(heading=90), places=places)
    assert both not in words(standing(), standing(), places=places)


def shaking(heading):
    person = standing(heading=heading)
    hold = (0.27, -0.1, -0.15)
    person.hands["r"] = between(person.time, (0.5, HANG), (1.2, hold), (3.0, hold), (3.6, HANG))
    return person


def test_hands_that_meet_at_arm_s_length_are_shaken():
    said = words(shaking(90), shaking(-90), places=[(0, -0.27, 0), (0.02, 0.27, 0)])
    assert "the person on the left and the person on the right shake hands" in said
    apart = words(shaking(90), shaking(-90), places=[(0, -0.5, 0), (0.02, 0.5, 0)])
    assert not any("shake" in one for one in apart)


def test_people_at_different_distances_are_not_said_to_meet_in_a_picture():
    pose = pose_of(walker(90), standing(), places=[(0, -1.5, 0), (0, 0.5, 0)], flat=True)
    small = pose.keypoints[:, 1, :, :2]
    pose.keypoints[:, 1, :, :2] = (small - 0.5) / 2 + 0.5
    assert all(one.other is None for one in pose_movements(pose))


def test_the_json_form_has_places_and_the_other_person():
    pose = pose_of(walker(90), walker(-90), places=[(0, -2.5, 0), (0, 2.5, 0)])
    found = [one.as_json() for one in pose_movements(pose)]
    assert {one["place"] for one in found} == {"the person on the left", "the person on the right"}
    (met,) = [one for one in found if one["action"] == "approach"]
    assert (met["person"], met["other"], met["mutual"]) == (1, 2, True)
