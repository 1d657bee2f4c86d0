"""Short prompts and their long versions in two files become pairs; what is none is said."""

import json

import pytest

from any2caption.datasets.ingest.shapes.folder import Folder
from any2caption.datasets.ingest.shapes.reader import read_shape

KINDS = {"image", "video", "camera", "motion"}
SHORT = ["a fox", "a red car", "two men walk"]
LONG = ["A red fox runs over snow.", "A red car drives by the sea.", "Two men walk down a hall."]


def read(files, shape=""):
    content = {path: text.encode() for path, text in files.items()}
    folder = Folder("file:///src", list(content), content.__getitem__, KINDS)
    name, drafts = read_shape(folder, shape)
    return name, drafts, folder.notes


def rows(texts, field="prompt"):
    return "\n".join(json.dumps({field: text}) for text in texts)


@pytest.mark.parametrize(
    ("short", "long", "shape"),
    [
        ("original_prompt.jsonl", "beautiful_prompt.jsonl", "table"),
        ("prompts.json", "prompts_enhanced.json", "table"),
        ("short/color.txt", "long_gpt/color_longer.txt", "prompts"),
        ("short/Mechanics.txt", "long/Mechanics.txt", "prompts"),
        (
            "per_dimension/scene.txt",
            "gpt_enhanced/per_dimension_longer/scene_longer.txt",
            "prompts",
        ),
        ("short/color.txt", "long/color.jsonl", "prompts"),
    ],
)
def test_two_files_of_short_and_long_texts_are_pairs(short, long, shape):
    def content(path, texts):
        if path.endswith(".txt"):
            return "\r\n".join(texts)
        return rows(texts) if path.endswith("l") else json.dumps([{"prompt": t} for t in texts])

    name, drafts, notes = read({short: content(short, SHORT), long: content(long, LONG)})
    assert name == shape
    pairs = [(draft.prompt, dict(draft.parts)) for draft in drafts]
    assert pairs == [(s, {"dense": d}) for s, d in zip(SHORT, LONG, strict=True)]
    assert drafts[0].document()["caption_parts"] == {"dense": LONG[0]}
    assert len({draft.id for draft in drafts}) == 3
    assert notes == [f"line k of {long} is the long version of line k of {short}"]


def test_other_texts_and_translations_stay_records_of_their_own():
    files = {
        "short/a.txt": "\n".join(SHORT),
        "long/a_longer.txt": "\n".join(LONG),
        "short_zh/a.txt": "狐狸\n汽车\n两个人",
        "other.txt": "a tree",
    }
    _, drafts, _ = read(files)
    assert len(drafts) == 7
    assert {draft.prompt for draft in drafts if not draft.parts} == {
        "狐狸", "汽车", "两个人", "a tree"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "why", "count"),
    [
        ({"short/a.txt": SHORT[:2], "long/a.txt": LONG}, "have 2 and 3 texts", 5),
        ({"a.txt": LONG, "a_long.txt": SHORT}, "the long ones are not longer", 6),
        ({"a.txt": SHORT, "a_long.txt": [LONG[0], "", LONG[2]]}, "not each text has both", 5),
    ],
)
def test_what_looks_like_versions_and_is_none_is_said(files, why, count):
    short, long = files
    _, drafts, notes = read({path: "\n".join(texts) for path, texts in files.items()})
    assert f"{short} and {long} look like short and long versions, but {why}" in notes
    assert len(drafts) == count
    assert not any(draft.parts for draft in drafts)


def test_texts_that_are_called_short_need_not_be_shorter():
    _, drafts, _ = read({"short/a.txt": "\n".join(LONG), "long/a.txt": "\n".join(SHORT)})
    assert [(draft.prompt, draft.parts["dense"]) for draft in drafts] == list(
        zip(LONG, SHORT, strict=True)
    )


def test_two_lists_of_prompts_for_one_list_of_files_are_versions_too():
    files = {"videos.txt": "a.mp4\nb.mp4", "prompts.txt": "one\ntwo", "a.mp4": "", "b.mp4": ""}
    long = {"prompts_long.txt": "one more word\ntwo more words"}
    name, drafts, _ = read({**files, **long})
    assert name == "lists"
    found = [(draft.prompt, draft.parts["dense"], draft.conditions[0][2]) for draft in drafts]
    assert found == [
        ("one", "one more word", ("a.mp4",)),
        ("two", "two more words", ("b.mp4",)),
    ]
    _, drafts, _ = read(files)
    assert [(draft.prompt, dict(draft.parts)) for draft in drafts] == [("one", {}), ("two", {})]


def test_texts_of_a_table_that_are_lines_of_a_file_are_not_read_twice():
    table = json.dumps([{"prompt_en": "a fox", "color_en": "red"}, {"prompt_en": "a tree"}])
    _, drafts, notes = read({"short.txt": "a fox\na car", "meta.json": table})
    assert sorted(draft.prompt for draft in drafts) == ["a car", "a fox", "a tree"]
    assert "meta.json: 1 of 2 texts are lines of other files" in notes
