"""`a2c annotate`: the dry run asks nobody, JSON stands alone, errors say what to give."""

import json
import os

import pytest
from typer.testing import CliRunner

from any2caption.annotation.verification import Reading
from any2caption.cli.main import app
from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import ConfigError, NotFoundError
from any2caption.settings import Settings


@pytest.fixture
def run(tmp_path, monkeypatch):
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("A2C_"):
            monkeypatch.delenv(name)

    def invoke(*arguments):
        command = ["annotate", *arguments]
        if arguments[0] != "tools":
            command += ["--home", str(tmp_path / "home")]
        done = CliRunner().invoke(app, command)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    yield invoke
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    lines = [
        {"id": f"r{n}", "source": "s", "licence": "CC0-1.0", "prompt": "a red ball on a beach"}
        for n in range(3)
    ]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder.as_uri()


def test_the_dry_run_prints_requests_and_tokens_and_asks_nobody(run, source, monkeypatch):
    monkeypatch.setenv("A2C_ANNOTATE_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("A2C_ANNOTATE_MODEL", "m")
    arguments = ("run", source, "--annotator", "endpoint", "--dry-run")
    found = json.loads(run(*arguments, "--json").stdout)
    assert (found["records"], found["requests"], found["prompts"]) == (3, 21, 0)
    assert found["cost"] is None
    text = run(*arguments, "--limit", "2").stdout
    assert "nothing was asked" in text
    assert "requests  14 " in text


def test_a_run_by_rules_leaves_a_source_and_the_report_shows_people(run, source, tmp_path):
    found = json.loads(run("run", source, "--json").stdout)
    assert (found["records"], found["left_out"]) == (3, 0)
    assert "3 from former runs" in run("run", source).stdout
    catalogue = Catalogue(Settings(home=tmp_path / "home").catalogue_url)
    told = [Reading("r0", 1, "ann", "accepted"), Reading("r0", 2, "bob", "rejected")]
    assert catalogue.record_reviews(found["key"], [one.document() for one in told]) == 2
    assert catalogue.record_reviews(found["key"], [one.document() for one in told]) == 0
    catalogue.close()
    shown = json.loads(run("report", found["key"], "--json").stdout)
    assert shown["run"]["records"] == 3
    assert shown["reviews"]["agreement"] == {"pairs": 1, "observed": 0.0, "kappa": 0.0}
    assert "1 read by two" in run("report", found["key"]).stdout


def test_tools_say_which_of_them_need_weights(run):
    listed = {tool["name"]: tool for tool in json.loads(run("tools", "--json").stdout)}
    assert "Depth Anything" in listed["depth-model"]["weights"]
    assert listed["canny"]["weights"] == ""
    assert "needs pose-model=" in run("tools").stdout


def test_what_cannot_work_says_what_to_give(run, source):
    with pytest.raises(ConfigError, match="depth-model=/path/to/folder"):
        run("run", source, "--extract", "depth-model")
    with pytest.raises(ConfigError, match="A2C_ANNOTATE_BASE_URL"):
        run("run", source, "--annotator", "endpoint")
    with pytest.raises(NotFoundError, match="annotation_run 0123"):
        run("report", "0123")
