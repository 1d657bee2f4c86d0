import json

import numpy as np
import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_condition
from any2caption.errors import ConfigError
from any2caption.grounding.gather import gather
from any2caption.grounding.stand_ins import MARKS, StandIns, stated
from any2caption.storage import open_store
from any2caption.training.data.prepared import Prepared
from any2caption.training.data.slot_labels import answer_classes, determined, slot_tokens
from any2caption.training.prepare import prepared_folder
from any2caption.training.prepare.as_read import as_read
from any2caption.training.prepare.item_index import TrainingRecords
from any2caption.training.prepare.preparation import Preparation
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import PAPER, TINY

from .conftest import tiny_of


def test_no_test_record_is_prepared(data, snapshot):
    ours = {s.id for split in ("train", "validation") for s in data.samples(split)}
    assert ours == {r.id for r in snapshot.records() if r.split != "test"}
    assert not ours & {r.id for r in snapshot.records("test")}
    assert {s.id for s in data.samples("train")} == {r.id for r in snapshot.records("train")}


def test_captions_and_features_are_those_of_the_snapshot(data, snapshot, settings):
    store, processor = open_store(settings.object_store), data.processor()
    samples = {s.id: s for s in data.samples("train")}
    drawn = [r for r in snapshot.records("train") if samples[r.id].prompt == r.prompt]
    for record in drawn[:12]:
        sample = samples[record.id]
        tokens = data.caption_tokens[slice(*sample.span)].tolist()
        assert processor.decode(tokens) == render(record.caption)
        assert tokens[-1] == processor.end_id
        for number, condition in zip(sample.item_numbers, record.conditions, strict=True):
            expected = processor.features(load_condition(store, condition))
            for name, array in data.feature(number).items():
                assert np.array_equal(array, expected[name]), (record.id, name)


def test_open_words_are_marks_in_what_the_model_reads_and_writes(data, snapshot):
    processor, samples = data.processor(), {s.id: s for s in data.samples("train")}
    opened = [r for r in snapshot.records("train") if "stated_" in samples[r.id].prompt]
    assert opened
    for record in opened:
        sample = samples[record.id]
        written = processor.decode(data.caption_tokens[slice(*sample.span)].tolist())
        words = stated(gather(record.prompt, []))
        assert sample.prompt == " ".join(f"{MARKS[part]}." for part in words)
        marks = StandIns("", {MARKS[part]: said for part, said in words.items()})
        assert marks.put_back(written) == render(record.caption)


def test_two_processes_write_the_same(settings, snapshot, folder, tmp_path):
    other = prepare(settings, tiny_of(snapshot.id), tmp_path / "two", workers=2)
    for name in sorted(p.name for p in folder.iterdir()):
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_what_is_there_is_kept_and_what_is_stale_is_made_anew(settings, snapshot, folder):
    marker = folder / "prepared.json"
    before = marker.stat().st_mtime_ns
    prepare(settings, tiny_of(snapshot.id), folder, workers=1)
    assert marker.stat().st_mtime_ns == before
    assert json.loads(marker.read_text())["vocab"] == 1200


def test_equal_conditions_are_stored_once(data):
    used = [
        n for s in [*data.samples("train"), *data.samples("validation")] for n in s.item_numbers
    ]
    assert len(set(used)) == len(data.items) < len(used)


def test_a_combined_movement_has_two_classes():
    assert answer_classes("camera", "trucks left while panning left") == ("truck_left", "pan_left")
    assert answer_classes("mood", "gloomy") == ("gloomy",)


def test_records_without_questions_have_classes_by_what_their_conditions_answer(snapshot):
    def condition(kind, **more):
        return {"kind": kind, "number": 1, "format": "f", "parts": (), "frames": 1, **more}

    caption = dict.fromkeys(PARTS, "Nothing is told.") | {
        "action": "A man walks and waves.",
        "main_object": "A lighthouse on a cliff.",
    }
    moves = ("truck_left", "pan_left")
    record = Record(
        id="r", source="s", licence="CC0-1.0", split="train", prompt="a video",
        conditions=(condition("camera", movements=moves), condition("pose"), condition("image")),
        caption=StructuredCaption(**caption),
    )  # fmt: skip
    assert determined(record) == {
        "camera": {"path": moves},
        "pose": {"deed": ("walking", "waving")},
        "image": {"shown_subject": ("lighthouse",)},
    }
    given = next(record for record in snapshot.records("train") if record.qa)
    slots = {slot for slots in determined(given).values() for slot in slots}
    assert slots <= {qa.slot for qa in given.qa}  # its own, and no others


def test_slot_words_are_marked_and_free_text_counts_in_full():
    text = "1. Dense caption: two red balls."
    assert slot_tokens(text, [(0, 16), (18, 21), (21, 25), (31, 32)]).tolist() == [1, 1, 1, 0]
    assert slot_tokens("nothing known", [(0, 7), (7, 13)]).tolist() == [1, 1]


def big_of(snapshot, recipe):
    return Preparation(snapshot=snapshot.id, preset="qwen2-vl-2b", recipe=recipe)


def test_bigger_presets_need_weights(settings, snapshot, tmp_path):
    with pytest.raises(ConfigError, match="--weights"):
        prepare(settings, big_of(snapshot, PAPER), tmp_path / "x")


def test_a_folder_without_marker_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.prepare"):
        Prepared(tmp_path)


def test_a_recipe_for_another_preset_is_refused_by_name(settings, snapshot, tmp_path):
    with pytest.raises(ConfigError, match=r"recipe tiny is for tiny, not for preset qwen2-vl-2b"):
        prepare(settings, big_of(snapshot, TINY), tmp_path / "x")


def test_the_small_tokenizer_learns_from_records_evenly_spread(
    settings, snapshot, data, tmp_path, monkeypatch
):
    monkeypatch.setattr(prepared_folder, "TOKENIZER_RECORDS", 5)
    texts = []
    train = prepared_folder.train_tokenizer

    def trained(given, *arguments, **named):
        texts.extend(given)
        return train(texts, *arguments, **named)

    monkeypatch.setattr(prepared_folder, "train_tokenizer", trained)
    prepare(settings, tiny_of(snapshot.id), tmp_path / "few", workers=1)
    read = as_read(TrainingRecords(snapshot), tiny_of(snapshot.id))
    records = [record for record in read if record.split == "train"]
    spread = records[:: -(-len(records) // 5)]
    assert texts[: 2 * len(spread) : 2] == [record.prompt for record in spread]
    left_out = {record.prompt for record in records} - {record.prompt for record in spread}
    assert left_out
    assert not left_out & set(texts)
