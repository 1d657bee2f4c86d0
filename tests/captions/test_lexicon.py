import pytest

from any2caption.captions import lexicon
from any2caption.captions.text import render
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.world import COMBINATIONS, sample_scene


def test_forms_of_a_slot_name_one_term_each():
    for slot in lexicon.SLOTS.values():
        forms = [form for term in slot.terms for form in (term.phrase, *term.also)]
        assert len(forms) == len(set(forms)), slot.name


def test_every_form_is_read_as_its_term():
    for slot in lexicon.SLOTS.values():
        for term in slot.terms:
            for form in (term.phrase, *term.also):
                assert lexicon.read(slot.name, f"We see {form}, here.") == term.phrase


def test_gold_captions_say_the_truth_in_every_slot():
    for index in range(300):
        scene = sample_scene(3, index)
        caption = caption_of(scene)
        for slot in lexicon.SLOTS:
            assert lexicon.answer(slot, caption) == scene.answer(slot), (slot, caption)


def test_combined_movements_are_read_in_either_form():
    for keys in COMBINATIONS:
        phrase = lexicon.camera_phrase(keys)
        assert lexicon.read("camera", f"The camera {phrase}.") == phrase
        assert lexicon.read("camera", f"camera {lexicon.camera_gerund(keys)}") == phrase


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        ("shape", "We start during the boxing match"),
        ("count", "Someone alone"),
        ("colour", "bored, a watercolour"),
        ("camera", "the camera"),
    ],
)
def test_parts_of_other_words_are_not_read(slot, text):
    assert lexicon.read(slot, text) is None


def test_labels_of_the_printed_form_are_no_mentions():
    caption = caption_of(sample_scene(3, 0))
    text = render(caption)
    found = lexicon.spans(text)
    starts = {text[m.start : m.end] for m in found}
    assert "object" not in starts
    assert [m.start for m in found] == sorted(m.start for m in found)
    assert {m.slot for m in found} >= {"background", "style", "camera", "action", "colour", "count"}


def test_a_gold_part_mentions_nothing_but_the_truth_of_its_slot():
    for index in range(300):
        scene = sample_scene(5, index)
        caption = caption_of(scene)
        for slot in lexicon.SLOTS.values():
            said = {m.key for m in lexicon.mentions(slot.name, getattr(caption, slot.part))}
            assert said == set(scene.keys(slot.name)), (slot.name, caption)
