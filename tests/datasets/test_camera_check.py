"""Texts are held to the geometry of their camera path: agreement, warnings, quarantine."""

import json
from random import Random

import pyarrow as pa
import pytest

from any2caption.captions.lexicon import camera_phrase
from any2caption.captions.schema import StructuredCaption
from any2caption.datasets.ingest import engine, ingest, run_ingest, worker
from any2caption.datasets.ingest.engine import IngestOptions
from any2caption.datasets.ingest.probe import MediaSet, Probe, from_document, probe, to_document
from any2caption.datasets.manifest.table import canonical_line, documents, to_row, to_table
from any2caption.datasets.records import QA, RecordCondition
from any2caption.datasets.snapshots import load_snapshot
from any2caption.datasets.statistics import describe
from any2caption.datasets.statistics_page import page
from any2caption.datasets.supervision.camera_check import (
    CameraTally,
    compare,
    compare_record,
    said,
    warnings_of,
)
from any2caption.datasets.synthetic.camera_path import make_path, realestate10k
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.storage.memory import MemoryStore

from .builders import record, write_manifest

RIGHT = "camera/right.txt"


def path_file(*keys, seed=1):
    return realestate10k(make_path(keys, Random(seed))).encode()  # noqa: S311 - no secret


def line(number, words, *, paths=(RIGHT,), **more):
    parts = {
        "dense": f"a red ball number {number} lies in the grass",
        "main_object": "a red ball",
        "background": "a meadow",
        "camera": words,
        "style": "a plain drawing",
        "action": "it lies there",
    }
    conditions = [{"kind": "camera", "paths": [path]} for path in paths]
    return {
        "id": f"r-{number:03}",
        "source": "unit",
        "licence": "CC0-1.0",
        "prompt": "a ball",
        "conditions": conditions,
        "caption": parts,
        "synthetic": True,
        **more,
    }


def source_of(store, *lines):
    store.put(f"src/{RIGHT}", path_file("truck_right"))
    store.put("src/camera/left.txt", path_file("pan_left"))
    write_manifest(store, list(lines))
    return store


def camera_record(words, shown, number=0, qa=(), cameras=1):
    base = record(number)
    caption = StructuredCaption(**{**base.caption.model_dump(), "camera": words})
    conditions = tuple(
        RecordCondition(
            kind="camera",
            number=place + 1,
            format="RealEstate10K text",
            parts=base.conditions[0].parts,
            frames=16,
            movements=shown,
        )
        for place in range(cameras)
    )
    return record(number, caption=caption, conditions=conditions, qa=qa)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("the camera trucks left while panning left", ("truck_left", "pan_left")),
        ("The camera tilts up while pedestalling down.", ("tilt_up", "pedestal_down")),
        ("rolls counterclockwise, then dollies out", ("roll_anticlockwise", "dolly_out")),
        ("moves right while yawing left", ("truck_right", "pan_left")),
        ("a steady shot that pans right", ("pan_right",)),
        ("a panoramic view with the sea to the left", ()),
        ("it circles left around the house", ("orbit_left",)),
        ("the camera holds still", ("static",)),
        ("a wide shot at eye level", ()),
        ("", ()),
    ],
)
def test_camera_texts_are_read_in_the_captions_and_in_plain_words(text, keys):
    assert said(text) == keys


@pytest.mark.parametrize(
    ("text", "shown", "agrees"),
    [
        ("pans left", ("pan_left", "dolly_in"), True),
        ("pans left", ("pan_right",), False),
        ("trucks left while panning right", ("orbit_left",), True),
        ("orbits left", ("truck_left", "pan_right"), True),
        ("holds still", ("static",), True),
        ("holds still", ("dolly_in",), False),
        ("zooms in", ("dolly_in",), False),
    ],
)
def test_what_is_said_must_be_shown_and_what_is_shown_need_not_be_said(text, shown, agrees):
    assert compare([text], shown).agrees is agrees


def test_answers_about_the_camera_count_and_other_answers_do_not():
    ask = {"question": "?", "sources": ("camera",)}
    wrong = QA(aspect="camera", slot="camera", answer="pans left", **ask)
    other = QA(aspect="movement", slot="action", answer="pans left", **ask)
    assert not compare_record(camera_record("pans right", ("pan_right",), qa=(wrong,))).agrees
    assert compare_record(camera_record("pans right", ("pan_right",), qa=(other,))).agrees


def test_several_paths_no_path_and_silent_texts_are_not_compared():
    assert compare_record(camera_record("pans right", ("pan_left",), cameras=2)) is None
    assert compare_record(record(1)) is None
    assert compare_record(camera_record("a wide shot", ("pan_left",))) is None


def test_statistics_group_disagreements_with_bounded_examples():
    bad = [camera_record("pans left", ("truck_right",), number) for number in range(12)]
    good = [camera_record("pans left", ("pan_left",), number) for number in range(12, 20)]
    found = describe([*bad, *good])["camera_language"]
    assert (found["compared"], found["agree"], found["share"]) == (20, 8, 0.4)
    (group,) = found["disagreements"]
    assert (group["says"], group["shows"], group["records"]) == (["pan_left"], ["truck_right"], 12)
    assert group["examples"] == [f"r-{number:05}" for number in range(5)]
    (warning,) = warnings_of(found)
    assert "12 of 20 texts (60.0%)" in warning
    assert "says pan left, path shows truck right (e.g. r-00000, r-00001)" in warning
    assert warnings_of(describe(good)["camera_language"]) == ()
    assert describe([record(1)])["camera_language"]["share"] is None


def test_the_report_stays_small_however_many_ways_of_disagreeing_there_are():
    tally = CameraTally()
    for number in range(3_000):
        words = camera_record("pans left", (f"other_{number}",), number).model_dump(mode="json")
        tally.add(words)
    found = tally.summary()
    assert (found["compared"], found["agree"]) == (3_000, 0)
    assert len(found["disagreements"]) == 20


def test_movements_survive_the_manifest_s_table():
    kept = camera_record("pans left", ("pan_left", "dolly_in"))
    (document,) = documents(to_table([kept]))
    assert document["conditions"][0]["movements"] == ["pan_left", "dolly_in"]
    assert type(kept).model_validate(document) == kept


def test_manifests_made_before_movements_were_kept_are_still_read():
    old = to_row(record(1).model_dump(mode="json"))
    for item in old["conditions"]:
        del item["movements"]
    (document,) = documents(pa.Table.from_pylist([old]))
    assert type(record(1)).model_validate(document) == record(1)


def test_records_without_movements_keep_their_canonical_text():
    assert b"movements" not in canonical_line(record(1).model_dump(mode="json"))
    kept = camera_record("pans left", ("pan_left",)).model_dump(mode="json")
    assert b'"movements":["pan_left"]' in canonical_line(kept)


def test_a_probe_holds_the_movements_and_the_cache_keeps_them():
    media = MediaSet.of("camera", None, {}, [("a.txt", "0" * 64)])
    found = probe(media, [path_file("truck_right")])
    assert isinstance(found, Probe)
    assert found.movements[0] == "truck_right"
    assert from_document(json.loads(json.dumps(to_document(found)))) == found


def test_a_fault_in_naming_movements_is_the_record_s_problem_not_the_ingest_s(monkeypatch):
    def broken(_camera):
        raise ValueError("no such curve")

    monkeypatch.setattr("any2caption.datasets.ingest.probe.path_keys", broken)
    source = source_of(MemoryStore("source"), line(1, "trucks right"), line(2, "a", paths=()))
    store = MemoryStore("store")
    result = ingest(source, "src", store, workers=1, threshold=0.6)
    assert (len(result.records), result.rejected) == (1, 1)
    assert b"no such curve" in store.get(result.quarantine_key)


def test_disagreement_is_a_warning_and_a_figure_by_default(tmp_path):
    settings = Settings(home=tmp_path / "home")
    source = source_of(
        open_store((tmp_path / "data").as_uri()),
        line(1, "the camera trucks right"),
        line(2, "the camera pans left"),
        line(3, "the camera pans left", paths=["camera/left.txt"]),
    )
    result = run_ingest(settings, f"{source.uri}/src", workers=1)
    assert (result["records"], result["rejected"]) == (3, 0)
    assert (result["camera_language"]["compared"], result["camera_language"]["agree"]) == (3, 2)
    (warning,) = [text for text in result["warnings"] if "camera movements" in text]
    assert "says pan left, path shows truck right" in warning
    assert "r-002" in warning
    snapshot = load_snapshot(open_store(settings.object_store), result["snapshot"])
    assert snapshot.statistics["camera_language"] == result["camera_language"]
    assert "2 of 3 texts agree" in page(snapshot.id, snapshot.statistics)
    again = run_ingest(settings, f"{source.uri}/src", workers=1)
    assert again["unchanged"]
    assert again["camera_language"] == result["camera_language"]


@pytest.mark.parametrize("by", ["option", "setting"])
def test_who_asks_for_it_has_disagreements_quarantined(tmp_path, by):
    settings = Settings(home=tmp_path / "home", strict_camera=by == "setting")
    source = source_of(
        open_store((tmp_path / "data").as_uri()),
        line(1, "the camera trucks right"),
        line(2, "the camera pans left"),
    )
    result = run_ingest(
        settings, f"{source.uri}/src", workers=1, threshold=0.5, strict_camera=by == "option"
    )
    assert (result["records"], result["rejected"]) == (1, 1)
    store = open_store(settings.object_store)
    (bad,) = [json.loads(text) for text in store.get(result["quarantine"]).splitlines()]
    assert (bad["id"], bad["problems"][0]["field"]) == ("r-002", "caption.camera")
    reason = "the text says pan left, the camera path shows truck right"
    assert bad["problems"][0]["reason"] == reason
    assert result["camera_language"]["share"] == 1.0


def test_asking_for_it_later_reads_the_source_again_but_parses_nothing(tmp_path):
    settings = Settings(home=tmp_path / "home")
    lines = [line(1, "the camera trucks right"), line(2, "the camera pans left")]
    source = source_of(open_store((tmp_path / "data").as_uri()), *lines)
    run_ingest(settings, f"{source.uri}/src", workers=1, threshold=0.5)
    strict = run_ingest(settings, f"{source.uri}/src", workers=1, threshold=0.5, strict_camera=True)
    assert not strict["unchanged"]
    assert strict["media_sets_parsed"] == 0
    assert strict["rejected"] == 1


def test_records_that_wait_for_captions_are_not_compared():
    source = source_of(MemoryStore("source"), line(1, "trucks right"), line(2, "", caption=None))
    options = IngestOptions(strict_camera=True)
    result = ingest(source, "src", MemoryStore("store"), workers=1, options=options)
    assert (len(result.records), result.pending, result.rejected) == (1, 1, 0)


def test_each_path_is_looked_at_once_however_many_records_share_it(monkeypatch):
    seen = []
    real = worker.probe
    monkeypatch.setattr(worker, "probe", lambda *given: (seen.append(1), real(*given))[1])
    source = source_of(MemoryStore("source"), *(line(n, "trucks right") for n in range(20)))
    result = engine.ingest(source, "src", MemoryStore("store"), workers=1)
    assert (len(result.records), len(seen)) == (20, 1)


@pytest.mark.parametrize(
    "keys",
    [("pan_left",), ("dolly_out",), ("orbit_right",), ("static",), ("truck_left", "pan_left")],
)
def test_the_synthetic_world_s_texts_agree_with_its_paths(keys):
    media = MediaSet.of("camera", None, {}, [("a.txt", "0" * 64)])
    for seed in range(3):
        found = probe(media, [path_file(*keys, seed=seed)])
        assert compare([camera_phrase(keys)], found.movements).agrees
