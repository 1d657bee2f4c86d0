import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from any2caption.errors import ConfigError
from any2caption.training.data.collate import Collator
from any2caption.training.data.mixing import Mixture, general_places
from any2caption.training.data.prepared import Prepared
from any2caption.training.prepare.instruction_data import (
    GeneralFile,
    parse_argument,
    parse_row,
    read_general,
)
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import PAPER

from .conftest import tiny_of

HUMAN, MODEL = (
    {"from": "human", "value": "<image>\nWhat is it?"},
    {"from": "gpt", "value": "A cat."},
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """LLaVA-style and Alpaca-style rows, some of which cannot be used."""
    folder = tmp_path_factory.mktemp("general")
    (folder / "coco").mkdir()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(folder / "coco" / "red.png")
    (folder / "coco" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    more = [{"from": "human", "value": "What colour?"}, {"from": "gpt", "value": "Red."}]
    llava = [
        {"id": "1", "image": "coco/red.png", "conversations": [HUMAN, MODEL, *more]},
        {"id": "2", "image": "coco/gone.png", "conversations": [HUMAN, MODEL]},
        {"id": "3", "image": "../outside.png", "conversations": [HUMAN, MODEL]},
        {"id": "4", "image": "coco/bad.png", "conversations": [HUMAN, MODEL]},
        {"id": "5", "conversations": [MODEL, HUMAN]},
    ]
    (folder / "llava.json").write_text(json.dumps(llava))
    alpaca = [
        {"instruction": "Add.", "input": "2 and 3", "output": "5"},
        {"instruction": "Name a colour.", "input": "", "output": "Red."},
        {"instruction": "Say nothing.", "output": ""},
    ]
    lines = [*map(json.dumps, alpaca), "{half a line"]
    (folder / "alpaca.jsonl").write_text("\n".join(lines))
    return [
        GeneralFile(folder / "llava.json", "CC-BY-NC-4.0"),
        GeneralFile(folder / "alpaca.jsonl", "CC-BY-NC-4.0"),
    ]


@pytest.fixture(scope="module")
def mixed(files, settings, snapshot):
    mixing = tiny_of(snapshot.id, general=files)
    return prepare(settings, mixing, settings.home / "mixed", workers=1)


def test_both_formats_are_told_by_content_and_bad_rows_say_why(files):
    rows, refused = read_general(files)
    assert [row.turns for row in rows[:1]] == [
        (("What is it?", "A cat."), ("What colour?", "Red."))
    ]
    assert rows[-2].turns == (("Add.\n2 and 3", "5"),)
    reasons = {(one.file, one.row): one.reason for one in refused}
    assert "is missing" in reasons["llava.json", 2]
    assert "outside" in reasons["llava.json", 3]
    assert "alternate" in reasons["llava.json", 5]
    assert reasons["alpaca.jsonl", 3] == "an empty output"
    assert reasons["alpaca.jsonl", 4] == "not valid JSON"


def test_the_prepared_folder_holds_general_rows_licences_and_the_quarantine(mixed):
    data = Prepared(mixed)
    assert [one.id for one in data.samples("general")] == [
        "llava.json:1", "alpaca.jsonl:1", "alpaca.jsonl:2",
    ]  # fmt: skip
    assert {file["licence"] for file in data.meta["general"]} == {"CC-BY-NC-4.0"}
    kept = [json.loads(line) for line in (mixed / "quarantine.jsonl").read_text().splitlines()]
    assert len(kept) == data.meta["general_refused"] == 6
    assert any(one["row"] == 4 and one["file"] == "llava.json" for one in kept)  # a broken picture


def test_only_the_replies_of_a_conversation_are_learned(mixed):
    data = Prepared(mixed)
    processor = data.processor()
    sample = data.samples("general")[0]
    batch = Collator(data, processor, PAPER.stages[-1], 1)([sample], 0)
    learned = batch.labels[0][batch.labels[0] >= 0].tolist()
    assert learned == [*processor.caption_ids("A cat."), *processor.caption_ids("Red.")]
    assert "What colour?" in processor.decode(batch.input_ids[0].tolist())
    assert batch.vision.shape[0] > 0
    assert not batch.weights[0][batch.labels[0] < 0].any()


@pytest.mark.parametrize(
    ("means", "expected"), [("chance", 0.6), ("share", 0.6), ("relative", 0.375)]
)
def test_the_ratio_is_what_the_recipe_says_it_is(means, expected):
    stage = replace(PAPER.stages[-1], general_ratio=0.6, general_ratio_means=means)
    counts = [general_places(stage, 1, step).sum() for step in range(400)]
    assert np.mean(counts) / stage.batch == pytest.approx(expected, abs=0.02)
    if means == "share":
        assert np.ptp(counts) <= 1
    else:
        assert np.ptp(counts) > 3


def test_mixing_is_a_function_of_seed_step_and_place(mixed):
    data = Prepared(mixed)
    stage = replace(PAPER.stages[-1], batch=8, general_ratio=0.5)
    own, general = data.samples("train"), data.samples("general")
    one, again, other = (Mixture(own, general, stage, seed) for seed in (1, 1, 2))
    steps = range(30)
    assert [one(s).tolist() for s in steps] == [again(s).tolist() for s in reversed(steps)][::-1]
    assert [one(s).tolist() for s in steps] != [other(s).tolist() for s in steps]
    seen = {one.samples[i].general for s in steps for i in one(s)}
    assert seen == {True, False}
    places = general_places(stage, 1, 5)
    assert [one.samples[i].general for i in one(5)] == places.tolist()


def test_without_general_data_or_ratio_the_order_stays(mixed):
    data = Prepared(mixed)
    own = data.samples("train")
    plain = replace(PAPER.stages[-1], batch=8, general_ratio=0.0)
    wants = replace(plain, general_ratio=0.8)
    first = Mixture(own, data.samples("general"), plain, 3)
    assert first(4).tolist() == Mixture(own, [], wants, 3)(4).tolist()


def test_a_file_needs_its_licence_and_a_row(files, tmp_path):
    with pytest.raises(ConfigError, match="state its licence"):
        parse_argument(str(files[0].path))
    with pytest.raises(ConfigError, match="no such file"):
        parse_argument("nowhere.json=MIT")
    assert parse_argument(f"{files[0].path}=MIT").licence == "MIT"
    (tmp_path / "x.json").write_text('[{"text": "?"}]')
    with pytest.raises(ConfigError, match="row 1: neither conversations nor an instruction"):
        read_general([GeneralFile(tmp_path / "x.json", "MIT")])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "a list, not an object"),
        ({"conversations": "hi"}, "not a list"),
        ({"conversations": [{"from": "human"}]}, "without a text value"),
        ({"conversations": [{"from": "cat", "value": "x"}]}, "a turn from 'cat'"),
        ({"conversations": [HUMAN]}, "no reply"),
        ({"instruction": "x" * 30_000, "output": "y"}, "more than"),
        ({"instruction": 3, "output": "y"}, "must be texts"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row, reason, tmp_path):
    assert reason in parse_row(row, "f:1", tmp_path)
