"""Requests that only point at what is given beside the text: it shows itself."""

import pytest

from any2caption.grounding.compose import compose
from any2caption.grounding.gather import gather


def parts(text):
    return compose(gather(text, [])).caption


NOTHING = parts("")


@pytest.mark.parametrize(
    "text",
    [
        "Animate this picture.",
        "Please animate it.",
        "Can you bring this photo back to life?",
        "Make a video out of this.",
        "Create a clip based on the attached image.",
        "Turn this picture into a short video.",
        "Use this image as the first frame.",
        "Starting from picture 1, following pose 1, along camera path 1.",
        "Make a short video, laid out as in depth 1, filmed as in camera path 1.",
        "Continue this clip.",
        "Use this photo.",
        "Start with image 1 and end with image 2.",
        "Image 1 is the first frame, image 2 the last frame.",
        "Make it come alive.",
        "Add some motion to this image.",
        "What happens next?",
    ],
)
def test_a_request_alone_is_no_subject_and_no_action(text):
    found = parts(text)
    assert found.dense.startswith(text.rstrip("?.")[:20])
    for part in ("main_object", "background", "camera", "style", "action"):
        assert getattr(found, part) == getattr(NOTHING, part), part


@pytest.mark.parametrize(
    ("text", "part", "said"),
    [
        ("Animate the picture so that the girl smiles.", "action", "The girl smiles."),
        ("Make a video from this image and have the cat jump.", "action", "The cat jumps."),
        ("Use this photo and make the dog run home.", "action", "The dog runs home."),
        ("Bring this photo to life, the waves crash.", "action", "The waves crash."),
        ("Turn this into a video where the cat jumps.", "action", "The cat jumps."),
        ("Turn this photo into a cinematic video.", "style", "The style is cinematic."),
        ("Generate a cinematic video from picture 1.", "style", "The style is cinematic."),
        ("Same as video 1 but at night.", "background", "The scene is set at night."),
        ("Use this image as the first frame and pan left.", "camera", "Pan left."),
        ("A cat jumps, filmed as in camera path 1, at night.", "action", "The cat jumps."),
        ("A red ball, like picture 1, bounces.", "action", "The ball bounces."),
        ("A dog runs like in video 1.", "main_object", "The main subject is a dog."),
        (
            "Animate the clouds in this picture, keep everything else still.",
            "action",
            "Keep everything else still.",
        ),
        ("Animate this dog.", "main_object", "The main subject is this dog."),
    ],
)
def test_what_it_says_beside_the_request_is_read(text, part, said):
    assert getattr(parts(text), part) == said


def test_what_is_named_and_not_given_is_told():
    (note,) = [one for one in gather("Starting from picture 2.", []).notes if "picture" in one]
    assert "there is no picture" in note


@pytest.mark.parametrize(
    ("text", "part", "said"),
    [
        ("A soldier stands on a hill and salutes.", "action", "The soldier stands and salutes."),
        ("The girl turns around and waves.", "action", "The girl turns around and waves."),
        (
            "Her hair blows in the wind and his balloon floats off.",
            "action",
            "Her hair blows in the wind. His balloon floats off.",
        ),
        ("A portrait of a man, 35mm film grain.", "main_object", "The main subject is a man."),
        ("A cup, warm kitchen light.", "background", "There is warm kitchen light."),
        (
            "A red car, golden light streaming through the trees.",
            "action",
            "The light is streaming through the trees.",
        ),
        (
            "The camera slowly cranes up to reveal the harbour.",
            "main_object",
            NOTHING.main_object,
        ),
        (
            "A glass falls, filmed at 240 fps from floor level.",
            "camera",
            "The scene is filmed at 240 fps from floor level.",
        ),
        ("A stop-motion puppet waves.", "action", "The puppet waves."),
        (
            "Nobody notices the balloon drifting over the stadium.",
            "action",
            "Nobody notices the balloon. The balloon is drifting over the stadium.",
        ),
        (
            "Everyone except for the groom laughs.",
            "action",
            "Everyone except for the groom laughs.",
        ),
        ("Teenagers skate, 1980s.", "main_object", "The main subjects are teenagers."),
        (
            "The crowd cheers as the runner in lane four overtakes the leader.",
            "action",
            "The crowd cheers. The runner overtakes the leader.",
        ),
        (
            "A fox digs for mice, then looks straight into the camera.",
            "action",
            "The fox digs for mice and looks straight into the camera.",
        ),
        (
            "Her reflection moves before she does.",
            "action",
            "Her reflection moves before she does.",
        ),
        ("In a subway car.", "background", "The scene is set in a subway car."),
    ],
)
def test_who_acts_and_how_it_looks(text, part, said):
    assert getattr(parts(text), part) == said
