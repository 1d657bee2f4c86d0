"""Labels in front of parts of a prompt, and orders to the camera."""

import numpy as np
import pytest

from any2caption.conditions.types import Condition, Image
from any2caption.grounding.compose import compose
from any2caption.grounding.gather import gather

from .composing import composed

FEEDS = "Camera: slow truck right. Subject: a teapot. Lighting: soft. Style: product photography."
SAID = [
    (FEEDS, {"main_object": "The main subject is a teapot.",
             "camera": "The camera makes a slow truck right.",
             "style": "The style is product photography. The lighting is soft."}),
    ("Style: watercolor. A cat sleeps.", {"style": "The style is watercolor."}),
    ("Subject: an old man. Action: he plays chess. Setting: a park in autumn. Camera: static.",
     {"main_object": "The main subject is an old man.", "action": "The man plays chess.",
      "background": "The setting is a park in autumn.", "camera": "The camera is static."}),
    ("Scene 1: a seed falls on the ground. Scene 2: it sprouts.",
     {"main_object": "The main subject is a seed.", "action": "The seed falls and sprouts."}),
    ("[0-3s] A man opens the door. [3-6s] He sees a dog.",
     {"main_object": "The main subjects are a man and a dog.",
      "action": "The man opens the door and sees a dog."}),
    ("Prompt: a dog runs on the beach. Negative prompt: people, text.",
     {"main_object": "The main subject is a dog. There are no people and no text."}),
    ("Background: a blurred city. Foreground: a red rose.",
     {"main_object": "The main subject is a red rose.",
      "background": "The setting is a blurred city."}),
    ("**Scene:** a dog runs.\n**Style:** anime",
     {"main_object": "The main subject is a dog.", "style": "The style is anime."}),
    ("Shot 1 (0-2s): a hand opens a box. Shot 2 (2-5s): light pours out.",
     {"main_object": "The main subjects are a hand and light.",
      "action": "The hand opens a box. The light pours out."}),
    ("Move forward slowly through the hallway.",
     {"camera": "Move forward slowly through the hallway.",
      "background": "The setting is the hallway."}),
    ("Fly through the canyon, then turn left.",
     {"camera": "Fly through the canyon, then turn left."}),
    ("Rotate around the vase to the left by 90 degrees.",
     {"camera": "Rotate around the vase to the left by 90 degrees.",
      "main_object": "The main subject is the vase."}),
    ("Follow the man as he walks down the street.",
     {"camera": "Follow the man.", "action": "The man walks down the street."}),
    ("We start on a wide shot of the desert and slowly push in on a lone tree.",
     {"camera": "We start on a wide shot of the desert and slowly push in on a lone tree."}),
    ("Whip pan from a baby to a dog.", {"camera": "Whip pan from a baby to a dog."}),
    ("A car races down a hill, camera right behind it.",
     {"camera": "The camera is right behind it."}),
    ("The camera slowly moves around a dancer, never stopping.",
     {"camera": "The camera slowly moves around a dancer, never stopping."}),
    ("The view drops from the treetops to the forest floor.",
     {"camera": "The view drops from the treetops to the forest floor."}),
    ("First-person view riding a roller coaster, the track twists left.",
     {"camera": "The camera is riding a roller coaster. "
                "The scene is shown in a first-person view.",
      "action": "The track twists left."}),
    ("Turn left at the corner.", {"action": "Turn left at the corner."}),
    ("Make her smile.", {"action": "She smiles."}),
    ("a smoke is swirly in the dark, camera tilts up", {"camera": "The camera tilts up."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), SAID)
def test_labels_and_orders_are_no_things(text, parts):
    assert composed(text, parts) == parts


def test_a_colon_that_is_no_label_stays():
    said = compose(gather("A medieval market: merchants shout.", ())).parts
    assert [one.text for one in said["background"]] == ["The setting is a medieval market."]
    assert [one.text for one in said["action"]] == ["The merchants shout."]


ROLES = [
    (3, "Use image 1 as the character, image 2 for the style, image 3 as the setting. She dances.",
     {"main_object": "The main subject is the character (as in picture 1).",
      "style": "The style is that of picture 2.", "action": "She dances.",
      "background": "The setting is that of picture 3."}),
    (2, "Take the first image as the background. A dragon lands.",
     {"background": "The setting is that of picture 1.", "action": "The dragon lands."}),
    (2, "In the style of image 2, the girl from image 1 flies a kite.",
     {"main_object": "The main subject is the girl (as in picture 1).",
      "style": "The video is in the style of image 2."}),
    (2, "the robot in img1 paints the lady in image_2",
     {"main_object": "The main subjects are the robot (as in picture 1) and the lady (as in "
                     "picture 2)."}),
    (3, "<image1> and <image2> play chess, <image3> watches them.",
     {"action": "<Image1> and <image2> play chess. <Image3> watches them."}),
    (1, "Instead of the dog in image 1, a cat sits on the sofa.",
     {"main_object": "The main subject is a cat. There is no dog."}),
    (2, "The man in image 1 rides a bike instead of the horse in image 2.",
     {"main_object": "The main subjects are the man (as in picture 1) and a bike. There is no "
                     "horse."}),
    (3, "Put the cat from picture 1 and the dog from picture 2 on the sofa from picture 3.",
     {"action": "Put the cat from picture 1."}),
]  # fmt: skip


@pytest.mark.parametrize(("count", "text", "parts"), ROLES)
def test_pictures_have_the_roles_that_the_text_gives_them(count, text, parts):
    pixels = np.full((8, 8, 3), 90, np.uint8)
    pictures = [
        Condition("image", Image(pixels), "PNG", role="identity", number=number + 1)
        for number in range(count)
    ]
    assert composed(text, parts, pictures) == parts
