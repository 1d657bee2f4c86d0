import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from any2caption.captions.lexicon import SLOTS, mentions
from any2caption.captions.text import render
from any2caption.commands import run_command
from any2caption.datasets.records import SourceRecord
from any2caption.datasets.synthetic import recording
from any2caption.datasets.synthetic.__main__ import main
from any2caption.datasets.synthetic.corpus import make_corpus, make_scenes
from any2caption.datasets.synthetic.open_scenes import is_open
from any2caption.datasets.synthetic.prompting import prompt_of
from any2caption.datasets.synthetic.world import sample_scene
from any2caption.errors import ConfigError, UnavailableError
from any2caption.storage.memory import MemoryStore


@pytest.fixture(scope="module")
def made():
    lines, files = make_scenes(21, 0, 500)
    return [SourceRecord.model_validate_json(line) for line in lines], files


def scene_of(record):
    return sample_scene(21, int(record.id.split("-")[2]))


@pytest.fixture(scope="module")
def drawn(made):
    """Records of scenes in the world's own words."""
    return [one for one in made[0] if int(one.id[-1]) < recording.RECORDS_PER_SCENE]


def records_of(seed, scenes):
    """How many records a corpus has: four a scene, eight where it is told in open words too."""
    opened = sum(is_open(sample_scene(seed, index)) for index in range(scenes))
    return recording.RECORDS_PER_SCENE * (scenes + opened)


def names_of(record):
    return [item.role if item.kind == "image" else item.kind for item in record.conditions]


def stated_in_prompt(record):
    return {slot for slot in SLOTS if any(mentions(slot, record.prompt))}


def test_records_are_valid_unique_and_labelled_synthetic(made, drawn):
    records, _ = made
    assert len(drawn) == 2000
    assert 2000 < len(records) < 2200
    assert len({record.id for record in records}) == len(records)
    for record in records:
        assert record.synthetic
        assert (record.source, record.licence) == ("synthetic-world", "CC0-1.0")


def test_every_path_is_written_and_every_file_is_used(made):
    records, files = made
    paths = {path for record in records for item in record.conditions for path in item.paths}
    assert paths == set(files)


def test_files_stay_few_per_scene(made):
    _, files = made
    per_scene = Counter(name.split("/")[2] for name in files)
    assert sum(per_scene.values()) / 500 < 8


def test_slots_stated_by_the_prompt_are_exactly_those_with_text_as_a_source(drawn):
    for record in drawn:
        from_text = {qa.slot for qa in record.qa if "text" in qa.sources}
        assert stated_in_prompt(record) - {"kind"} == from_text - {"kind"}, record.prompt
        if "kind" in stated_in_prompt(record):
            assert "kind" in from_text


def test_prompts_leave_out_most_of_what_conditions_state(drawn):
    shares = defaultdict(list)
    for record in drawn:
        for qa in record.qa:
            by_condition = bool(set(qa.sources) - {"text"})
            if qa.slot != "kind":
                shares[by_condition].append("text" in qa.sources)
    assert 0.10 < sum(shares[True]) / len(shares[True]) < 0.20
    applicable = sum(len([s for s in SLOTS if scene_of(r).keys(s)]) for r in drawn)
    assert sum(len(record.qa) for record in drawn) < applicable


def test_slots_that_are_not_stated_do_not_change_a_prompt():
    """Whatever is left out, the number above all, leaves no trace in nouns, verbs or articles."""
    for index in range(400):
        scene = sample_scene(21, index)
        draw = scene.random("test")
        stated = {slot for slot in SLOTS if scene.keys(slot) and draw.random() < 0.5} - {"count"}
        if scene.kind == "person":
            other = replace(scene, count=3 - scene.count)
        else:
            other = replace(scene, count=scene.count % 3 + 1)
        if "colour" not in stated:
            other = replace(other, colour="orange" if scene.colour == "red" else "red")
        if "background" not in stated:
            other = replace(other, background="room" if scene.background == "beach" else "beach")
        if "kind" not in stated and not stated & {"shape", "action"}:
            other = replace(other, kind="object", shape="ball", action="stay")
        prompts = {prompt_of(s, stated, (), scene.random("prompt")) for s in (scene, other)}
        assert len(prompts) == 1


def test_questions_are_asked_only_when_an_input_determines_them(drawn):
    allowed = {
        "text": set(SLOTS),
        "first_frame": {"kind", "colour", "shape", "count", "background", "style"},
        "identity": {"kind", "colour", "shape"},
        "depth": {"kind", "shape", "count", "action"},
        "pose": {"kind", "count", "action"},
        "camera": {"camera"},
        "video": set(SLOTS) - {"camera"},
    }
    for record in drawn:
        kinds = defaultdict(set)
        for item in record.conditions:
            slots = allowed[item.role if item.kind == "image" else item.kind]
            if item.kind == "depth" and len(item.paths) > 1:
                slots = slots - {"action"}
            kinds[item.kind] |= slots
        scene, asked = scene_of(record), {qa.slot: qa for qa in record.qa}
        assert len(asked) == len(record.qa)
        for slot in SLOTS:
            if not scene.keys(slot):
                assert slot not in asked
                continue
            by = {kind for kind, slots in kinds.items() if slot in slots}
            given = set(asked[slot].sources) if slot in asked else set()
            assert given - {"text"} == by
        for qa in record.qa:
            assert qa.answer == scene.answer(qa.slot)
            assert qa.aspect == SLOTS[qa.slot].aspect


def test_records_of_a_scene_share_caption_and_media(drawn):
    by_scene = defaultdict(list)
    for record in drawn:
        by_scene[record.id.rsplit("-", 1)[0]].append(record)
    for records in by_scene.values():
        assert len(records) == recording.RECORDS_PER_SCENE
        assert len({render(record.caption) for record in records}) == 1


def test_every_kind_is_there_alone_often_enough(drawn):
    alone = Counter(
        (names_of(record) or ["text"])[0] for record in drawn if len(record.conditions) <= 1
    )
    for kind in ("text", "camera", "first_frame", "depth", "pose", "video"):
        assert alone[kind] / len(drawn) > 0.06, (kind, alone)


def test_the_mix_of_conditions_is_near_its_plan(drawn):
    names = Counter(name for record in drawn for name in set(names_of(record)))
    share = {name: count / len(drawn) for name, count in names.items()}
    assert 0.09 < share["video"] < 0.15
    assert 0.25 < share["first_frame"] < 0.4
    assert 0.10 < share["identity"] < 0.25
    assert 0.4 < share["camera"] < 0.6


def test_text_alone_always_says_something(made):
    for record in made[0]:
        if not record.conditions:
            assert record.qa
            assert record.prompt


def test_caption_digests_spread_over_the_splits(drawn):
    tenths = Counter(
        int(hashlib.sha256(render(record.caption).encode()).hexdigest(), 16) % 10
        for record in drawn
    )
    assert min(tenths.values()) > 100


def contents(store):
    return {
        info.key: store.get(info.key)
        for info in store.list()
        if not info.key.endswith("corpus.json")
    }


def test_same_seed_gives_the_same_bytes_whatever_the_workers():
    one, two, other = MemoryStore("one"), MemoryStore("two"), MemoryStore("other")
    make_corpus(one, "c", scenes=120, seed=3, workers=1)
    make_corpus(two, "c", scenes=120, seed=3, workers=2)
    make_corpus(other, "c", scenes=120, seed=4, workers=1)
    assert contents(one) == contents(two)
    assert contents(one)["c/manifest.jsonl"] != contents(other)["c/manifest.jsonl"]


def test_a_smaller_corpus_is_the_head_of_a_larger_one():
    small, large = MemoryStore("small"), MemoryStore("large")
    make_corpus(small, "c", scenes=5, seed=3, workers=1)
    make_corpus(large, "c", scenes=9, seed=3, workers=1)
    head = small.get("c/manifest.jsonl")
    assert large.get("c/manifest.jsonl").startswith(head)


def test_work_is_skipped_only_for_the_same_parameters():
    store, said = MemoryStore("skip"), []
    first = make_corpus(store, "c", scenes=6, seed=3, workers=1, log=said.append)
    again = make_corpus(store, "c", scenes=6, seed=3, workers=1, log=said.append)
    changed = make_corpus(store, "c", scenes=7, seed=3, workers=1, log=said.append)
    assert (first.reused, again.reused, changed.reused) == (False, True, False)
    assert (again.records, again.files) == (first.records, first.files)
    assert len(store.get("c/manifest.jsonl").splitlines()) == changed.records == records_of(3, 7)
    assert "there already" in said[1]


def test_an_interrupted_corpus_is_made_again():
    store = MemoryStore("broken")
    make_corpus(store, "c", scenes=3, seed=3, workers=1)
    whole = contents(store)
    store.delete("c/corpus.json")
    store.delete("c/manifest.jsonl")
    assert not make_corpus(store, "c", scenes=3, seed=3, workers=1).reused
    assert contents(store) == whole


def test_no_manifest_is_there_while_media_are_replaced():
    class FailingStore(MemoryStore):
        def put(self, key, data, *, overwrite=True):
            if len(list(self.list())) > 30:
                raise UnavailableError("full")
            super().put(key, data, overwrite=overwrite)

    store = FailingStore("failing")
    make_corpus(store, "c", scenes=2, seed=3, workers=1)
    with pytest.raises(UnavailableError):
        make_corpus(store, "c", scenes=40, seed=4, workers=1)
    assert not store.exists("c/manifest.jsonl")
    assert not store.exists("c/corpus.json")


@pytest.mark.parametrize(("scenes", "workers"), [(0, 1), (1, 0)])
def test_a_corpus_of_nothing_is_refused(scenes, workers):
    with pytest.raises(ConfigError):
        make_corpus(MemoryStore("no"), "c", scenes=scenes, seed=1, workers=workers)


def test_command_writes_a_corpus_and_prints_its_summary(tmp_path, capsys):
    arguments = ["--store", tmp_path.as_uri(), "--prefix", "a/b", "--scenes", "4", "--seed", "1"]
    assert run_command(main, arguments) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["records"], summary["reused"]) == (records_of(1, 4), False)
    manifest = (tmp_path / "a/b/manifest.jsonl").read_text()
    record = SourceRecord.model_validate_json(manifest.splitlines()[0])
    for item in record.conditions:
        assert all((tmp_path / "a/b" / path).is_file() for path in item.paths)


def test_command_says_what_is_wrong(tmp_path, capsys):
    arguments = ["--store", tmp_path.as_uri(), "--prefix", "p", "--scenes", "0", "--seed", "1"]
    assert run_command(main, arguments) == 2
    assert "scenes" in capsys.readouterr().err
