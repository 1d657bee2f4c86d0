from collections import Counter

from any2caption.captions.lexicon import CAMERAS, SLOTS
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.world import COMBINATIONS, sample_scene

SCENES = [sample_scene(1, index) for index in range(3000)]


def test_sampling_is_a_pure_function_of_seed_and_index():
    assert SCENES[:50] == [sample_scene(1, index) for index in range(50)]
    assert SCENES[:50] != [sample_scene(2, index) for index in range(50)]


def test_every_value_of_every_slot_appears():
    for slot in SLOTS.values():
        seen = {key for scene in SCENES for key in scene.keys(slot.name)}
        assert seen == {term.key for term in slot.terms}


def test_a_fifth_to_a_quarter_of_the_cameras_combine_two_movements():
    combined = sum(len(scene.camera) == 2 for scene in SCENES) / len(SCENES)
    assert 0.19 < combined < 0.26
    assert {scene.camera for scene in SCENES if len(scene.camera) == 2} == set(COMBINATIONS)


def test_an_orbit_is_never_called_a_combination():
    assert ("truck_left", "pan_right") not in COMBINATIONS
    assert ("truck_right", "pan_left") not in COMBINATIONS
    assert len(CAMERAS) == 17


def test_equal_compositions_get_equal_captions_and_different_ones_differ():
    by_composition = {}
    for scene in SCENES:
        caption = by_composition.setdefault(scene.composition, caption_of(scene))
        assert caption == caption_of(scene)
    captions = Counter(caption.model_dump_json() for caption in by_composition.values())
    assert max(captions.values()) == 1


def test_captions_have_the_length_of_a_hundred_words_or_more():
    words = [
        sum(len(part.split()) for part in caption_of(scene).model_dump().values())
        for scene in SCENES
    ]
    assert 100 <= sum(words) / len(words) <= 140
