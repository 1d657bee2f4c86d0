"""A bundle knows what it was trained on; a request outside is told so, by what lies outside."""

import json

import pytest

from any2caption.errors import IntegrityError
from any2caption.model.bundle import load_bundle, load_scope, save_bundle
from any2caption.model.scope import MOST_WORDS, Scope

PROMPTS = ["A red ball rolls on the grass.", "Two people wave.", "A red car, the camera pans."] * 3
SCOPE = Scope.of(PROMPTS, ["camera", "image"])


@pytest.mark.parametrize("text", ["a red ball", "The people wave on the grass!", ""])
def test_a_prompt_of_trained_words_and_kinds_is_inside(text):
    assert SCOPE.judge(text, ["camera"]).inside
    assert SCOPE.judge(text, []).as_json() == {"inside": True, "why": ""}


def test_unknown_words_are_outside_and_named():
    verdict = SCOPE.judge("Two astronauts wave at a red car, cinematic", ["camera"])
    assert not verdict.inside
    assert verdict.why == (
        "2 of 6 content words are not in the model's training prompts: astronauts, cinematic"
    )


def test_one_unknown_word_among_many_is_inside():
    text = "Two people wave, a red ball rolls on the grass, a car, the camera pans along slowly"
    assert SCOPE.judge(text, []).inside
    assert not SCOPE.judge("a zebra", []).inside


def test_another_form_of_a_known_word_is_known():
    assert SCOPE.judge("A red ball rolling, people waving, camera panning", []).inside


def test_an_unknown_kind_is_outside_whatever_the_words_say():
    verdict = SCOPE.judge("a red ball", ["camera", "sketch", "normal", "text"])
    assert verdict.why == "the model was not trained on normal or sketch conditions"


def test_a_word_seen_once_is_not_known_and_repeats_in_a_prompt_count_once():
    scope = Scope.of(["zebra zebra zebra", *PROMPTS], [])
    assert scope.words["zebra"] == 1
    assert not scope.judge("zebra", []).inside


def test_the_commonest_of_very_many_words_are_kept():
    letters = "abcdefghij"
    names = ["".join(letters[int(d)] for d in f"{n:06d}") for n in range(MOST_WORDS + 10)]
    scope = Scope.of([*names, "usual", "usual"], [])
    assert len(scope.words) == MOST_WORDS
    assert next(iter(scope.words)) == "usual"


def test_a_bundle_carries_its_scope_and_an_older_one_has_none(tmp_path, model, processor):
    new = save_bundle(tmp_path / "new", model, processor, {}, scope=SCOPE)
    old = save_bundle(tmp_path / "old", model, processor, {})
    assert load_scope(new) == SCOPE
    assert load_scope(old) is None
    load_bundle(new)
    (new / "scope.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"scope\.json"):
        load_scope(new)


@pytest.mark.parametrize(
    "content", ["[]", "{", json.dumps({"format": "a2c.scope/9", "kinds": [], "words": {}})]
)
def test_what_is_no_scope_is_refused_by_name(content):
    with pytest.raises(IntegrityError, match=r"^b/scope\.json"):
        Scope.from_json(content, "b/scope.json")
