"""Scenes in open words: what prompts state is in their captions, and nothing else is."""

from itertools import combinations

import pytest

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.lexicon import answer
from any2caption.captions.schema import PARTS
from any2caption.captions.text import render
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.open_scenes import (
    is_open,
    open_caption,
    open_prompt,
    open_scene,
    retold,
)
from any2caption.datasets.synthetic.open_words import KINDS
from any2caption.datasets.synthetic.recording import RECORDS_PER_SCENE, scene_files
from any2caption.datasets.synthetic.world import sample_scene
from any2caption.grounding.check import check
from any2caption.grounding.gather import gather
from any2caption.grounding.stand_ins import Spelled, stand_ins
from any2caption.grounding.words.content import content_words, missing_words

SCENES = [scene for scene in (sample_scene(5, index) for index in range(1200)) if is_open(scene)]


def opened(scene, number):
    """The records of a scene that are in open words."""
    return scene_files(scene, number, "x").records[RECORDS_PER_SCENE:]


def whole(caption):
    return " ".join(getattr(caption, part) for part in PARTS)


def test_so_many_scenes_are_open():
    assert 0.03 < len(SCENES) / 1200 < 0.08


@pytest.mark.parametrize("kept_out", [False, True])
def test_captions_have_every_word_of_their_prompts(kept_out):
    for scene in SCENES:
        told = open_scene(scene, kept_out=kept_out)
        prompt = open_prompt(told)
        assert not missing_words(prompt, whole(open_caption(told, scene))), prompt


def test_the_check_finds_nothing_to_repair_in_captions_without_conditions():
    repaired = []
    for scene in SCENES:
        told = open_scene(scene)
        if told.conditions:
            continue
        prompt = open_prompt(told)
        checked = check(open_caption(told, scene), gather(prompt, []), writer="data")
        repaired += [one for said in checked.parts.values() for one in said
                     if one.origin == "repaired"]  # fmt: skip
    assert not repaired


def test_the_path_s_movements_are_in_the_camera_part():
    for scene in SCENES:
        told = open_scene(scene)
        if "camera" in told.conditions:
            moves = open_caption(told, scene).camera.split(". ")[-1]
            assert tuple(read_camera(moves).keys) == scene.camera


def test_marks_take_what_the_caption_says_and_give_it_back():
    spelled = Spelled.of(["camera"])
    for scene in SCENES:
        told = open_scene(scene)
        caption = render(open_caption(told, scene))
        found = stand_ins(gather(open_prompt(told), []), spelled)
        taken = found.taken_out(caption)
        assert found.put_back(taken) == caption
        assert all(mark in taken for mark in found.words)


def test_words_that_are_kept_out_stand_in_no_record():
    kept = {phrase for words in KINDS.values() for phrase in words.kept_out}
    for number, scene in enumerate(SCENES):
        for record in opened(scene, number):
            text = f"{record.prompt} {render(record.caption)}".casefold()
            assert not [phrase for phrase in kept if phrase in text]


def test_lists_share_no_phrase():
    lists = [set(part) for words in KINDS.values() for part in (words.shown, words.kept_out)]
    assert all(lists)
    for one, other in combinations(lists, 2):
        assert not one & other


def test_records_of_a_scene_differ_in_words_and_media():
    for number, scene in enumerate(SCENES):
        records = opened(scene, number)
        told = [render(record.caption) for record in records]
        paths = [path for one in records for item in one.conditions for path in item.paths]
        assert len(set(told)) == len(told) == RECORDS_PER_SCENE
        assert len(set(paths)) == len(paths)


def test_questions_are_answered_by_words_or_by_a_condition():
    asked = set()
    for number, scene in enumerate(SCENES):
        for record in opened(scene, number):
            told = open_scene(retold(scene, int(record.id[-1])))
            slots = {qa.slot: qa for qa in record.qa}
            assert ("camera" in slots) == ("camera" in told.conditions)
            moves = {"pose", "depth", "video"} & set(told.conditions)
            if moves != {"depth"}:  # four maps alone are no movement
                assert ("action" in slots) == bool(moves and "action" not in told.words)
            for qa in record.qa:
                if qa.sources == ("text",):
                    assert qa.slot.startswith("stated_")
                    assert set(content_words(qa.answer)) <= set(content_words(record.prompt))
                else:
                    assert answer(qa.slot, record.caption) == qa.answer
                    asked |= {(qa.slot, source) for source in qa.sources}
    assert {("style", "image"), ("background", "video"), ("action", "pose")} <= asked


def test_what_the_words_leave_open_is_told_from_the_picture():
    for scene in SCENES:
        told = open_scene(scene)
        if "first_frame" in told.conditions:
            caption, drawn = open_caption(told, scene), caption_of(scene)
            for words, part in (("place", "background"), ("style", "style")):
                shown = getattr(caption, part) == getattr(drawn, part)
                assert shown == (words not in told.words), open_prompt(told)
