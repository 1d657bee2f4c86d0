"""What recognisers see, in a composed caption: never twice, never against the user's words."""

from types import SimpleNamespace

import numpy as np
import pytest

from any2caption.captions.text import render
from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.types import Condition, Image
from any2caption.grounding.gather import gather
from any2caption.grounding.options import Options
from any2caption.grounding.writers import answer


def picture(number=1, role="identity"):
    return Condition("image", Image(np.full((8, 8, 3), 128, np.uint8)), "png", role, number)


def seen(noun, kind="", number=1, confidence=0.9, names=()):
    name, known = f"picture {number}", {"noun": noun, "kind": kind, "names": [noun, kind, *names]}
    sure = {"certainty": "estimated", "confidence": confidence}
    return [
        Fact("subject", f"a {noun}", Source(name), {**known, "number": None}, **sure),
        Fact(
            "identity",
            f"the {noun} of {name}",
            Source(name),
            {**known, "condition": name, "role": "identity"},
            **sure,
        ),
    ]


def caption(text, *facts, pictures=1, **options):
    given = [picture(number) for number in range(1, pictures + 1)]
    looked = dict.fromkeys((fact.source.input for fact in facts), "")
    facts = gather(text, given, seen=facts, looked=looked)
    return SimpleNamespace(facts=facts, caption=answer(facts, Options.read(options)).caption)


def test_a_picture_of_a_corgi_is_the_dog_of_the_text():
    dense = caption("A dog sleeps in a kitchen.", *seen("dog", "corgi")).caption.dense
    assert "The dog is the one of picture 1, probably a corgi." in dense
    assert dense.casefold().count("a dog") == 1


@pytest.mark.parametrize("noun", ["corgi", "puppy", "dog"])
def test_another_word_for_the_same_is_no_second_subject(noun):
    written = caption(f"A {noun} sleeps.", *seen("dog", "corgi"))
    assert written.facts.conflicts == ()
    assert f"The main subject is a {noun} (as in picture 1" in written.caption.main_object
    assert written.caption.main_object.count("picture 1") == 1


def test_without_a_text_what_is_seen_is_the_subject():
    written = caption("", *seen("dog", "corgi")).caption
    assert written.dense.startswith("The scene shows a dog.")
    assert "the subject of picture 1" not in render(written).casefold()


def test_a_cat_that_is_clearly_a_dog_is_told_and_the_text_is_followed():
    written = caption("A cat runs.", *seen("dog"))
    (conflict,) = written.facts.conflicts
    assert conflict.text == (
        "the text names a cat; picture 1 seems to show a dog: the text was followed"
    )
    assert "dog" not in render(written.caption).casefold()


def test_a_doubtful_dog_is_no_conflict():
    assert caption("A cat runs.", *seen("dog", confidence=0.6)).facts.conflicts == ()


def test_two_animals_find_their_pictures_in_any_order():
    facts = [*seen("cat", number=1), *seen("dog", number=2)]
    written = caption("A dog meets a cat.", *facts, pictures=2)
    assert written.facts.conflicts == ()
    assert "a dog (as in picture 2) and a cat (as in picture 1)" in written.caption.main_object


def test_a_picture_of_something_else_is_not_given_to_the_only_person():
    dense = caption("A woman walks.", *seen("dog")).caption.dense
    assert "woman is the one of picture 1" not in dense
    assert "The dog of picture 1 keeps its look." in dense


def test_the_nameless_picture_goes_to_who_is_left():
    written = caption("A dog meets a robot.", *seen("dog", number=1), pictures=2)
    assert "The robot is the one of picture 2." in written.caption.dense


def test_estimates_stay_out_of_mode_off():
    written = caption("", *seen("dog"), mode="off")
    assert "dog" not in render(written.caption).casefold()


def test_who_was_not_looked_at_and_who_was_not_recognised_are_told_apart():
    given = [picture(1), picture(2), picture(3)]
    facts = gather("x", given, seen=seen("dog"), looked={"picture 1": "", "picture 2": "no answer"})
    assert "what picture 3 shows was not looked at" in facts.notes
    assert "no answer" in facts.notes
    assert not any("picture 1" in note for note in facts.notes)


def test_words_in_a_picture_are_quoted_and_not_said_twice():
    line = Fact("written_text", "OPEN", Source("picture 1"), {"written": "OPEN"}, "estimated", 0.9)
    assert "“OPEN” can be read" in caption("A dog sleeps.", line).caption.main_object
    both = caption('A sign that says "OPEN" hangs over a door.', line).caption.main_object
    assert both.count("“OPEN”") <= 1
