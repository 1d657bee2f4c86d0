"""Previs reads what a caption says, in fixed words and in free prose, and says what it guessed."""

import pytest

from any2caption.captions import lexicon
from any2caption.captions.schema import StructuredCaption
from any2caption.generation.previs.backdrops import PLACES
from any2caption.generation.previs.scene import read_moves, read_stage, read_subjects
from any2caption.generation.previs.vocabulary import COLOURS


def caption(**parts):
    empty = dict.fromkeys(StructuredCaption.model_fields, "Nothing known here.")
    return StructuredCaption(**{**empty, **parts})


@pytest.mark.parametrize("term", lexicon.CAMERAS, ids=lambda term: term.key)
def test_every_movement_of_the_lexicon_is_read(term):
    said = f"A full shot at eye level, in which the camera {term.phrase}, without a cut."
    assert read_moves(said) == ((term.key,),)
    for form in term.also:
        assert read_moves(f"the camera {form}") == ((term.key,),)


def test_simultaneous_and_successive_movements_differ():
    assert read_moves("the camera trucks left while panning left") == (("truck_left", "pan_left"),)
    assert read_moves("It pans left, then dollies in.") == (("pan_left",), ("dolly_in",))


@pytest.mark.parametrize(
    ("prose", "keys"),
    [
        ("The camera slowly pushes in on her face.", ("dolly_in",)),
        ("The shot pulls back to reveal the valley", ("dolly_out",)),
        ("A tracking shot moving to the right of the car", ("truck_right",)),
        ("the camera arcs around him to the left", ("orbit_left",)),
        ("The camera remains stationary", ("static",)),
        ("crane up over the crowd; cranes up", ("pedestal_up",)),
        ("the view tilts slowly upward", ("tilt_up",)),
        ("a slow zoom-in on the eyes", ("zoom_in",)),
    ],
)
def test_free_prose_about_the_camera_is_read(prose, keys):
    assert read_moves(prose) == (keys,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The main subject is two red balls, large in the frame.", [("ball", 2, "red")]),
        ("one person in a blue shirt, wearing dark trousers", [("person", 1, "blue")]),
        ("Three people in orange shirts", [("person", 3, "orange")]),
        (
            "A woman in a white dress and a brown dog",
            [("person", 1, "white"), ("animal", 1, "brown")],
        ),
        ("A man and a woman. The man smiles at the woman.", [("person", 1, None)] * 2),
        ("a yellow taxi", [("car", 1, "yellow")]),
    ],
)
def test_subjects_are_counted_and_coloured(text, expected):
    found = read_subjects(text)
    assert [(s.form, s.count) for s in found] == [(form, count) for form, count, _ in expected]
    for subject, (*_, colour) in zip(found, expected, strict=True):
        assert colour is None or subject.colour == COLOURS[colour]


def test_never_more_subjects_than_fit():
    found = read_subjects("six balls, five boxes, a car and three people")
    assert sum(subject.count for subject in found) <= 6


def test_everything_in_the_lexicon_has_a_place_and_style():
    for term in lexicon.BACKGROUNDS:
        stage, _ = read_stage(caption(background=f"The scene is set on a {term.phrase}."))
        assert stage.place == term.key
        assert stage.place in PLACES
    for term in lexicon.STYLES:
        stage, _ = read_stage(caption(style=f"The clip has a {term.phrase} look."))
        assert stage.style == term.key
    for term in (*lexicon.PERSON_ACTIONS, *lexicon.OBJECT_ACTIONS):
        stage, _ = read_stage(caption(action=f"The subject is seen, {term.phrase}, at ease."))
        assert stage.action == term.key


def test_unknown_words_become_neutral_defaults_that_the_report_names():
    stage, report = read_stage(caption())
    assert (stage.place, stage.style, stage.moves) == ("studio", "plain", (("static",),))
    assert {line.partition(":")[0] for line in report.assumptions} == {
        "subjects",
        "action",
        "background",
        "style",
        "camera",
    }


def test_light_shot_and_angle_are_read():
    stage, _ = read_stage(
        caption(background="a city street at night", camera="A low-angle close-up, static.")
    )
    assert (stage.light, stage.shot, stage.angle) == ("night", "close", "low")
