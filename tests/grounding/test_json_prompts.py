"""Prompts that are JSON objects."""

import re

import pytest

from any2caption.captions.schema import PARTS
from any2caption.grounding.words.json_prompt import as_sentences

from .composing import composed

SCENE = """{
  "scene": "A rainy street in Tokyo at night.",
  "camera": {"movement": "slow dolly in", "lens": "35mm"},
  "characters": ["a woman in a red coat", "a small dog"],
  "duration": 8,
  "negative_prompt": "text, logos"
}"""


def test_a_json_object_is_read_as_labelled_sentences():
    said = composed(SCENE, PARTS)
    assert said["dense"] == (
        "Scene: A rainy street in Tokyo at night. Camera movement: slow dolly in. Lens: 35mm. "
        "Characters: a woman in a red coat, a small dog. Duration: 8. Negative prompt: text, logos."
    )
    assert said["main_object"] == (
        "The main subjects are a woman in a red coat and a small dog. "
        "There is no text and no logos."
    )
    assert said["background"] == "The setting is a rainy street in Tokyo at night."
    assert said["camera"] == "The camera makes a slow dolly in. The shot is 35mm."


def words(text):
    return [(one.start(), one.group().casefold()) for one in re.finditer(r"[^\W_]+", text)]


def test_every_word_keeps_its_place():
    assert words(as_sentences(SCENE)) == words(SCENE)


@pytest.mark.parametrize(
    "text",
    ["{broken", '["a", "b"]', 'A sign says {"open"}', '{"a": "an \\n escape"}', "{" * 8000],
)
def test_what_is_no_object_of_words_stays(text):
    assert as_sentences(text) == text


def test_a_deep_object_ends():
    deep = '{"a": ' * 1000 + '"b"' + "}" * 1000
    assert words(as_sentences(deep)) == words(deep)


LABELS = [
    ("Camera lens: 35mm. Character design: a robot with one eye. Background music: jazz.",
     {"main_object": "The main subject is a robot with one eye.", "camera": "The shot is 35mm."}),
    ("A man waves. Duration: 8 seconds. Clothing: a red coat. Aspect ratio: 16:9. Audio: birdsong.",
     {"main_object": "The main subjects are a man and a red coat."}),
    ("A cat sleeps. Prohibited elements: subtitles",
     {"main_object": "The main subject is a cat. There are no subtitles."}),
    ("1950s commercial style: a smiling housewife presents a toaster",
     {"style": "The style is 1950s commercial.",
      "action": "The housewife presents a toaster."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), LABELS)
def test_labels_of_several_words_are_no_things(text, parts):
    assert composed(text, parts) == parts
