"""Every bad manifest line is rejected with its line, field and reason; good ones pass."""

import json
from typing import get_args

import pytest

from any2caption.captions.schema import PARTS
from any2caption.datasets.ingest.source_records import (
    Accepted,
    Rejection,
    Rules,
    read_line,
    read_lines,
)
from any2caption.datasets.records import CaptionPart

from .builders import caption

KINDS = ("image", "camera")
GOOD = {
    "id": "r1",
    "source": "unit",
    "licence": "MIT",
    "prompt": "a ball",
    "conditions": [{"kind": "camera", "paths": ["media/path one.txt"]}],
    "caption": caption().model_dump(),
}


def line(**changes):
    document = {**GOOD, **changes}
    kept = {key: value for key, value in document.items() if value != "drop"}
    return json.dumps(kept).encode()


def condition(**changes):
    return [{**GOOD["conditions"][0], **changes}]


def test_a_good_line_is_accepted():
    outcome = read_line(line(), 7, KINDS)
    assert isinstance(outcome, Accepted)
    assert outcome.line == 7
    assert outcome.record.conditions[0].paths == ("media/path one.txt",)


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (b'{"id": "r1", ', "", "not a JSON object"),
        (b"[1]", "", "not a JSON object"),
        (b"\xff\xfe\x00", "", "not a JSON object"),
        (b"[" * 100_000, "", "not a JSON object"),
        (b'"' + b"x" * (5 << 20) + b'"', "", "longer than"),
        (line(licence="drop"), "licence", "Field required"),
        (line(licence=""), "licence", "at least 1 character"),
        (line(id=5), "id", "valid string"),
        (line(colour="red"), "colour", "not permitted"),
        (line(caption="drop"), "caption", "no caption"),
        (line(caption={**GOOD["caption"], "style": " "}), "caption.style", "at least 1 char"),
        (line(caption_parts={"colour": "red"}), "caption_parts.colour.[key]", "'dense', 'main"),
        (line(caption_parts={"dense": " "}), "caption_parts", "dense: there is no text"),
        (line(conditions=[], prompt=" "), "conditions", "neither a prompt nor a condition"),
        (line(conditions=condition(paths=[])), "conditions.0.paths", "at least 1 item"),
        (line(conditions=condition(kind="smell")), "conditions.0.kind", "known: camera, image"),
        (line(conditions=condition(paths=["/etc/passwd"])), "conditions.0.paths", "absolute"),
        (line(conditions=condition(paths=["../x"])), "conditions.0.paths", "'..'"),
        (line(conditions=condition(paths=["a/../../x"])), "conditions.0.paths", "'..'"),
        (line(conditions=condition(paths=["s3://b/x"])), "conditions.0.paths", "URL"),
        (line(conditions=condition(paths=["a\\..\\x"])), "conditions.0.paths", "backslash"),
    ],
)
def test_a_bad_line_says_where_and_why(raw, field, reason):
    outcome = read_line(raw, 3, KINDS)
    assert isinstance(outcome, Rejection)
    assert outcome.line == 3
    assert outcome.problems[0].field == field
    assert reason in outcome.problems[0].reason


def test_stated_parts_are_those_of_a_caption_in_one_line_each():
    assert list(get_args(CaptionPart)) == list(PARTS)
    stated = {"dense": "A ball\n rolls.", "camera": "It pans."}
    outcome = read_line(line(caption="drop", caption_parts=stated), 1, Rules(KINDS, captions=False))
    assert isinstance(outcome, Accepted)
    assert outcome.record.caption_parts == {"dense": "A ball rolls.", "camera": "It pans."}


def test_all_problems_of_a_line_are_named_at_once():
    bad = condition(kind="smell", paths=["/a", "../b"])
    outcome = read_line(line(conditions=bad, caption="drop"), 1, KINDS)
    assert [problem.field for problem in outcome.problems] == [
        "caption",
        "conditions.0.kind",
        "conditions.0.paths",
        "conditions.0.paths",
    ]
    assert outcome.id == "r1"


def test_the_second_record_with_an_id_is_rejected_with_the_line_of_the_first():
    outcomes = list(read_lines([line(), b"\n", line(id="r2"), line()], KINDS))
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True, True, False]
    assert outcomes[2].line == 4
    assert "line 1" in outcomes[2].problems[0].reason
