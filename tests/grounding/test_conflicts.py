"""Where two inputs of a request disagree, one is followed and the user is told which."""

import pytest

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.fact import Fact, Source
from any2caption.grounding.compose.composer import compose
from any2caption.grounding.conflicts import find_conflicts
from any2caption.grounding.facts import Facts
from any2caption.grounding.words import read_text


def fact(aspect, text, source="text", *, negated=False, certainty="exact", **value):
    return Fact(aspect, text, Source(source), value, certainty=certainty, negated=negated)


def wish(text):
    reading = read_camera(text)
    return fact("camera", text, keys=list(reading.keys), denied=list(reading.denied))


def path(text, number=1):
    return fact("camera", text, f"camera {number}", keys=list(read_camera(text).keys), denied=[])


def subject(noun, number=None, text=None):
    return fact("subject", text or noun, noun=noun, number=number, attributes=[])


def people(number, words="two people"):
    return fact("count", words, "pose 1", noun="person", number=number)


def told(*facts):
    return [conflict.text for conflict in find_conflicts(facts)]


def test_a_wish_against_the_path_is_told_and_the_path_followed():
    asked, shown = wish("the camera pans left"), path("pans right")

    conflict = find_conflicts([asked, shown])[0]

    assert (
        conflict.text == "the text asks for a pan left; camera 1 pans right: camera 1 was followed"
    )
    assert conflict.followed is shown
    assert conflict.overruled is asked
    stands = Facts("the camera pans left", (asked, shown), (conflict,))
    assert stands.of("camera") == (shown,)


@pytest.mark.parametrize(
    ("asked", "shown", "words"),
    [
        ("static camera", "dollies in", "a static camera"),
        ("static camera", "pans left, then holds still", "a static camera"),
        ("no camera movement", "orbits left", "a static camera"),
        ("the camera moves forward without any zoom", "zooms in while dollying in", "no zoom in"),
        ("the camera orbits left", "trucks right", "an orbit left"),
        ("the camera zooms in", "holds still", "a zoom in"),
        ("the camera pans left, then right", "pans right, then pans left", "a pan left before"),
    ],
)
def test_every_kind_of_wish_can_disagree(asked, shown, words):
    assert f"asks for {words}" in told(wish(asked), path(shown))[0]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("the camera pans left", "dollies in, then pans left"),
        ("static camera", "holds still"),
        ("without any zoom", "dollies in"),
        ("the camera trucks left", "orbits left"),
        ("the camera follows the man", "trucks right"),
        ("handheld camera", "trucks right"),
    ],
)
def test_a_wish_that_the_path_has_is_no_conflict(asked, shown):
    assert told(wish(asked), path(shown)) == []


def test_a_truck_is_no_conflict_with_a_clip_that_seems_to_pan():
    shown = fact("camera", "pans left", "video 1", keys=["pan_left"], alike=["truck_left"])
    assert told(wish("the camera trucks left"), shown) == []
    assert told(wish("the camera trucks right"), shown) != []
    assert told(wish("the camera pans left without trucking left"), shown) == []


def test_of_two_paths_that_differ_the_first_is_followed():
    text = "camera 1 pans left, camera 2 pans right: camera 1 was followed"
    assert told(path("pans left"), path("pans right", 2)) == [text]
    assert told(path("pans left"), path("pans left", 2)) == []


def test_numbers_that_exclude_each_other_are_told():
    text = "the text says two women; pose 1 shows one person: pose 1 was followed"
    assert told(subject("women", 2, "two women"), people(1, "one person")) == [text]
    assert told(subject("man", 1, "a lone man"), people(2)) != []
    assert told(subject("people", 2, "two people"), people(4, "four people")) != []


@pytest.mark.parametrize(
    "subjects",
    [
        [subject("man", 1, "a man")],
        [subject("man", 1, "a man"), subject("woman", 1, "a woman")],
        [subject("people", 2, "two people")],
        [subject("dogs", 3, "three dogs")],
        [subject("crowd", None, "a crowd")],
    ],
)
def test_numbers_that_leave_room_are_no_conflict(subjects):
    assert told(*subjects, people(2)) == []


def action(text, source="text", **value):
    certainty = "exact" if source == "text" else "measured"
    return fact("action", text, source, certainty=certainty, verb=text.split()[0], **value)


def test_a_number_that_the_text_counts_once_is_held_to_what_is_there():
    found, _ = read_text("Two cats sleep on a sofa.")
    cats = fact("count", "three cats", "segmentation 1", noun="cat", number=3)
    texts = {conflict.text for conflict in find_conflicts([*found, cats])}
    assert texts == {
        "the text says two cats; segmentation 1 shows three cats: segmentation 1 was followed"
    }


def test_a_movement_that_the_text_denies_and_the_path_has_is_told():
    found, _ = read_text("a castle, no zoom")
    assert [one.text for one in find_conflicts([*found, path("zooms in")])] == [
        "the text asks for no zoom in; camera 1 zooms in: camera 1 was followed"
    ]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("is standing still", "walks to the left"),
        ("runs", "walks"),
        ("sits on a chair", "runs"),
        ("raises the left arm", "raises the right arm"),
        ("walks left", "walks right"),
    ],
)
def test_an_action_that_the_pose_leaves_no_room_for_is_told(said, shown):
    found = told(subject("woman", 1), action(said, who="woman"), action(shown, "pose 1"))
    assert found == [f"the text says {said}; pose 1 shows {shown}: pose 1 was followed"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("runs", "waves with the right hand"),
        ("is singing", "walks"),
        ("walks", "walks to the left"),
        ("raises the left arm", "raises both arms"),
        ("smiles", "keeps still"),
        ("runs", "runs, then walks"),
    ],
)
def test_unrelated_actions_are_no_conflict(said, shown):
    assert told(subject("woman", 1), action(said, who="woman"), action(shown, "pose 1")) == []


def test_what_an_animal_does_is_not_held_to_a_persons_pose():
    assert told(subject("dog", 1), action("runs", who="dog"), action("walks", "pose 1")) == []
    assert told(subject("dog", 1), action("runs"), action("walks", "pose 1")) == []


def test_what_must_not_be_there_and_is_there_is_told():
    nobody = fact("subject", "people", negated=True, noun="people", number=0)
    text = "the text asks for no people; pose 1 shows two people: pose 1 was followed"
    assert told(nobody, people(2)) == [text]
    alone = fact("subject", "nobody else", negated=True, noun="person", number=None)
    assert told(alone, people(2)) == [text.replace("no people", "nobody else")]
    no_dog = fact("subject", "dog", negated=True, noun="dog", number=0)
    region = fact("subject", "a dog", "region 1", noun="dog", number=1)
    assert told(no_dog, region)[0].startswith("the text asks for no dog; region 1 shows a dog")
    assert told(no_dog, people(2)) == []


def test_a_recogniser_that_only_supposes_does_not_overrule_the_user():
    cats = fact("count", "three cats", "picture 1", certainty="estimated", noun="cat", number=3)
    conflict = find_conflicts([subject("cats", 2, "two cats"), cats])[0]
    assert conflict.overruled is cats
    assert conflict.text.endswith("the text was followed")


def test_nothing_is_found_in_what_agrees():
    assert find_conflicts([]) == ()
    assert told(subject("street"), path("pans left"), action("walks", "pose 1")) == []


def body(text, who):
    return fact("action", text, "pose 1", who=who, certainty="measured")


ONE_OF_TWO = (
    body("bends forward", "person on the right"),
    body("keeps still", "person on the left"),
)


def test_of_several_who_lie_none_may_stand():
    lying = fact("action", "lie on the floor", verb="lie", who="people", form="base")
    said = told(subject("people", 2, "two people"), lying, *ONE_OF_TWO)
    assert said == ["the text says lie on the floor; pose 1 shows keeps still: pose 1 was followed"]


def test_one_who_lies_may_be_the_body_of_no_stated_posture():
    lying = fact("action", "lies on the floor", verb="lie", who="person", form="finite")
    assert told(subject("person", 1, "a person"), lying, *ONE_OF_TWO) == []
    still = body("keeps still", "person on the left")
    assert told(subject("person", 1, "a person"), lying, still) == [
        "the text says lies on the floor; pose 1 shows keeps still: pose 1 was followed"
    ]


def test_limbs_that_move_leave_a_posture_against_the_text():
    sitting = fact("action", "sits down", verb="sit", who="man", form="finite")
    walking, waving = body("walks forward", "person"), body("waves the right hand", "person")
    assert len(told(subject("man", 1, "a man"), sitting, walking, waving)) == 1


def test_what_one_body_does_is_not_said_of_both():
    text = "Two people sit on a bench"
    found, _ = read_text(text)
    facts = (*found, *ONE_OF_TWO)
    dense = compose(Facts(text, facts, find_conflicts(facts))).parts["dense"]
    assert dense[0].text == "Two people on a bench."


@pytest.mark.parametrize(
    ("text", "words", "left"),
    [
        (
            "The dog watches two people who stand perfectly still.",
            "stand perfectly still; pose 1 shows bends",
            "The dog watches two people.",
        ),
        (
            "A cat watches two people who are quietly sitting on a bench.",
            "are quietly sitting on a bench; pose 1 shows keeps still",
            "A cat watches two people on a bench.",
        ),
    ],
)
def test_a_clause_that_says_which_people_is_held_to_their_pose(text, words, left):
    found, _ = read_text(text)
    facts = (*found, *ONE_OF_TWO)
    (conflict,) = find_conflicts(facts)
    assert conflict.text.startswith(f"the text says {words}")
    assert compose(Facts(text, facts, (conflict,))).parts["dense"][0].text == left


def test_nobody_but_one_leaves_the_one_room_to_move():
    for text in ("Nobody moves but the man on the left.", "Nobody moves except the woman."):
        found, _ = read_text(text)
        assert not find_conflicts((*found, *ONE_OF_TWO))


def test_an_orbit_whichever_way_is_one_that_the_path_has_to_have():
    asked, straight = wish("circles around the tower"), path("dollies in while trucking left")
    assert told(asked, straight) == [
        "the text asks for an orbit; camera 1 dollies in while trucking left: camera 1 was followed"
    ]
    assert not told(asked, path("orbits left"))
    assert not told(asked, path("trucks left while panning right"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "A beach. The camera orbits around a lighthouse.",
            "A beach. The camera shows a lighthouse.",
        ),
        ("Orbit shot of a car in the desert", "A shot of a car in the desert."),
        ("A zoom-out of a castle at night", "A shot of a castle at night."),
        ("Two people throw a ball. The camera stays still.", "Two people throw a ball."),
        ("Keep the camera still, a dog sleeps", "A dog sleeps."),
        ("slow zoom out from a chessboard, static tripod", "A shot of a chessboard."),
    ],
)
def test_an_overruled_movement_leaves_what_is_shown(text, left):
    straight = path("trucks left")
    found, _ = read_text(text)
    facts = Facts(text, (*found, straight), find_conflicts((*found, straight)))
    assert compose(facts).caption.dense == f"{left} The camera trucks left."


def moving():
    """Two bodies, of which one moves."""
    return [
        fact("action", "bends forward", "pose 1", who="person 1"),
        fact("action", "raises the right arm", "pose 1", who="person 1"),
        fact("action", "keeps still", "pose 1", who="person 2"),
    ]


@pytest.mark.parametrize(
    ("text", "said", "shown"),
    [
        ("Two men stand completely still", "stand completely still", "bends forward"),
        ("Two men are motionless", "are motionless", "bends forward"),
        ("Two men do not move", "not move", "bends forward"),
        ("Nobody moves", "that nobody moves", "bends forward"),
        ("Two dancers do not move their arms", "not move their arms", "raises the right arm"),
        ("Two men wait; neither of them raises an arm", "that neither of them raises an arm",
         "raises the right arm"),
        ("None of the men raises an arm", "that none of the men raises an arm",
         "raises the right arm"),
        ("Neither man raises an arm", "that neither man raises an arm", "raises the right arm"),
    ],
)  # fmt: skip
def test_who_must_not_move_and_does_is_told(text, said, shown):
    facts, _ = read_text(text)
    conflict = f"the text says {said}; pose 1 shows {shown}: pose 1 was followed"
    assert conflict in told(*facts, *moving())


@pytest.mark.parametrize(
    "text",
    [
        "The woman does not move her arms",
        "A man stands perfectly still",
        "A dog sits motionless",
        "Neither the cat nor the dog moves",
        "Two men stand still and one of them bows",
    ],
)
def test_who_may_be_the_body_that_keeps_still_is_no_conflict(text):
    facts, _ = read_text(text)
    assert told(*facts, *moving()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The man, whose arms hang down, sits", "that man's arms hang down"),
        ("A woman stands with her hands in her pockets", "stands with her hands in her pockets"),
        ("He waits with his arms at his sides", "waits with his arms at his sides"),
        ("Two people wait, both arms hanging down, beside a dog", "hanging down"),
        ("Two dancers stand, hands in their pockets", "in their pockets"),
    ],
)
def test_arms_that_rest_in_words_and_are_raised_in_the_pose_are_told(text, said):
    facts, _ = read_text(text)
    raises = fact("action", "raises the right arm", "pose 1", who="the person")
    bends = fact("action", "bends the left leg", "pose 1", who="the person")
    conflict = f"the text says {said}; pose 1 shows raises the right arm: pose 1 was followed"
    assert conflict in told(*facts, raises)
    assert told(*facts, bends) == []


def test_one_who_is_told_to_be_alone_is_told_once_against_two():
    facts, _ = read_text("One person alone bows and lowers the left arm")
    conflict = "the text says one person alone; pose 1 shows two people: pose 1 was followed"
    assert set(told(*facts, people(2))) == {conflict}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Two people stand still with their arms down beside a dog", "Two people beside a dog."),
        ("Two people wait, both arms hanging down, beside a dog", "Two people wait, beside a dog."),
        ("Two dancers stand, hands in their pockets, and look up",
         "Two dancers stand, and look up."),
        ("One person alone bows and lowers the head", "Two people alone bow and lower the head."),
    ],
)  # fmt: skip
def test_what_is_followed_leaves_no_words_of_rest_and_no_lone_singular(text, left):
    found, _ = read_text(text)
    raises = fact("action", "raises the right arm", "pose 1", who="person 1")
    still = fact("action", "keeps still", "pose 1", who="person 2")
    facts = (*found, people(2), raises, still)
    conflicts = find_conflicts(facts)
    dense = compose(Facts(text, facts, conflicts)).caption.dense
    assert conflicts
    assert dense.startswith(left), dense


JACKS = fact("action", "does jumping jacks", "pose 1", who="the person")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A man lies on the floor without moving", "A man does jumping jacks on the floor."),
        ("A man sits and does not move", "A man does jumping jacks."),
        ("She sits; she never lifts her arms", "She does jumping jacks; she is there."),
        ("Nobody moves, a dog waits", "A dog waits."),
        ("A dog waits on a sofa and nobody moves", "A dog waits on a sofa."),
        ("A cat sleeps while a man stands motionless", "A cat sleeps while a man is there."),
    ],
)
def test_who_is_said_not_to_move_leaves_a_sentence(text, left):
    found, _ = read_text(text)
    facts = (*found, JACKS)
    conflicts = find_conflicts(facts)
    assert conflicts
    assert compose(Facts(text, facts, conflicts)).parts["dense"][0].text == left


@pytest.mark.parametrize(
    "text", ["A man does not lift a box", "A man does not raise his leg", "A man nods"]
)
def test_other_limbs_than_those_denied_are_no_conflict(text):
    found, _ = read_text(text)
    assert told(*found, fact("action", "raises the right arm", "pose 1", who="the person")) == []


def test_nobody_else_leaves_room_for_those_that_are_named():
    nobody = fact("subject", "nobody else", noun="person", negated=True)
    friends, one = subject("friend", 2, "two friends"), subject("man", 1, "a man")
    assert not told(one, nobody, people(1, "one person"))
    assert not told(friends, nobody, people(2))
    assert "shows two people" in told(one, nobody, people(2))[0]


def test_a_hand_and_an_arm_of_the_other_side_disagree():
    asked = fact("action", "raises his right hand", who="man", verb="raise", form="finite")
    shown = fact("action", "raises the left arm", "pose 1", who="person", kind="person")
    assert "pose 1 shows raises the left arm" in told(asked, shown)[0]


def test_of_one_who_is_named_nobody_else_leaves_no_room_for_two():
    text = "The man sits on the floor while nobody else is in the room"
    found, _ = read_text(text)
    facts = Facts(text, (*found, people(2)), find_conflicts((*found, people(2))))
    assert "shows two people" in facts.conflicts[0].text
    assert compose(facts).caption.dense.startswith("The man sits on the floor. There are two")


def test_a_man_in_a_picture_of_a_dog_is_told():
    text = "The man in picture 1 waves"
    man = fact("identity", text, noun="man", condition="picture 1")
    dog = Fact(
        "identity", "a dog", Source("picture 1"), {"noun": "dog", "names": ["dog"]},
        certainty="estimated", confidence=0.9,
    )  # fmt: skip
    assert told(man, dog) == [
        "the text names a man; picture 1 seems to show a dog: the text was followed"
    ]
    assert not told(man, dog, fact("count", "one person", "picture 1", noun="person", number=1))


RAISES = body("raises the right arm", "person on the right")


@pytest.mark.parametrize(
    ("text", "left", "says"),
    [
        ("A man sits; nobody raises an arm", "A man sits.", "that nobody raises an arm"),
        ("The man does not raise his right arm", "The man is there.", "not raise his right arm"),
        ("A dancer sits and does not raise an arm", "A dancer sits.", "not raise an arm"),
    ],
)
def test_an_overruled_denial_leaves_a_sentence(text, left, says):
    found, _ = read_text(text)
    facts = (*found, RAISES, ONE_OF_TWO[1])
    conflicts = find_conflicts(facts)
    assert f"the text says {says}; pose 1 shows raises the right arm" in conflicts[0].text
    assert compose(Facts(text, facts, conflicts)).parts["dense"][0].text == left
