"""`a2c data …`: one data set through every command, as a person would use them."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

A2C = Path(sys.executable).parent / "a2c"
PICTURE = Path(__file__).parents[1] / "data" / "depth" / "rainbow_sheep.png"


def a2c(home, *arguments):
    hidden = ("A2C_", "AWS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    return subprocess.run(
        [str(A2C), "data", *map(str, arguments)],
        env={**environment, "A2C_HOME": str(home), "COLUMNS": "100", "A2C_PORT_MLFLOW": "9"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def answer(home, *arguments):
    done = a2c(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from any2caption.datasets.synthetic.corpus import make_corpus
    from any2caption.storage.folder import FolderStore

    folder = tmp_path_factory.mktemp("world")
    make_corpus(FolderStore(folder), "src", scenes=3, seed=3, workers=1)
    home = folder / "home"
    return home, folder / "src", answer(home, "ingest", folder / "src")


def test_a_folder_becomes_a_snapshot_that_can_be_listed_shown_and_counted(world, tmp_path):
    home, source, made = world
    assert made["records"] > 0
    assert answer(home, "ingest", source)["unchanged"] is True
    assert [row["snapshot"] for row in answer(home, "list")] == [made["snapshot"]]
    shown = answer(home, "show", made["snapshot"][:8])
    assert shown["validations"][0]["passed"] is True
    counted = answer(home, "stats", "--html", tmp_path / "page.html")
    assert counted["records"] == made["records"]
    assert "data:image/png" in (tmp_path / "page.html").read_text()
    assert answer(home, "validate")["passed"] is True
    assert answer(home, "duplicates")["leaks"] == 0


def test_a_record_is_removed_and_the_difference_is_that_record(world):
    home, source, made = world
    name = json.loads((source / "manifest.jsonl").read_text().splitlines()[0])["id"]
    done = answer(home, "remove", "--record", name, "--by", "me")
    assert done["withdrawn"] == [made["snapshot"]]
    found = answer(home, "diff", made["snapshot"], "latest")
    assert found["removed"]["examples"] == [name]
    assert (found["added"]["records"], found["changed"]["records"]) == (0, 0)
    answer(home, "ingest", source)
    assert (
        "removed on request" in answer(home, "quarantine", "--records", "1")["groups"][0]["reason"]
    )


def test_a_plain_folder_waits_for_captions(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "a.png").write_bytes(PICTURE.read_bytes())
    (folder / "a.txt").write_text("a sheep")
    refused = a2c(tmp_path / "home", "ingest", folder)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("a2c: ")
    assert "--licence" in refused.stderr
    found = answer(tmp_path / "home", "ingest", folder, "--licence", "MIT", "--source", "me")
    assert (found["snapshot"], found["pending"], found["format"]) == (None, 1, "sidecars")
    barred = a2c(tmp_path / "home", "ingest", folder, "--licence", "CC-BY-NC-4.0", "--source", "me")
    assert barred.returncode == 2
    assert "a2c: licence 'CC-BY-NC-4.0' is not allowed" in barred.stderr
    assert "A2C_LICENCES=+NAME adds one" in barred.stderr


def test_pairs_of_texts_are_annotated_with_the_command_that_ingest_names(tmp_path):
    folder, home = tmp_path / "two texts", tmp_path / "home"
    folder.mkdir()
    (folder / "original.txt").write_text("a red ball on a beach\n")
    (folder / "beautiful.txt").write_text("A red ball rolls slowly over a long beach at dusk.\n")
    told = a2c(home, "ingest", folder, "--licence", "MIT", "--source", "me")
    assert "beautiful.txt is the long version of line k of original.txt" in told.stderr
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("next ")]
    words = shlex.split(line)
    assert words[1:4] == ["a2c", "annotate", "run"]
    done = subprocess.run(
        [str(A2C), *words[2:], "--json"],
        env={**os.environ, "A2C_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    annotated = json.loads(done.stdout)["annotated"]
    assert answer(home, "ingest", annotated)["records"] == 1
    shown = json.loads(a2c(home, "show", "--record", "beautiful/000001").stdout)
    assert shown["prompt"] == "a red ball on a beach"
    assert shown["caption"]["dense"] == "A red ball rolls slowly over a long beach at dusk."


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["show"], 2, "there is no snapshot yet"),
        (["diff", "abc"], 2, "is not a snapshot id"),
        (["remove"], 2, "--source or --record"),
        (["quarantine"], 2, "nothing was ever quarantined"),
        (["ingest", "/nowhere/at/all"], 2, "no such folder"),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(tmp_path, arguments, code, reason):
    done = a2c(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("a2c: ")
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("started", "stated", "told"), [(False, "", False), (True, "", True), (False, "http://x", True)]
)
def test_a_home_tells_its_own_mlflow_or_none(tmp_path, monkeypatch, started, stated, told):
    from any2caption.cli.data import _tell_mlflow
    from any2caption.settings import Settings
    from any2caption.stack.environment import saved_file

    calls = []
    monkeypatch.setattr(
        "any2caption.registry.datasets.log_data_set", lambda *given: calls.append(given)
    )
    monkeypatch.setenv("A2C_MLFLOW_URL", stated)
    settings = Settings(home=tmp_path)
    if started:
        saved_file(tmp_path).write_text("{}")
    _tell_mlflow(settings, {"snapshot": "s"})
    assert bool(calls) == told
