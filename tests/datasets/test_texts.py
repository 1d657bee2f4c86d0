"""Which of a row's fields is the prompt, and which are parts of the caption."""

import pytest

from any2caption.datasets.ingest.shapes.texts import read_texts

MIRADATA = {
    "short_caption": "A fox.", "dense_caption": "A red fox runs.", "camera_caption": "It pans.",
    "main_object_caption": "A fox.", "background_caption": "Snow.", "style_caption": "Real.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "prompt", "parts"),
    [
        ({"prompt": " a\nfox "}, "a fox", {}),
        ({"caption": "a fox", "width": 3, "text": ""}, "a fox", {}),
        ({"prompt": "a fox", "caption": "A red fox runs."}, "a fox", {"dense": "A red fox runs."}),
        ({"prompt": "a red fox runs", "caption": "A fox."}, "a red fox runs", {}),
        ({"short_prompt": "a fox", "prompt": "A fox runs."}, "a fox", {"dense": "A fox runs."}),
        ({"Prompt": "a fox", "Long Prompt": "A fox runs."}, "a fox", {"dense": "A fox runs."}),
        ({"dense_caption": "A fox runs."}, "", {"dense": "A fox runs."}),
        (
            MIRADATA,
            "A fox.",
            {
                "dense": "A red fox runs.", "main_object": "A fox.", "background": "Snow.",
                "camera": "It pans.", "style": "Real.",
            },
        ),
        (
            {"Movement": "It pans.", "Detailed Interaction": "It pans over a cup on a table.",
             "Concise Interaction": "It pans over a cup."},
            "It pans over a cup.",
            {"dense": "It pans over a cup on a table.", "camera": "It pans."},
        ),
        ({"Movement": "It pans."}, "", {"camera": "It pans."}),
        ({"movement": "walks", "title": "A man."}, "", {}),
        ({"movement": "walks", "prompt": "A man."}, "A man.", {}),
    ],
)  # fmt: skip
def test_the_prompt_and_the_parts_are_told_by_the_fields_names(row, prompt, parts):
    found = read_texts(row)
    assert (found.prompt, found.parts) == (prompt, parts)
    assert bool(found) == bool(prompt or parts)


def test_fields_that_are_taken_are_named_as_they_are_written():
    row = {"Prompt": "a fox", "Dense Caption": "A fox runs.", "notes": "nothing"}
    assert read_texts(row).fields == {"Prompt", "Dense Caption"}
