import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.grammar import DENSE_LIMIT, PART_LIMIT
from any2caption.captions.schema import PARTS
from any2caption.captions.text import parse, render
from any2caption.conditions.camera.vocabulary import PHRASES
from any2caption.conditions.fact import ASPECTS, Fact, Source
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Conflict, Facts
from any2caption.grounding.words import missing_words, read_text

from .composing import DEMO, asked, demo, identity, layout, path, people, pose_action, said, texts
from .test_words import short_prompts

LENGTHS = ("short", "medium", "long")
MODES = ("off", "fill", "rewrite")


def test_the_demos_request_keeps_words_pictures_pose_path_and_layout():
    parts = texts(compose(demo()))
    assert parts["dense"].startswith(DEMO)
    for words in (
        "The dog is the one of picture 1.",
        "One person raises the right arm and the right leg.",
        "Another person keeps still.",
        "near surfaces at the lower left and open space in the middle",
        "The camera dollies in while trucking left and panning right, then pans left.",
    ):
        assert words in parts["dense"]
    assert "a dog (as in picture 1), a small red cartoon figure" in parts["main_object"]
    assert parts["background"].startswith("The scene is set in a quiet kitchen, with near surfaces")
    assert parts["action"].startswith("The dog meets a small red cartoon figure.")
    assert parts["camera"].endswith("panning right, then pans left.")


def test_every_sentence_has_its_source_or_is_marked():
    for length in LENGTHS:
        for part in compose(demo(), length=length).parts.values():
            for one in part:
                assert (one.origin == "invented") != bool(one.sources)


def test_sources_are_those_of_the_facts_said():
    sentences = {one.text: one for one in compose(demo()).parts["action"]}
    pose = sentences["One person raises the right arm and the right leg."]
    assert {source.input for source in pose.sources} == {"pose 1"}
    first = compose(demo()).parts["dense"][0]
    assert first.sources == (Source("text", characters=(0, len(DEMO))),)


def test_short_has_one_sentence_a_part_beside_the_users_own():
    facts = demo()
    more = (*facts.found, layout("surfaces about two metres away"))
    grounded = compose(Facts(facts.text, more), length="short")
    assert len(grounded.parts["dense"]) == 2
    assert all(len(grounded.parts[part]) <= 2 for part in PARTS)
    assert grounded.notes == ("left out at length short: depth 1: surfaces about two metres away",)


def test_long_says_no_less_than_medium():
    medium, long = texts(compose(demo())), texts(compose(demo(), length="long"))
    for part in PARTS:
        assert set(re.findall(r"\w+", medium[part])) <= set(re.findall(r"\w+", long[part]))
    assert "keeps still throughout" in long["action"]


def test_movements_read_back_in_order_whatever_they_are():
    draw = random.Random(7)  # noqa: S311 - no secret
    keys = sorted(PHRASES)
    for _ in range(3000):
        chosen = [draw.choice(keys) for _ in range(draw.randint(1, 9))]
        chosen = [key for at, key in enumerate(chosen) if at == 0 or chosen[at - 1] != key]
        fact = path("as no reader reads it", *chosen)
        for length in LENGTHS:
            part = texts(compose(Facts("", (fact,)), length=length))["camera"]
            assert read_camera(part).keys == tuple(chosen), part


def test_a_path_that_comes_back_is_told_by_its_stages():
    fact = path(
        "at first pans left, in the middle dollies in, in the end pans left", "pan_left", "dolly_in"
    )
    part = texts(compose(Facts("", (fact,))))["camera"]
    assert part == (
        "At first the camera pans left, in the middle it dollies in, and in the end it pans left."
    )


@pytest.mark.parametrize(
    ("text", "wish", "dense"),
    [
        ("a red cup, camera pans left", "camera pans left", "A red cup."),
        (
            "The camera pans left. A cup stands there.",
            "The camera pans left",
            "A cup stands there.",
        ),
        ("a cup, the camera slowly pans left, at dusk", "pans left", "A cup, at dusk."),
        ("the camera pans left to show a cup", "pans left", "The camera moves to show a cup."),
        ("The camera pans left as a cat runs.", "The camera pans left", "A cat runs."),
        ("As the camera pans left, a cat runs.", "camera pans left", "A cat runs."),
        ("A cat runs while the camera pans left.", "the camera pans left", "A cat runs."),
        (
            "The camera pans left, revealing a cup.",
            "pans left",
            "The camera moves, revealing a cup.",
        ),
        (
            "slow pan left on a cup on a hill",
            "slow pan left on a cup on a hill",
            "A shot of a cup on a hill.",
        ),
        (
            "The camera zooms in to reveal a cup, then pans left.",
            "The camera zooms in to reveal a cup, then pans left",
            "The camera moves to reveal a cup.",
        ),
        (
            "As the camera pans left, it captures the rising sun.",
            "camera pans left",
            "The camera captures the rising sun.",
        ),
        (
            "The camera continues to pan left, the mist rising from a lake.",
            "continues to pan left, the mist rising from a lake",
            "The camera continues to move, the mist rising from a lake.",
        ),
        ("Panning left over a lake.", "Panning left", "Moving over a lake."),
    ],
)
def test_an_overruled_camera_wish_leaves_the_dense_part_and_nothing_else_does(text, wish, dense):
    asked = said(text, wish, "camera", {"keys": ["pan_left"]})
    followed = path("tilts up", "tilt_up")
    conflict = Conflict(followed, asked, "the text asks for a pan left; camera 1 tilts up")
    grounded = compose(Facts(text, (asked, followed), (conflict,)))
    assert texts(grounded)["dense"] == f"{dense} The camera tilts up."
    assert texts(grounded)["camera"] == "The camera tilts up."
    assert grounded.conflicts == (conflict.text,)


def test_a_number_that_a_pose_overrules_is_told_anew_with_its_verb():
    text = "Three young people dance in a park."
    noun = {"noun": "people", "number": 3, "attributes": ["young"], "role": "subject"}
    subject = said(text, "Three young people", "subject", noun)
    dance = said(text, "dance", "action", {"verb": "dance", "who": "people", "form": "base"})
    one = people(1)
    conflict = Conflict(one, subject, "the text says three people; pose 1 shows one person")
    parts = texts(compose(Facts(text, (subject, dance, one), (conflict,))))
    assert parts["dense"] == "One young person dances in a park."
    assert parts["main_object"] == "The main subject is one young person."
    assert parts["action"] == "The person dances."


@pytest.mark.parametrize(
    ("text", "form", "shown", "dense"),
    [
        ("A man runs quickly in a park.", "finite", "walks", "A man walks quickly in a park."),
        ("A man running in a park.", "participle", "sits", "A man sitting in a park."),
    ],
)
def test_an_action_that_a_pose_overrules_is_told_anew_in_the_same_form(text, form, shown, dense):
    words = text.removeprefix("A man ").removesuffix(" in a park.")
    asked = said(text, words, "action", {"verb": "run", "who": "man", "form": form})
    man = said(text, "A man", "subject", {"noun": "man", "number": 1})
    pose = pose_action(shown)
    conflict = Conflict(pose, asked, "the text says runs; pose 1 shows another")
    parts = texts(compose(Facts(text, (man, asked, pose), (conflict,))))
    assert parts["dense"] == dense
    assert parts["action"] == f"The man {shown}."


def test_the_other_side_of_a_pose_is_told_once():
    text = "A woman waves with the left hand."
    asked = said(text, "waves with the left hand", "action", {"verb": "wave", "form": "finite"})
    pose = pose_action("waves with the right hand")
    facts = Facts(text, (asked, pose), (Conflict(pose, asked, "left; right"),))
    assert texts(compose(facts))["dense"] == "A woman waves with the right hand."
    assert pose.source in compose(facts).parts["dense"][0].sources


def test_what_must_not_be_there_but_is_leaves_the_text():
    text = "An empty street without people, at night"
    asked = said(text, "without people", "subject", {"noun": "people"}, negated=True)
    shown = Fact("subject", "two people", Source("region 1"), {"noun": "person", "number": 2})
    facts = Facts(text, (asked, shown), (Conflict(shown, asked, "no people; two people"),))
    assert texts(compose(facts))["dense"] == (
        "An empty street, at night. The scene shows two people."
    )


def test_framing_stays_beside_a_path_and_a_movement_of_the_text_does_not():
    text = "a close up of a cup, camera pans left"
    facts = (
        said(text, "close up", "camera", {"keys": []}),
        said(text, "camera pans left", "camera", {"keys": ["pan_left"]}),
    )
    assert "pans left" in texts(compose(Facts(text, facts)))["camera"].casefold()
    part = texts(compose(Facts(text, (*facts, path("tilts up", "tilt_up")))))["camera"]
    assert read_camera(part).keys == ("tilt_up",)
    assert "close up" in part


def test_the_texts_person_does_what_the_pose_shows():
    text = "an old astronaut in a garden"
    subject = said(text, "an old astronaut", "subject", {"noun": "astronaut", "number": 1})
    facts = (subject, people(1), pose_action("waves with the left hand"))
    assert texts(compose(Facts(text, facts)))["action"] == (
        "The astronaut waves with the left hand."
    )
    assert "one person" not in texts(compose(Facts(text, facts)))["main_object"]


def test_somebody_does_what_the_pose_shows_where_the_text_has_nobody_or_several():
    text = "a man beside a woman"
    man = said(text, "a man", "subject", {"noun": "man", "number": 1})
    woman = said(text, "a woman", "subject", {"noun": "woman", "number": 1})
    waves = pose_action("waves with the left hand")
    for facts in ((waves,), (man, woman, waves)):
        assert "A person waves with the left hand." in texts(compose(Facts(text, facts)))["action"]


def test_several_people_are_told_apart_by_place():
    text = "two dancers on a stage"
    dancers = said(text, "two dancers", "subject", {"noun": "dancers", "number": 2})
    facts = (
        dancers,
        people(2),
        pose_action("jumps", "the person on the left", 0.0, 0.3),
        pose_action("claps", "the person on the left", 0.5, 1.0),
        pose_action("kneels down", "the person on the right"),
    )
    part = texts(compose(Facts(text, facts)))["action"]
    assert part == "The dancer on the left jumps, then claps. The dancer on the right kneels down."


def test_first_camera_and_first_pose_are_followed_and_the_others_told():
    facts = (
        path("tilts up", "tilt_up"),
        path("pans left", "pan_left", name="camera 2"),
        pose_action("claps"),
        pose_action("kneels", name="pose 2"),
    )
    grounded = compose(Facts("", facts))
    assert texts(grounded)["camera"] == "The camera tilts up."
    assert "kneels" not in texts(grounded)["action"]
    assert "camera 2 is not in the caption: camera 1 is followed" in grounded.notes
    assert "pose 2 is not in the caption: pose 1 is followed" in grounded.notes


def test_people_of_a_pose_are_those_of_the_text():
    text = "a person and a cat"
    facts = (
        said(text, "a person", "subject", {"noun": "person", "number": 1}),
        said(text, "a cat", "subject", {"noun": "cat", "number": 1}),
    )
    parts = texts(compose(Facts(text, (*facts, people(1)))))
    assert parts["main_object"] == "The main subjects are a person and a cat."
    parts = texts(compose(Facts(text, (*facts, people(3)))))
    assert parts["main_object"] == (
        "The main subjects are a person and a cat. There are three people in all."
    )


def test_negations_stay_negations():
    text = "A quiet street, no people."
    facts = (
        said(text, "A quiet street", "background", {"place": "street"}),
        said(text, "people", "subject", {"noun": "people"}, negated=True),
    )
    grounded = compose(Facts(text, facts))
    assert texts(grounded)["dense"].startswith(text)
    assert texts(grounded)["main_object"] == "There are no people."


def test_written_text_is_quoted():
    text = 'a sign that says "OPEN"'
    fact = said(text, "OPEN", "written_text", {"written": "OPEN"})
    assert "“OPEN”" in texts(compose(Facts(text, (fact,))))["main_object"]


def test_off_adds_nothing_and_says_exact_facts_only():
    grounded = compose(demo(), mode="off")
    whole = " ".join(texts(grounded).values())
    assert "near surfaces" not in whole
    assert "raises" not in whole
    assert "trucking left" in whole
    assert any("left out in mode off" in note for note in grounded.notes)


def test_what_nothing_determines_is_marked_as_invented():
    for mode in MODES:
        for facts in (Facts("", ()), Facts("一个人在骑自行车", ())):
            grounded = compose(facts, mode=mode)
            parts = set(PARTS) if not facts.text else set(PARTS) - {"dense"}
            invented = {part for part in PARTS if grounded.parts[part][0].origin == "invented"}
            assert invented == parts
            assert read_camera(texts(grounded)["camera"]).keys == ()


def test_another_language_is_kept_word_for_word():
    facts = Facts("一个人在骑自行车", (path("tilts up", "tilt_up"),), notes=("not English",))
    grounded = compose(facts)
    assert texts(grounded)["dense"] == "一个人在骑自行车。 The camera tilts up."
    assert "not English" in grounded.notes


def test_a_paragraph_is_the_dense_part_and_its_sentences_fill_the_parts():
    first = "A black cat" + " with a long tail and green eyes" * 4 + " sits on a fence."
    second = "In the background lies a quiet garden at dawn" + ", still and full of dew" * 4 + "."
    text = f"{first} {second} The cat jumps down and stretches."
    facts = (
        said(text, "A black cat", "subject", {"noun": "cat", "number": 1}),
        said(text, "a quiet garden", "background"),
        said(text, "at dawn", "background"),
        said(text, "jumps down", "action", {"who": "the cat"}),
        said(text, "stretches", "action", {"who": "the cat"}),
    )
    parts = texts(compose(Facts(text, facts)))
    assert parts["dense"] == text
    assert parts["main_object"] == first
    assert parts["background"] == second
    assert parts["action"] == "The cat jumps down and stretches."


def test_a_prompt_beyond_the_limit_is_told():
    text = " ".join(f"Sentence number {at} tells of a thing." for at in range(300))
    grounded = compose(Facts(text, (path("tilts up", "tilt_up"),)))
    assert len(texts(grounded)["dense"]) <= DENSE_LIMIT
    assert texts(grounded)["dense"].startswith("Sentence number 0 tells")
    assert any(note.startswith("dense:") and "did not fit" in note for note in grounded.notes)
    assert texts(grounded)["camera"] == "The camera tilts up."
    assert len(texts(compose(Facts("word " * 1600, ())))["dense"]) <= DENSE_LIMIT


def test_pictures_for_frames_and_reference_say_what_they_are_for():
    value = {"place": None, "condition": "picture 1", "role": "first_frame"}
    first = Fact("background", "in the scene of picture 1", Source("picture 1"), value)
    look = {"noun": None, "condition": "picture 2", "role": "reference"}
    other = Fact("identity", "what picture 2 shows", Source("picture 2"), look)
    parts = texts(compose(Facts("", (first, other, identity("picture 3")))))
    assert "The video begins with picture 1." in parts["background"]
    assert "The scene follows picture 2." in parts["main_object"]
    assert "The subject of picture 3 keeps its look." in parts["main_object"]


def test_layouts_of_conditions_alone():
    facts = (layout("a small dog at the lower left"), layout("surfaces about two metres away"))
    assert texts(compose(Facts("", facts)))["background"] == (
        "The scene has a small dog at the lower left and surfaces about two metres away."
    )


words = st.text(max_size=30) | st.sampled_from(
    ["a dog", "two people", "waves", "is running", "in a park", "pans left", "no", "…", "“”", "a"]
)
sources = st.builds(
    Source,
    st.sampled_from(["text", "camera 1", "camera 2", "pose 1", "picture 1", "depth 1", "motion 1"]),
    characters=st.none() | st.tuples(st.integers(0, 40), st.integers(0, 60)),
)
values = st.dictionaries(
    st.sampled_from(["noun", "who", "condition", "role", "left", "written", "start", "number"]),
    words | st.none() | st.integers(0, 3),
) | st.builds(lambda keys: {"keys": keys}, st.lists(st.sampled_from(sorted(PHRASES)), max_size=8))
any_fact = st.builds(
    Fact,
    st.sampled_from(ASPECTS),
    words,
    sources,
    values,
    st.sampled_from(["exact", "measured", "estimated"]),
    st.floats(0, 1),
    st.booleans(),
)


@settings(max_examples=400, deadline=None)
@given(
    st.text(max_size=200) | words,
    st.lists(any_fact, max_size=12).map(tuple),
    st.sampled_from(LENGTHS),
    st.sampled_from(MODES),
    st.data(),
)
def test_any_facts_make_six_parts_of_sentences_within_the_limits(text, found, length, mode, data):
    conflicts = ()
    if found:
        one, other = data.draw(st.sampled_from(found)), data.draw(st.sampled_from(found))
        conflicts = (Conflict(one, other, "they disagree"),)
    facts = Facts(text, found, conflicts)
    grounded = compose(facts, length=length, mode=mode)
    assert grounded == compose(facts, length=length, mode=mode)
    for part in PARTS:
        for one in grounded.parts[part]:
            assert re.search(r"[.!?…。！？][\"'”’»)\]」』）]*$", one.text), one.text
            assert one.text == " ".join(one.text.split())
        limit = DENSE_LIMIT if part == "dense" else PART_LIMIT
        assert 0 < len(texts(grounded)[part]) <= limit
    assert parse(render(grounded.caption)) == grounded.caption


def test_every_content_word_of_real_prompts_is_in_the_dense_part():
    for text in set(short_prompts()):
        found, notes = read_text(text)
        grounded = compose(Facts(text, found, notes=notes), length="short")
        assert missing_words(text, texts(grounded)["dense"]) == []


def test_a_prompt_that_no_path_overrules_stands_in_the_dense_part_word_for_word():
    text = "snow rocky mountains. A castle (old) on a hill, camera pans left, no people"
    found, notes = read_text(text)
    for length in LENGTHS:
        for mode in MODES:
            grounded = compose(Facts(text, found, notes=notes), length=length, mode=mode)
            assert texts(grounded)["dense"] == (
                "Snow rocky mountains. A castle (old) on a hill, camera pans left, no people."
            )


@pytest.mark.parametrize("mode", ["fill", "rewrite"])
@pytest.mark.parametrize(
    "facts",
    [
        asked("", path("pans left", "pan_left")),
        asked("", pose_action("bends forward")),
        asked("", layout("near surfaces on the left and open space on the right")),
        asked("dancing"),
        asked("someone knocks on a door; nobody answers"),
        asked("The camera orbits around an old lighthouse. Waves crash on the rocks. No people."),
    ],
)
def test_no_two_parts_are_the_same(facts, mode):
    grounded = compose(facts, mode=mode)

    assert len(set(texts(grounded).values())) == len(PARTS)
    if facts.text:
        assert grounded.parts["dense"][0].sources


def test_a_scene_reaches_as_far_as_its_depth():
    near = layout("near surfaces at the bottom and open space above")
    far = layout("surfaces from about one metre to about three metres away", certainty="exact")
    facts = asked("a quiet street", near, far)

    reach = "from about one metre to about three metres away."
    assert f"open space above, and reaches {reach}" in texts(compose(facts))["dense"]
    assert texts(compose(facts))["background"].endswith(f"open space above. It reaches {reach}")
    assert texts(compose(facts, mode="off"))["background"].endswith(f"with surfaces {reach}")


def test_who_is_shown_is_shown_where_they_stand():
    dog = Fact("count", "one dog", Source("region 1"), {"noun": "dog", "number": 1})
    dense = texts(compose(asked("the moon", dog, layout("a dog at the upper left", "region 1"))))

    assert dense["dense"] == "The moon. The scene shows a dog at the upper left."

    cat = Fact("count", "one cat", Source("region 1"), {"noun": "cat", "number": 1})
    both = layout("a dog at the upper left and a small cat in the middle", "region 1")
    dense = texts(compose(asked("the moon", dog, cat, both)))["dense"]
    assert dense == f"The moon. The scene shows {both.text}."

    things = Fact("count", "two dogs", Source("region 1"), {"noun": "dog", "number": 2})
    both = layout("two dogs in the middle", "region 1")
    dense = texts(compose(asked("the moon", things, both)))["dense"]
    assert dense == "The moon. The scene shows two dogs in the middle."


def test_a_particle_goes_with_the_verb_that_is_overruled():
    text = "A woman sits down on a bench, opens a book."
    found, _ = read_text(text)
    sits = next(fact for fact in found if fact.text.startswith("sits"))
    walks = pose_action("walks backward")
    facts = Facts(text, (*found, walks), (Conflict(walks, sits, "sits; walks"),))

    assert texts(compose(facts))["dense"].startswith("A woman walks backward on a bench, opens")


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("A video of a parrot on a branch.", "Light and colour stay consistent throughout."),
        ("video of a kayak boat in a river", "Light and colour stay consistent throughout."),
        ("A short clip of a parrot.", "Light and colour stay consistent throughout."),
        ("A cinematic video of a parrot.", "The style is cinematic."),
    ],
)
def test_that_it_is_a_video_is_no_style(text, style):
    assert compose(asked(text)).caption.style == style
