"""What people write, and what the parts of its caption say."""

import numpy as np
import pytest

from any2caption.conditions.types import Condition, Image
from any2caption.grounding.compose.composer import compose
from any2caption.grounding.gather import gather

SAID = [
    ("A grandmother teaching her grandson how to knead dough", "action",
     "The grandmother is teaching her grandson how to knead dough."),
    ("Two teenagers skateboard down a hill, one of them falls", "action",
     "The teenagers skateboard down a hill. One of them falls."),
    ("Three dogs run on a beach, two of them carry sticks", "action",
     "The dogs run. Two of them carry sticks."),
    ("A sunflower opening its petals", "action", "The sunflower is opening its petals."),
    ("A robot made of cardboard dances in an empty parking garage", "action", "The robot dances."),
    ("A boy hides behind a tree; his sister counts to ten with her eyes closed", "action",
     "The boy hides behind a tree. His sister counts to ten with her eyes closed."),
    ("A mermaid sits on a rock combing her hair", "action",
     "The mermaid sits on a rock, combing her hair."),
    ("A girl jumps rope, children behind her cheer", "action",
     "The girl jumps rope. The children cheer."),
    ("A woman with red hair and a man with a beard sit opposite each other at a table", "action",
     "The woman and the man sit opposite each other at a table."),
    ("A man with a dog and a cat walks along the river", "action",
     "The man walks along the river."),
    ("A cat wearing sunglasses works as a lifeguard", "main_object",
     "The main subject is a cat wearing sunglasses."),
    ("A runner crosses the line, late for his flight, smoke everywhere", "main_object",
     "The main subjects are a runner and smoke everywhere."),
    ("A violinist plays, the camera circles around her twice", "main_object",
     "The main subject is a violinist."),
    ("Close-up of an old man's hands carving a wooden duck",
     "action", "The hands are carving a wooden duck."),
    ("1920s silent film, a clown slips on a banana peel", "style",
     "The style is 1920s silent film."),
    ("Person on the left waves, person on the right claps", "action",
     "The person on the left waves. The person on the right claps."),
    ("Don't move the camera. A cat sleeps on a sofa.", "camera", "Don't move the camera."),
    ("slow push in on a detective smoking in the rain", "camera",
     "Slow push in on a detective smoking in the rain."),
    ("A man walks out of frame to the left; a second later a woman enters from the right", "action",
     "The man walks out of frame to the left. The woman enters from the right."),
    ("5 penguins slide down an icy hill one after another", "action",
     "The penguins slide down an icy hill one after another."),
    ("A girl with long black hair and a yellow raincoat jumps into puddles", "action",
     "The girl jumps into puddles."),
    ("A surfer rides a giant wave, shot from a helicopter", "camera",
     "The scene is shot from a helicopter."),
    ("a train passing through a tunnel, seen from inside the cabin", "camera",
     "The scene is seen from inside the cabin."),
    ("Underwater scene with a diver and a huge whale passing above her", "action",
     "The whale is passing above her."),
    ("Show the product, a silver watch, rotating on a pedestal", "action",
     "The watch is rotating on a pedestal."),
    ("The man is taller than the woman and wears a hat; she wears none", "action",
     "The man is taller than the woman and wears a hat. She wears none."),
    ("make the woman smile and wave", "action", "The woman smiles and waves."),
    ("A crowd of about fifty people cheering", "action", "The people are cheering."),
    ("On the left, a candle; on the right, a mirror; between them sits a black cat", "action",
     "The cat sits."),
    ("There is a lighthouse on the hill, and waves crash against the rocks below", "action",
     "The waves crash against the rocks below."),
    ("A bird's-eye view of a city at night with cars streaming along the highways", "action",
     "The cars are streaming along the highways."),
    ("the video starts with a close up of an eye and ends with a wide shot of a canyon", "camera",
     "The video starts with a close up of an eye and ends with a wide shot of a canyon."),
    ("A woman in a red dress and a man in a black tuxedo tango across a ballroom", "action",
     "The woman and the man tango across a ballroom."),
    ("A runner ties her shoelaces, stretches, and starts jogging along the river", "action",
     "The runner ties her shoelaces, stretches and starts jogging along the river."),
    ("A skateboarder attempts a kickflip but falls", "action",
     "The skateboarder attempts a kickflip and falls."),
    ("A waiter carrying three plates walks between tables", "action",
     "The waiter is carrying three plates and walks between tables."),
    ("children opening Christmas presents", "action",
     "The children are opening Christmas presents."),
    ("A dog that looks like a mop shakes itself dry", "action", "The dog shakes itself dry."),
    ("The woman who is holding an umbrella crosses the road", "action",
     "The woman crosses the road."),
    ("The robot's left arm is broken, so it waves with its right arm", "action",
     "The robot's left arm is broken. The robot waves with its right arm."),
    ("Two women sit at a table: one reads, one knits", "action",
     "The women sit at a table. One reads. One knits."),
    ("Bride and groom cut the cake while guests applaud", "action",
     "The bride and the groom cut the cake. The guests applaud."),
    ("A goalkeeper dives to the left and catches the ball", "action",
     "The goalkeeper dives to the left and catches the ball."),
    ("The surgeon's gloved hands pass a scalpel", "action", "The hands pass a scalpel."),
    ("two birds building a nest; the camera zooms in slowly", "action",
     "The birds are building a nest."),
    ("A paper airplane lands in a trash can", "action", "The paper airplane lands in a trash can."),
    ("A wolf howls at the full moon on a rocky cliff", "action",
     "The wolf howls at the full moon."),
    ("A frog jumps from one lily pad to another", "action",
     "The frog jumps from one lily pad to another."),
    ("A monk rings a large bronze bell three times", "main_object",
     "The main subjects are a monk and a large bronze bell."),
    ("The train doors close, the train departs", "action",
     "The train doors close. The train departs."),
    ("A tree grows from seed to full height in seconds", "action",
     "The tree grows from seed to full height in seconds."),
    ("Leaves falling from a maple tree, autumn", "background", "It is autumn."),
    ("A person lies on the floor asleep next to a cat", "background",
     "The scene is set on the floor."),
    ("A person lies on the floor asleep next to a cat", "action",
     "The person lies and is asleep next to a cat."),
    ("A man runs after Rex", "action", "The man runs after Rex."),
    ("A dog sleeps. Black and white film.", "style", "The style is black and white film."),
    ("underwater coral reef", "background", "The setting is an underwater coral reef."),
    ("a 1800s victorian house", "background", "The setting is an 1800s victorian house."),
    ("girl walking, street, night, 4k -gs 12 --ar 16:9", "main_object",
     "The main subject is a girl."),
    ("/imagine a phoenix rising from ashes", "action", "The phoenix is rising from ashes."),
    ("an aerial drone shot flying over a lagoon", "camera",
     "The camera is flying over a lagoon. This is an aerial drone shot."),
    ("the woman screams, horror film", "style", "The style is horror film."),
    ("Historical footage of California during the gold rush", "background",
     "The setting is California during the gold rush."),
    ("Several giant wooly mammoths approach treading through a snowy meadow", "main_object",
     "The main subjects are several giant wooly mammoths."),
    ("Five gray wolf pups frolicking around a gravel road, surrounded by grass", "main_object",
     "The main subjects are five gray wolf pups. The wolf pups are surrounded by grass."),
    ("Reflections in the window of a train traveling through a tunnel", "action",
     "The train is traveling through a tunnel."),
    ("A litter of puppies playing in the snow", "action", "The litter of puppies is playing."),
    ("There once was a ship that put to sea", "main_object",
     "The main subject is a ship that put to sea."),
    ("an empty subway platform, flickering lights, no people", "background",
     "There are flickering lights."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "part", "words"), SAID)
def test_a_part_says_who_does_what_and_how_it_is_filmed(text, part, words):
    said = compose(gather(text, ())).parts[part]
    assert " ".join(one.text for one in said) == words


def picture(number):
    pixels = np.full((8, 8, 3), 90, np.uint8)
    return Condition("image", Image(pixels), "PNG", role="identity", number=number)


REFERRED = [
    ("The second image shows my cat; make it jump over a fence",
     {"main_object": "The main subject is my cat (as in picture 2).",
      "action": "My cat jumps over a fence."}),
    ("Picture 1 shows a knight and the second picture shows an elf. The knight fights",
     {"main_object": "subjects are a knight (as in picture 1) and an elf (as in picture 2).",
      "action": "The knight fights."}),
    ("Put the man on the left of image 1 into the kitchen of picture 2, he waves",
     {"main_object": "The main subject is the man (as in picture 1).",
      "background": "The setting is the kitchen of picture 2.", "action": "The man waves."}),
    ("A dog meets a small red cartoon figure",
     {"main_object": "The dog and the cartoon figure are the ones of picture 1 and picture 2."}),
    ("Anna and the dog in image 2 dance under streetlights",
     {"action": "Anna and the dog dance under streetlights."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), REFERRED)
def test_what_is_said_of_a_picture_is_said_of_that_picture(text, parts):
    composed = compose(gather(text, [picture(1), picture(2)]))
    for part, words in parts.items():
        assert words in " ".join(one.text for one in composed.parts[part])
