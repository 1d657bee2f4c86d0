"""Whole runs: annotated sources, resumed where they stopped, paid for once, refused when bad."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from any2caption.annotation.__main__ import main
from any2caption.annotation.extractors import TOOLS, Extracted, Tool
from any2caption.annotation.plan import Plan
from any2caption.annotation.run import estimate, run_annotation
from any2caption.cli.main import app
from any2caption.commands import run_command
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.types import Part
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.ingest.engine import ingest
from any2caption.datasets.snapshots import load_condition
from any2caption.errors import ConfigError, GateRefused, InputError, UnavailableError
from any2caption.settings import Settings
from any2caption.storage import open_store

from .api_server import KEY, kind_of
from .builders import PARTS, write_source
from .conftest import moving_box


@pytest.fixture
def source(tmp_path):
    return open_store(f"memory://source-{tmp_path.name}")


@pytest.fixture
def settings(tmp_path, annotate_settings):
    # Kept in memory: a put to a folder waits for the disk.
    store = f"memory://store-{tmp_path.name}"
    return Settings(home=tmp_path / "home", object_store=store, annotate=annotate_settings)


def manifest(report):
    """The store, the folder in it and the lines of the annotated source."""
    uri, _, rest = report["annotated"].partition("/annotations/")
    store, prefix = open_store(uri), f"annotations/{rest}"
    text = store.get(f"{prefix}/manifest.jsonl")
    return store, prefix, [json.loads(line) for line in text.splitlines()]


def test_the_annotated_source_is_one_that_ingest_takes(source, settings, tmp_path):
    write_source(source, [{}, {"prompt": "a red ball on a beach"}, {"caption": PARTS}])
    plan = Plan(source=source.uri, extract=("first-frame",), threshold=1, prompts="never")
    report = run_annotation(settings, plan)
    assert (report["records"], report["left_out"]) == (3, 0)
    annotated, prefix, lines = manifest(report)
    assert [line["id"] for line in lines] == ["r-0000", "r-0001", "r-0002"]
    assert lines[2]["caption"] == PARTS  # what is there stays
    assert "target" not in lines[0]
    picture = lines[0]["conditions"][1]
    assert (picture["kind"], picture["role"]) == ("image", "first_frame")
    assert (picture["tool"], picture["tool_version"]) == ("first-frame", "1")
    store = open_store(f"memory://out-{tmp_path.name}")
    result = ingest(annotated, prefix, store, workers=1)
    assert (len(result.records), result.rejected) == (3, 0)
    tools = {one.kind: (one.tool, one.tool_version) for one in result.records[0].conditions}
    assert tools["image"] == ("first-frame", "1")
    assert tools["camera"][0] == "a2c"


@dataclass(frozen=True)
class Negative:
    """An extractor of one module: the clip's middle frame with its colours reversed."""

    kind: str = "image"
    name: str = "negative"
    version: str = "3"

    def extract(self, media):
        pictures = media.pictures(self.name)
        part = Part("negative.png", encode_png(255 - pictures[len(pictures) // 2]))
        return [Extracted((part,), role="style", assumptions=("colours are reversed",))]


def test_an_extractor_of_one_entry_is_offered_planned_run_and_ingested(
    source, settings, tmp_path, monkeypatch
):
    tool = Tool("negative", "image", "the middle frame, reversed", lambda _: Negative())
    monkeypatch.setitem(TOOLS, tool.name, tool)
    shown = CliRunner().invoke(app, ["annotate", "tools"])
    assert "the middle frame, reversed" in shown.stdout
    write_source(source, [{}])
    plain = Plan(source=source.uri, prompts="never")
    plan = replace(plain, extract=("negative",))
    _, other, _ = manifest(run_annotation(settings, plain))
    annotated, prefix, (line,) = manifest(run_annotation(settings, plan))
    assert prefix != other  # a run of its own
    (made,) = [one for one in line["conditions"] if one["kind"] == "image"]
    assert (made["role"], made["tool"], made["tool_version"]) == ("style", "negative", "3")
    store = open_store(f"memory://out-{tmp_path.name}")
    (record,) = ingest(annotated, prefix, store, workers=1).records
    (kept,) = [one for one in record.conditions if one.kind == "image"]
    pixels = load_condition(store, kept).payload.pixels
    assert pixels.mean() > 200  # the ground of the clip is dark


def test_records_that_an_ingest_left_waiting_are_annotated_from_its_list(
    source, settings, tmp_path
):
    write_source(source, [{}, {}])
    first = source.get("manifest.jsonl").splitlines(keepends=True)[0]
    waiting = open_store(f"memory://waiting-{tmp_path.name}")
    waiting.put("1.jsonl", first)
    source.delete("manifest.jsonl")
    plan = Plan(source=source.uri, manifest=f"{waiting.uri}/1.jsonl", prompts="never")
    _, _, lines = manifest(run_annotation(settings, plan))
    assert [line["id"] for line in lines] == ["r-0000"]


def test_stated_parts_become_the_records_caption(source, settings, tmp_path):
    write_source(source, [{"prompt": "a fox", "caption_parts": {"dense": " A red fox runs. "}}])
    annotated, prefix, lines = manifest(run_annotation(settings, Plan(source=source.uri)))
    assert lines[0]["caption"]["dense"] == "A red fox runs."
    assert lines[0]["caption_parts"] == {}
    store = open_store(f"memory://out-{tmp_path.name}")
    (record,) = ingest(annotated, prefix, store, workers=1, threshold=0).records
    assert (record.prompt, record.caption.dense) == ("a fox", "A red fox runs.")


def test_unknown_parts_are_counted_and_can_be_kept_out(source, settings):
    write_source(source, [{}, {"prompt": "two red balls bouncing on a beach, watercolour"}])
    report = run_annotation(settings, Plan(source=source.uri, prompts="never"))
    assert report["unknown"] == {"main_object": 1, "background": 1, "style": 1, "action": 1}
    strict = Plan(source=source.uri, prompts="never", complete_only=True, threshold=0.5)
    report = run_annotation(settings, strict)
    assert (report["records"], report["left_out"]) == (1, 1)
    assert "not known from the inputs: main_object" in report["reasons"][0]


def test_a_run_by_endpoint_fills_everything_and_keeps_its_bill(source, settings, chat):
    write_source(source, [{}, {}])
    report = run_annotation(settings, Plan(source=source.uri, annotator="endpoint", workers=1))
    lines = manifest(report)[2]
    assert lines[0]["caption"]["style"] == "Answer to style."
    assert lines[0]["prompt"] == "Answer to prompt."
    # The two records look the same, so the second one is answered from the cache.
    assert report["spent"]["requests"] == len(chat.requests) == 8
    assert report["spent"]["cached"] == 8
    assert report["spent"]["cost"] == pytest.approx((8 * 100 * 2 + 8 * 10 * 10) / 1e6)
    assert report["answers"]["input_tokens"] == 1600
    catalogue = Catalogue(settings.catalogue_url)
    row = catalogue.annotation_run(report["key"])
    assert (row.annotator, row.report["records"]) == ("endpoint:tiny-vl", 2)
    catalogue.close()


def test_a_second_run_costs_nothing_and_writes_the_same(source, settings, chat):
    write_source(source, [{}, {"prompt": "a box"}])
    plan = Plan(source=source.uri, annotator="endpoint")
    first = run_annotation(settings, plan)
    asked = len(chat.requests)
    again = run_annotation(settings, plan)
    assert len(chat.requests) == asked
    assert again["spent"]["requests"] == 0
    assert again["reused"] == 2
    assert manifest(first)[2] == manifest(again)[2]
    assert again["key"] == first["key"]
    assert again["answers"] == first["answers"]


def test_a_changed_file_is_annotated_again(source, settings, chat):
    write_source(source, [{"target": ["pictures/box.png"]}, {}])
    plan = Plan(source=source.uri, annotator="endpoint", workers=1)
    run_annotation(settings, plan)
    asked = len(chat.requests)
    source.put("pictures/box.png", encode_png(255 - moving_box()[0][0]))
    report = run_annotation(settings, plan)
    assert report["reused"] == 1
    assert len(chat.requests) == asked + 6  # new pictures; merge and prompt are the same


def test_an_endpoint_that_goes_away_stops_the_run_and_the_next_goes_on(source, settings, chat):
    write_source(source, [{"prompt": f"box {n}"} for n in range(3)])
    plan = Plan(source=source.uri, annotator="endpoint", captions="all", workers=1)
    chat.script.extend([("answer",)] * 4 + [("status", 503, {})] * 3)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        run_annotation(settings, plan)
    answered = len(chat.requests) - 3
    report = run_annotation(settings, plan)
    assert report["records"] == 3
    assert report["spent"]["requests"] == 7 - answered  # what was answered is not asked again


def test_a_killed_run_goes_on_where_it_stopped(settings, chat, tmp_path):
    """kill -9 in the middle: no question that was answered is paid for twice."""
    source = open_store((tmp_path / "source").as_uri())
    settings = Settings(home=tmp_path / "home", annotate=settings.annotate)
    write_source(source, [{"target": [f"clips/{n}.png"]} for n in range(12)])
    for n in range(12):
        source.put(f"clips/{n}.png", encode_png(moving_box()[0][0] // (n + 1)))
    chat.answer = lambda body: time.sleep(0.02) or json.dumps({"text": f"{kind_of(body)}"})
    environment = {
        **os.environ,
        "A2C_HOME": str(settings.home),
        "A2C_ANNOTATE_BASE_URL": chat.url,
        "A2C_ANNOTATE_API_KEY": KEY,
        "A2C_ANNOTATE_MODEL": "tiny-vl",
    }
    command = [sys.executable, "-m", "any2caption.annotation", "--source", source.uri]
    command += ["--annotator", "endpoint", "--workers", "2", "--prompts", "never"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(chat.requests) < 30 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    before = len(chat.requests)
    assert 30 <= before < 72
    time.sleep(0.2)
    plan = Plan(source=source.uri, annotator="endpoint", workers=2, prompts="never")
    report = run_annotation(settings, plan)
    assert report["records"] == 12
    # The six parts of each of 12 clips; the merges are all the same question.
    questions = Counter(json.dumps(body["messages"], sort_keys=True) for body in chat.requests)
    assert len(questions) == 73
    repeated = sum(count - 1 for count in questions.values())
    assert repeated <= 4  # in flight when it was killed, or merged by two threads at once
    assert report["reused"] > 0


def test_a_bad_record_is_left_out_with_its_reason_and_the_rest_is_published(source, settings):
    good = [{"prompt": "a red ball"} for _ in range(8)]
    write_source(source, [*good, {"target": ["clips/none.mp4"]}, {"licence": ""}])
    report = run_annotation(settings, Plan(source=source.uri, threshold=0.2))
    assert (report["records"], report["left_out"]) == (8, 2)
    assert "line 9: " in report["reasons"][0]
    assert "clips/none.mp4: r-0008" in report["reasons"][0]
    assert "licence" in report["reasons"][1]


def test_too_many_bad_records_publish_nothing(source, settings):
    write_source(source, [{"prompt": "a red ball"}, {"target": ["../../etc/passwd"]}])
    with pytest.raises(GateRefused, match=r"1 of 2 records could not be annotated.*first: line 2"):
        run_annotation(settings, Plan(source=source.uri))
    store = open_store(settings.object_store)
    assert not [info for info in store.list("annotations/") if "manifest" in info.key]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "JSON"),
        ("[]", "should be an object"),
        ('{"id": "x"}', "source: Field required"),
        ('{"id": "x", "source": "s", "licence": "l", "more": 1}', "more: Extra inputs"),
        (
            '{"id":"x","source":"s","licence":"l","conditions":[{"kind":"smell","paths":["a"]}]}',
            "unknown kind 'smell'",
        ),
        ('{"id": "r-0000", "source": "s", "licence": "l"}', "the id is that of line 1 already"),
    ],
)
def test_a_malformed_line_is_named_and_stops_nothing(source, settings, line, reason):
    write_source(source, [{"prompt": "a red ball"}])
    text = b"\xef\xbb\xbf" + source.get("manifest.jsonl") + b"\r\n\r\n" + line.encode()
    source.put("manifest.jsonl", text)
    report = run_annotation(settings, Plan(source=source.uri, threshold=0.5))
    assert (report["records"], report["left_out"]) == (1, 1)
    assert reason in report["reasons"][0]


def test_a_source_without_a_manifest_says_so(source, settings):
    with pytest.raises(InputError, match=r"there is no manifest\.jsonl"):
        run_annotation(settings, Plan(source=source.uri))


def test_the_dry_run_asks_nobody_and_counts_what_a_run_asks(source, settings, chat):
    write_source(source, [{"target": ["pictures/box.png"]}, {"caption": PARTS, "prompt": "x"}])
    plan = Plan(source=source.uri, annotator="endpoint", frames=1)
    found = estimate(settings, plan)
    assert chat.requests == []
    assert (found["records"], found["captions"], found["prompts"]) == (2, 1, 1)
    report = run_annotation(settings, plan)
    assert found["requests"] == report["spent"]["requests"] == 8
    assert found["cost"] > 0
    after = estimate(settings, plan)
    assert (after["finished"], after["requests"]) == (2, 0)
    assert after["key"] == report["key"]


def test_the_limit_takes_the_first_records(source, settings):
    write_source(source, [{"prompt": f"a red ball {n}"} for n in range(9)])
    assert run_annotation(settings, Plan(source=source.uri, limit=4))["records"] == 4
    assert run_annotation(settings, Plan(source=source.uri))["reused"] == 4


def test_what_is_there_is_not_extracted_again(source, settings):
    frame = {"kind": "image", "paths": ["pictures/box.png"], "role": "first_frame"}
    write_source(source, [{"conditions": [frame], "prompt": "a red ball"}])
    plan = Plan(source=source.uri, extract=("first-frame", "last-frame"))
    conditions = manifest(run_annotation(settings, plan))[2][0]["conditions"]
    assert [one["role"] for one in conditions] == ["first_frame", "last_frame"]
    assert conditions[0]["tool"] == ""


def test_the_key_names_what_can_change_the_result(source, settings):
    write_source(source, [{"prompt": "a red ball"}])
    plans = [
        Plan(source=source.uri),
        Plan(source=source.uri, limit=1, workers=2),
        Plan(source=source.uri, extract=("last-frame",)),
        Plan(source=source.uri, annotator="endpoint"),
    ]
    keys = [estimate(settings, plan)["key"] for plan in plans]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    "change",
    [{"annotator": "oracle"}, {"captions": "some"}, {"workers": 0}, {"threshold": 2}],
)
def test_a_plan_that_cannot_work_is_refused(change):
    with pytest.raises(ConfigError, match=str(next(iter(change.values())))):
        Plan(source="file:///x", **change)


def test_the_stage_prints_its_report_and_one_line_of_error(source, settings, monkeypatch, capsys):
    write_source(source, [{"prompt": "a red ball"}])
    monkeypatch.setenv("A2C_HOME", str(settings.home))
    out = Path(settings.home) / "result.json"
    assert run_command(main, ["--source", source.uri, "--out", str(out)]) == 0
    assert json.loads(out.read_text())["records"] == 1
    assert run_command(main, ["--source", source.uri, "--extract", "depth-model"]) == 2
    assert capsys.readouterr().err.startswith("extractor depth-model needs model weights")
