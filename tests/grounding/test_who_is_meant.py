"""Whom "it" and "one of which" mean, states beside a subject, and verbs that may be nouns."""

import pytest

from any2caption.captions.camera_reading import read_camera
from any2caption.grounding.compose.composer import compose
from any2caption.grounding.gather import gather

SAID = [
    ("A cat knocks a glass off the table; it shatters on the tiles.",
     {"action": "The cat knocks a glass off the table. It shatters on the tiles."}),
    ("A water droplet slides off the edge of a teacup, keeping its shape as it falls.",
     {"action": "The water droplet slides off the edge of a teacup, keeping its shape and falls."}),
    ("A hiker looks at a map while it begins to rain.",
     {"action": "The hiker looks at a map. It begins to rain."}),
    ("Three red balloons, one of which is deflated, hang from a lamp post.",
     {"main_object": "The main subjects are three red balloons.",
      "action": "One of them is deflated. The balloons hang from a lamp post."}),
    ("Three dogs, two of whom wear hats, chase a ball.",
     {"action": "Two of them wear hats. The dogs chase a ball."}),
    ("Put the hat on the man and let him walk towards the camera.",
     {"action": "Put the hat on the man. The man walks towards the camera."}),
    ("A drone shot over rice fields, nobody in sight.",
     {"main_object": "There is nobody in sight."}),
    ("A panda plays drums.", {"action": "The panda plays drums."}),
    ("Instead of rain, confetti falls on the crowd.",
     {"action": "The confetti falls on the crowd."}),
    ("The statue's eyes open and a crack runs down its cheek.",
     {"action": "The eyes open. The crack runs down its cheek."}),
    ("Five runners start; only two reach the finish line.",
     {"action": "The runners start. The two reach the finish line."}),
    ("A swimmer in a white cap does butterfly in lane four.",
     {"action": "The swimmer does butterfly in lane four."}),
    ("Time-lapse of a flower opening over three days.",
     {"action": "The flower is opening over three days."}),
    ("A dimly lit, narrow corridor stretches endlessly.",
     {"action": "The corridor stretches endlessly."}),
    ("A girl, barely visible in the fog, walks a bicycle across the bridge.",
     {"main_object": "The main subjects are a girl and a bicycle."}),
    ("A baker laughs with a customer whose umbrella drips.",
     {"action": "The baker laughs with a customer whose umbrella drips."}),
    ("A duck is tossed onto the floor, showing its bounce.",
     {"action": "The duck is tossed onto the floor, showing its bounce."}),
    ("A brush is used to paint, showing how the bristles bend under pressure.",
     {"action": "The brush is used to paint, showing how the bristles bend under pressure."}),
    ("A dancer stands on a cliff, the dress frozen in the air.",
     {"action": "The dancer stands. The dress is frozen in the air."}),
    ("A street musician plays the accordion, his dog asleep at his feet.",
     {"action": "The street musician plays the accordion. His dog is asleep at his feet."}),
    ("There are four cups on the table, three full and one empty.",
     {"main_object": "The main subjects are four cups. "
                     "The cups are on the table, three full and one empty."}),
    ("A teenager with headphones on skates past a mural.",
     {"main_object": "The main subject is a teenager with headphones on.",
      "action": "The teenager skates past a mural."}),
    ("A music video in which a panda plays drums.",
     {"main_object": "The main subject is a panda.", "style": "The style is a music video."}),
    ("An ad for a coffee brand: steam rises from a cup, cut to a smile.",
     {"main_object": "The main subjects are steam and a smile.",
      "style": "The style is an ad for a coffee brand."}),
    ("A giant looks down at a tiny village.",
     {"main_object": "The main subject is a giant.",
      "action": "The giant looks down at a tiny village."}),
    ("Two kids, Anna and Ben, race down a hill; Anna wins.",
     {"main_object": "The main subjects are two kids, Anna and Ben.",
      "action": "The kids race down a hill. Anna wins."}),
    ("Do not show any faces. Hands only, kneading dough on a floured board.",
     {"action": "The hands are kneading dough on a floured board."}),
    ("A portrait of a nurse, background blurred.", {"background": "The background is blurred."}),
    ("First-person view of someone skiing down a narrow couloir.",
     {"camera": "The scene is shown in a first-person view."}),
    ("Camera slowly orbits a parked car, half a turn clockwise, then stops.",
     {"camera": "The camera slowly orbits a parked car, half a turn clockwise, then stops.",
      "main_object": "The main subject is a parked car."}),
    ("A clown drops one pin and pretends nothing happened.",
     {"action": "The clown drops one pin and pretends nothing happened."}),
    ("An old steam engine, black with soot, puffs up a mountain railway.",
     {"action": "The steam engine puffs up a mountain railway."}),
    ("Half asleep, a student types on her laptop.",
     {"main_object": "The main subject is a student.",
      "action": "The student is half asleep and types on her laptop."}),
    ("A crow waits and eats what is inside.",
     {"action": "The crow waits and eats what is inside."}),
    ("A grandmother bakes bread; flour is everywhere.",
     {"action": "The grandmother bakes bread. The flour is everywhere."}),
    ("Her reflection smiles although she does not.",
     {"action": "Her reflection smiles. She does not."}),
    ("A cyclist overtakes a tram, a delivery van and two taxis.",
     {"action": "The cyclist overtakes a tram, a delivery van and two taxis."}),
    ("A woman opens her umbrella and it starts raining inside it.",
     {"action": "The woman opens her umbrella. It starts raining inside it."}),
    ("In one fluid motion, the axe is released.",
     {"background": "The setting suits the scene, without distractions."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), SAID)
def test_parts_say_what_the_sentence_says(text, parts):
    composed = compose(gather(text, ())).parts
    assert {part: " ".join(one.text for one in composed[part]) for part in parts} == parts


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("the camera orbits the car, then stops", ()),
        ("the camera follows the dog, then stops", ()),
        ("the camera pans left, then stops", ("pan_left", "static")),
        ("the camera stops", ("static",)),
    ],
)
def test_a_stop_behind_a_movement_without_a_key_is_no_static_camera(said, keys):
    assert read_camera(said).keys == keys
