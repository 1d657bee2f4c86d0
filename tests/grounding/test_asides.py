"""What commas say of a subject in front of its verb; what no longer is; what was never done."""

import pytest

from any2caption.grounding.compose.composer import compose
from any2caption.grounding.gather import gather

from .composing import composed

SAID = [
    ("A man, tall and thin, watches TV.",
     {"main_object": "The main subject is a man, tall and thin.",
      "action": "The man watches TV."}),
    ("Two women, both wearing hats, argue over a parking ticket.",
     {"action": "The women argue over a parking ticket."}),
    ("A little boy and his older sister, both in pyjamas, sneak downstairs.",
     {"action": "The boy and his older sister sneak downstairs."}),
    ("Her dress, which is red at the hem and black at the top, flows in the wind.",
     {"action": "Her dress is red at the hem and black at the top and flows in the wind."}),
    ("The twins, who are dressed alike, dance.",
     {"action": "The twins are dressed alike and dance."}),
    ("A girl, her hair wet, waves.", {"action": "Her hair is wet. The girl waves."}),
    ("A puppy barks while its owner, not amused, watches.",
     {"action": "The puppy barks. Its owner watches. Its owner is not amused."}),
    ("A poodle with pink fur, wearing tiny boots, struts along a catwalk.",
     {"action": "The poodle is wearing tiny boots and struts along a catwalk."}),
    ("A tram, nearly empty, rattles through Budapest at dusk.",
     {"action": "The tram rattles through Budapest."}),
    ("girl, red dress, flowers, waves in the background",
     {"main_object": "The main subjects are a girl, a red dress and flowers."}),
    ("A letter that was never opened lies on the desk",
     {"main_object": "The main subject is a letter that was never opened.",
      "action": "The letter lies on the desk."}),
    ("A woman with a baby on her back and a basket on her head walks along a road.",
     {"action": "The woman walks along a road."}),
    ("The robot no longer moves; dust covers its shoulders.",
     {"main_object": "The main subjects are the robot and dust.",
      "action": "The robot does not move. The dust covers its shoulders."}),
    ("The dog is no longer wet.", {"action": "The dog is not wet."}),
    ("A man who used to be a boxer teaches kids.",
     {"main_object": "The main subjects are a man who used to be a boxer and kids.",
      "action": "The man teaches kids."}),
    ("At first the street is empty; then shopkeepers open their shutters.",
     {"action": "The street is empty. The shopkeepers open their shutters."}),
    ("The door is not painted red. The car is not parked.",
     {"action": "The door is not painted red. The car is not parked."}),
    ("A pan across a bookshelf, from left to right, ending on a photo of a soldier.",
     {"camera": "A pan across a bookshelf, from left to right, ending on a photo of a soldier."}),
    ("Quick zoom on her eyes, then a slow zoom out.",
     {"camera": "Quick zoom on her eyes. A slow zoom out."}),
    ("Camera slowly circles two boxers, neither of whom backs down.",
     {"action": "Neither of them backs down."}),
    ("A bull charges at a matador, who steps aside.",
     {"action": "The bull charges at a matador. The matador steps aside."}),
    ("A man on a rooftop, who waves, falls.", {"action": "The man waves and falls."}),
    ("A farmer and his son, tired and dusty, ride home.",
     {"action": "The farmer and his son ride home."}),
    ("The knight raises his sword but the dragon has already gone.",
     {"action": "The knight raises his sword. The dragon has already gone."}),
    ("At twelve, Cinderella's dress turns into rags.",
     {"action": "Cinderella's dress turns into rags."}),
    ("Nobody is on the beach but a lone surfer.",
     {"main_object": "The main subject is a lone surfer."}),
    ('The chef says "Dinner is ready!" and everyone claps.',
     {"main_object": "The main subject is the chef."}),
    ("The woman in the painting blinks.",
     {"main_object": "The main subject is the woman. The woman is in the painting.",
      "action": "The woman blinks."}),
    ("a whale flying over New York at sunset",
     {"background": "The setting is New York at sunset."}),
    ("View from a plane window: clouds below, a wing on the right.",
     {"main_object": "The main subjects are clouds below and a wing."}),
    ("Pull back through a window to reveal a family.",
     {"camera": "Pull back through a window to reveal a family."}),
    ("Rotating shot around a dancer, who stays perfectly still.",
     {"camera": "The shot is a rotating shot around a dancer.",
      "action": "The dancer stays perfectly still."}),
    ("A pan over a fire, eggs sizzling in it",
     {"main_object": "The main subjects are a pan, a fire and eggs. The pan is over the fire."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), SAID)
def test_who_does_it_is_told_behind_the_aside(text, parts):
    assert composed(text, parts) == parts


def test_a_sentence_of_the_background_stands_in_the_background():
    text = (
        "A vibrant red bicycle stands alone on a cobblestone street, its frame gleaming in the "
        "morning sun. The bike, with its classic design, features a brown leather saddle and "
        "matching grips. In the background, a quaint European town with pastel buildings adds to "
        "the scene. The bicycle's long shadow stretches across the stones, hinting at the early "
        "hour and at a ride to come."
    )
    background = compose(gather(text, ())).parts["background"]
    assert [one.text for one in background] == [text.split(". ")[2] + "."]
