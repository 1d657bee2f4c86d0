"""A request's facts: all inputs under their own names, what nobody looked at, what disagrees."""

import numpy as np

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.types import Camera, Condition, Depth, Image
from any2caption.grounding.gather import gather


def picture(number=1, role="identity"):
    pixels = np.full((30, 40, 3), 90, np.uint8)
    return Condition("image", Image(pixels), "PNG", role=role, number=number)


def still_camera():
    w2c = np.zeros((5, 3, 4))
    w2c[:, :, :3] = np.eye(3)
    return Condition("camera", Camera(np.full((5, 4), 0.5), w2c), "matrix text")


def turning_camera(number):
    angles = np.radians(np.linspace(0, 60, 12))
    camera = np.zeros((12, 3, 4))
    camera[:, 1, 1] = 1
    camera[:, 0, 0] = camera[:, 2, 2] = np.cos(angles)
    camera[:, 0, 2], camera[:, 2, 0] = -np.sin(angles), np.sin(angles)
    return Condition("camera", Camera(np.full((12, 4), 0.5), camera), "matrix text", number=number)


def test_every_condition_has_facts_under_its_own_name_in_order():
    facts = gather("", [picture(1), picture(2), still_camera()])
    assert [fact.source.input for fact in facts.found] == ["picture 1", "picture 2", "camera 1"]
    assert [fact.text for fact in facts.of("identity")] == [
        "the subject of picture 1",
        "the subject of picture 2",
    ]
    assert [fact.text for fact in facts.of("camera")] == ["holds still"]


def test_what_nobody_looked_at_is_said():
    assert gather("", [picture(1), still_camera()]).notes == (
        "what picture 1 shows was not looked at",
    )


def test_what_a_recogniser_saw_is_a_fact_and_no_note():
    dog = Fact("subject", "a dog", Source("picture 1"), {"noun": "dog"}, "estimated", 0.8)
    facts = gather("", [picture(1), picture(2)], seen=[dog])
    assert facts.found[-1] is dog
    assert facts.notes == ("what picture 2 shows was not looked at",)


def test_conditions_that_disagree_are_told():
    facts = gather("", [still_camera(), turning_camera(2)])
    (conflict,) = facts.conflicts
    assert "camera 1 was followed" in conflict.text
    assert [fact.source.input for fact in facts.of("camera")] == ["camera 1"]


def test_the_text_comes_first_and_is_held_against_the_conditions():
    facts = gather("A dog runs. The camera holds still.", [picture(1), turning_camera(1)])
    assert facts.found[0].source.input == "text"
    assert [fact.text for fact in facts.of("subject", source="text")] == ["a dog"]
    (conflict,) = facts.conflicts
    assert conflict.followed.source.input == "camera 1"
    assert [fact.source.input for fact in facts.of("camera")] == ["camera 1"]


def test_notes_of_the_text_come_before_those_of_the_pictures():
    notes = gather("Il gatto dorme sul divano rosso.", [picture(1)]).notes
    assert notes[0].startswith("the text is not English")
    assert notes[-1] == "what picture 1 shows was not looked at"


def walking_camera(*, metric):
    """Two metres to the right while turning by 40 degrees."""
    turned = turning_camera(1).payload.w2c
    w2c = turned.copy()
    centres = np.linspace(0, 1, 12)[:, None] * np.array([2.0, 0, 0])
    w2c[:, :, 3] = -np.einsum("tij,tj->ti", turned[:, :, :3], centres)
    return Condition("camera", Camera(np.full((12, 4), 0.5), w2c, metric=metric), "")


def far_away(metres):
    flat = np.linspace(0.4, 0.6, 900, dtype=np.float32).reshape(1, 30, 30)
    return Condition("depth", Depth(flat, metres, 1.1 * metres), "16-bit metric PNG")


def test_a_metric_path_is_read_with_the_distance_of_the_requests_depth():
    (alone,) = gather("", [walking_camera(metric=True)]).of("camera")
    assert set(alone.value["keys"]) == {"truck_right", "pan_right"}
    assert alone.value["scale_known"] is False
    (placed,) = gather("", [walking_camera(metric=True), far_away(80.0)]).of("camera")
    assert placed.value["keys"] == ["pan_right"]
    assert (placed.certainty, placed.value["scale_known"]) == ("exact", True)


def test_a_path_without_a_unit_is_not_held_against_metres():
    (fact,) = gather("", [walking_camera(metric=False), far_away(80.0)]).of("camera")
    assert set(fact.value["keys"]) == {"truck_right", "pan_right"}


def test_the_prompt_as_a_condition_is_not_read_twice():
    prompt = Condition("text", "a dog", "UTF-8 text")
    assert gather("a dog", [prompt]).as_json() == gather("a dog", []).as_json()


def test_facts_found_before_stand_for_a_condition_that_kept_no_pixels():
    before = Fact("subject", "a dog", Source("picture 1"))
    bare = Condition("image", "", "PNG", role="identity")
    facts = gather("", [bare], facts_of=lambda condition: [before] if condition is bare else [])
    assert facts.found == (before,)
    assert facts.notes == gather("", [picture(1)]).notes


def test_a_text_of_marks_alone_is_told():
    assert gather("!!!", []).notes == ("the text has no words",)
    assert gather("a cat", []).notes == gather("🐈", []).notes == ()


def test_people_in_a_place_that_the_words_call_empty_are_told():
    def shown(_):
        return [Fact("count", "two people", Source("pose 1"), {"noun": "people", "number": 2})]

    pose = [Condition("pose", None, "OpenPose JSON")]
    said = "the text says an empty kitchen; pose 1 shows two people"
    assert said in gather("An empty kitchen at night", pose, facts_of=shown).notes
    assert gather("A woman holds an empty cup", pose, facts_of=shown).notes == ()
