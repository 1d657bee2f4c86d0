"""Bad records are kept with reasons, grouped, and too many of them stop the publication."""

import json

import pytest

from any2caption.datasets.ingest.quarantine import check_threshold, group, store_quarantine
from any2caption.datasets.ingest.rejection_file import RejectionFile
from any2caption.datasets.ingest.source_records import Problem, Rejection
from any2caption.errors import GateRefused
from any2caption.storage.memory import MemoryStore


def rejection(number, reason="the file is not in the source", field="conditions.0.paths"):
    return Rejection(number, f"r{number}", (Problem(reason, field, f"media/{number}.png"),))


def test_reasons_that_differ_in_numbers_and_names_are_one_group():
    bad = [rejection(n, f"frame {n} of 'file {n}' has {n}.5 columns", f"c.{n}") for n in range(8)]
    (found,) = group(bad)
    assert found.records == 8
    assert found.reason == "frame … of … has … columns"
    assert found.examples[0] == "line 0: r0: media/0.png"
    assert len(found.examples) == 5


def test_one_reason_of_several_records_keeps_its_names():
    bad = [rejection(n, "opens2v.json names it, but it is not in the source") for n in range(3)]
    (found,) = group(bad)
    assert (found.records, found.reason[:12]) == (3, "opens2v.json")


def test_a_reason_of_any_number_of_records_keeps_a_few_examples():
    bad = [*(rejection(n) for n in range(2_000)), rejection(1, "matrix 12 is no rotation")]
    first, second = group(iter(bad))
    assert (first.records, len(first.examples)) == (2_000, 5)
    assert second.examples == ("line 1: r1: media/1.png",)


def test_the_commonest_reason_comes_first_and_a_single_one_is_said_in_full():
    bad = [rejection(1, "matrix 12 is no rotation"), rejection(2), rejection(3)]
    assert [(item.records, item.reason) for item in group(bad)] == [
        (2, "the file is not in the source"),
        (1, "matrix 12 is no rotation"),
    ]


def test_the_quarantine_keeps_line_id_field_file_and_reason():
    store = MemoryStore()
    key = store_quarantine(store, "memory://src/manifest.jsonl", [rejection(4), rejection(5)])
    first = json.loads(store.get(key).splitlines()[0])
    assert first == {
        "source": "memory://src/manifest.jsonl",
        "line": 4,
        "id": "r4",
        "problems": [
            {
                "reason": "the file is not in the source",
                "field": "conditions.0.paths",
                "file": "media/4.png",
            }
        ],
    }
    report = json.loads(store.get(key.replace(".jsonl", ".report.json")))
    assert report["records"] == 2
    assert report["groups"][0]["records"] == 2


def test_rejections_come_back_from_their_file_as_they_were():
    odd = Rejection(7, "r\udc80", (Problem("no\nJSON", "f"), Problem("gone")), asked=True)
    found = RejectionFile([rejection(1)])
    assert list(found) == [rejection(1)]
    found.append(odd)
    assert (len(found), list(found), list(found)) == (2, [rejection(1), odd], [rejection(1), odd])
    assert odd in found
    assert rejection(2) not in found
    assert not RejectionFile()


def test_the_same_bad_records_are_written_once():
    store = MemoryStore()
    keys = {store_quarantine(store, "s", [rejection(1)]) for _ in range(3)}
    assert len(keys) == 1
    assert len(list(store.list("quarantine/"))) == 2


def test_up_to_the_threshold_a_source_is_accepted():
    check_threshold(100, [rejection(n) for n in range(5)], 0.05, "key")
    check_threshold(1, [], 0.0, "key")


def test_above_the_threshold_the_refusal_says_why_and_where():
    with pytest.raises(GateRefused) as caught:
        check_threshold(100, [rejection(n) for n in range(6)], 0.05, "file:///q.jsonl")
    message = str(caught.value)
    assert "6 of 100 records (6.0%) are bad, allowed are 5.0%" in message
    assert "6 × conditions.paths: the file is not in the source" in message
    assert "line 0: r0: media/0.png" in message
    assert message.endswith("file:///q.jsonl")


def test_a_source_without_a_good_record_is_refused_whatever_the_threshold():
    with pytest.raises(GateRefused, match="2 of 2"):
        check_threshold(2, [rejection(1), rejection(2)], 1.0, "key")
    with pytest.raises(GateRefused, match="no records"):
        check_threshold(0, [], 1.0, "key")
