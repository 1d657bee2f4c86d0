"""The whole stage: from a folder of files to a snapshot in the catalogue, and its refusals."""

import json
from pathlib import Path

import pytest

from any2caption.commands import run_command
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.ingest import run_ingest
from any2caption.datasets.ingest.__main__ import main
from any2caption.datasets.snapshots import latest_id, load_condition, load_snapshot
from any2caption.errors import GateRefused
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import open_store

from .builders import read_manifest, write_corpus, write_manifest


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_HOME", str(tmp_path / "home"))
    return Settings()


@pytest.fixture
def source(tmp_path):
    store = open_store((tmp_path / "data").as_uri())
    write_corpus(store)
    return store


def test_a_source_becomes_a_snapshot_in_store_and_catalogue(settings, source):
    result = run_ingest(settings, f"{source.uri}/src", lifecycle="abc", workers=1)
    assert json.loads(json.dumps(result)) == result
    store, catalogue = open_store(settings.object_store), Catalogue(settings.catalogue_url)
    assert latest_id(store) == result["snapshot"]
    row = catalogue.latest_snapshot()
    assert (row.id, row.lifecycle) == (result["snapshot"], "abc")
    assert row.records == result["records"] == len(read_manifest(source))
    assert Path(result["data_docs"]).is_file()
    stages = [line["stage"] for _, line in ProgressLog(settings.progress_log, "abc").read()]
    assert {"ingest", "validate"} <= set(stages)


def test_every_condition_of_the_snapshot_can_be_loaded(settings, source):
    result = run_ingest(settings, f"{source.uri}/src", workers=1)
    store = open_store(settings.object_store)
    for record in load_snapshot(store, result["snapshot"]).records():
        for item in record.conditions:
            condition = load_condition(store, item)
            assert (condition.kind, condition.number) == (item.kind, item.number)
            assert condition.format == item.format


def test_running_again_parses_nothing_and_gives_the_same_snapshot(settings, source):
    first = run_ingest(settings, f"{source.uri}/src", workers=1)
    again = run_ingest(settings, f"{source.uri}/src", workers=1)
    assert first["media_sets_parsed"] > 0
    assert again["media_sets_parsed"] == 0
    assert again["snapshot"] == first["snapshot"]


def test_a_broken_contract_publishes_nothing_and_is_on_record(settings, source):
    lines = read_manifest(source)
    for line in lines:
        line["caption"]["style"] = "word " * 700
    write_manifest(source, lines)
    with pytest.raises(GateRefused, match=r"nothing is published.*style_words"):
        run_ingest(settings, f"{source.uri}/src", workers=1)
    assert latest_id(open_store(settings.object_store)) is None
    assert Catalogue(settings.catalogue_url).latest_snapshot() is None


def test_the_command_prints_ids_only(settings, source, capsys, tmp_path):
    arguments = ["--source", f"{source.uri}/src", "--workers", "1"]
    assert run_command(main, arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed["snapshot"]) == 64
    out = tmp_path / "deep" / "result.json"
    assert run_command(main, [*arguments, "--out", str(out)]) == 0
    assert json.loads(out.read_text())["snapshot"] == printed["snapshot"]
    assert settings.home.is_dir()


def test_the_command_says_in_one_line_why_it_failed(settings, tmp_path, capsys):
    assert run_command(main, ["--source", tmp_path.as_uri()]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no manifest" in captured.err
    assert len(captured.err.splitlines()) == 1
    assert settings.home.is_dir()
