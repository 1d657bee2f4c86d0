"""A release is held to the captions that were judged; a fake stands for its server."""

import re
import threading
import time
from collections import Counter

import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets import snapshots
from any2caption.datasets.records import MediaObject, Record, RecordCondition
from any2caption.errors import A2CError, GateRefused, InputError, NotFoundError, UnavailableError
from any2caption.evaluation.policies.schema import Served
from any2caption.evaluation.reports.judged import Judged
from any2caption.evaluation.slices import slice_of
from any2caption.serving.client import CaptionResult
from any2caption.serving.releases import texts
from any2caption.storage import open_store, put_content

POLICY = """
schema: a2c.gate-policy/1
base: data
name: house
mode: enabled
served: {served}
"""


def caption(words, **parts):
    return StructuredCaption(**{**dict.fromkeys(PARTS, f"{words} rolls."), **parts})


def record(store, number, kind="image", **changes):
    part = put_content(store, f"{kind} {number}".encode())
    media = MediaObject(name=f"{number}.bin", sha256=part, size=7)
    condition = RecordCondition(kind=kind, number=1, format="x", parts=(media,), frames=1)
    values = {
        "id": f"{kind}-{number:03}",
        "source": "unit",
        "licence": "CC0-1.0",
        "split": "test",
        "prompt": f"ball {number}",
        "conditions": (condition,),
        "caption": caption(f"ball {number}"),
    }
    return Record(**{**values, **changes})


@pytest.fixture
def store(tmp_path):
    return open_store((tmp_path / "store").as_uri())


@pytest.fixture
def records(store):
    kinds = ["image"] * 20 + ["camera"] * 20 + ["pose"] * 3
    return [record(store, number, kind) for number, kind in enumerate(kinds)]


def model_text(one):
    """What the model wrote of a record, which is not its gold caption."""
    return caption(f"ball {one.prompt.split()[-1]} here")


def judged(records, **others):
    return Judged("tiny", "5" * 64, {one.id: render(model_text(one)) for one in records} | others)


class Client:
    """Answers with what the model wrote, but for what `says` says by prompt: a text or an error."""

    def __init__(self, says=(), delay=0.0):
        self.says, self.delay, self.asked = dict(says), delay, []
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def caption_files(self, text, elements, *, timeout, **asked):
        with self.lock:
            self.asked.append((text, elements, asked))
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(min(self.delay, timeout))
        with self.lock:
            self.now -= 1
        if self.delay > timeout:
            raise UnavailableError("no answer in time")
        found = self.says.get(text, caption(f"{text} here"))
        if isinstance(found, Exception):
            raise found
        return CaptionResult(found, render(found), {})


def wanted(records, most=200):
    return texts.sample(judged(records), records, most)


def expected(records, store, **rule):
    return texts.Expected("tiny", Served(**rule), tuple(wanted(records)), store)


def hold(monkeypatch, one, client):
    """Hold the release 7 that the client stands for; return what was said."""
    client.url = client.key = ""
    client.__class__.__enter__ = lambda self: self
    client.__class__.__exit__ = lambda *_: None
    monkeypatch.setattr(texts, "CaptionClient", lambda *_, **__: client)
    said = []
    one.hold(client, 7, say=said.append)
    return said


def test_the_sample_takes_of_every_slice_as_many_and_always_the_same(records):
    found = wanted(records, 13)
    counts = Counter(slice_of(one.record) for one in found)
    assert counts == {"camera_only": 5, "pose_only": 3, "frame_only": 5}
    assert found == texts.sample(judged(records), reversed(records), 13)
    assert all(one.caption == model_text(one.record) for one in found)
    assert len(wanted(records)) == len(records)


def test_only_judged_captions_are_in_the_sample(records):
    some = judged(records[:8], **{records[0].id: "half a", "gone": render(caption("x"))})
    found = texts.sample(some, records, 200)
    assert {one.record.id for one in found} == {one.id for one in records[1:8]}


def test_equal_texts_pass_several_at_a_time(records, store, monkeypatch):
    client = Client(delay=0.01)
    (told,) = hold(monkeypatch, expected(records, store), client)
    assert told.startswith("43 of 43 texts are those that were judged, ")
    assert 1 < client.most <= texts.PLACES
    assert {str(asked) for _, _, asked in client.asked} == {"{'writer': 'model', 'policy': 'warn'}"}


def test_another_text_is_refused_with_record_part_and_both_texts(records, store, monkeypatch):
    other = caption("ball 5 here", camera="It pans left.")
    client = Client({"ball 5": other, "ball 30": caption("a dog")})
    with pytest.raises(GateRefused) as caught:
        hold(monkeypatch, expected(records, store), client)
    told = str(caught.value)
    assert told.startswith("the trial of release 7: 41 of 43 texts are those that were judged")
    assert "policy tiny lets 0 differ" in told
    assert "\n" not in told
    order = [one.record.id for one in wanted(records)]
    first, second = sorted(("image-005", "camera-030"), key=order.index)
    shown = {
        "image-005": "Camera caption: judged “ball 5 here rolls.”, served “It pans left.”",
        "camera-030": "Dense caption: judged “ball 30 here rolls.”, served “a dog rolls.”",
    }
    assert f"record {first}, {shown[first]}; and of {second}" in told


def test_of_long_texts_the_place_is_shown_where_they_part():
    long = "word " * 200
    told = str(texts.Difference("r", "Dense caption", f"{long}left.", f"{long}right, {long}"))
    assert len(told) < 500
    assert re.search(r"judged “…[word ]{50,70}left\.”, served “…[word ]{50,70}right, .*…”", told)


def test_as_many_may_differ_as_the_policy_says(records, store, monkeypatch):
    client = Client({"ball 5": caption("a dog")})
    (told,) = hold(monkeypatch, expected(records, store, differing=1), client)
    assert told.startswith("42 of 43 texts")
    assert "policy tiny lets 1 differ: record image-005, Dense caption" in told


@pytest.mark.parametrize("error", [InputError("too many files", file="5.bin"), A2CError("no"),
                                   ValueError("no six parts")])  # fmt: skip
def test_an_error_in_place_of_a_caption_is_another_text(records, store, monkeypatch, error):
    with pytest.raises(GateRefused, match=f"record image-005, no caption: .* served “{error}”"):
        hold(monkeypatch, expected(records, store), Client({"ball 5": error}))


def test_a_server_that_is_gone_ends_the_comparison_at_once(records, store):
    client = Client(dict.fromkeys((one.prompt for one in records), UnavailableError("is gone")))
    with pytest.raises(GateRefused, match=r"record .*-\d\d\d: is gone"):
        texts.compare(client, store, wanted(records), seconds=60, places=1)
    assert len(client.asked) < 5


def test_all_of_it_is_bounded_in_time(records, store):
    began = time.monotonic()
    with pytest.raises(GateRefused, match=r"\d+ of 43 texts came within 0.3 s|no answer in time"):
        texts.compare(Client(delay=0.1), store, wanted(records), seconds=0.3, places=1)
    assert time.monotonic() - began < 2


def test_progress_is_told(records, store, monkeypatch):
    monkeypatch.setattr(texts, "_SAY_SECONDS", 0.05)
    said = []
    texts.compare(Client(delay=0.02), store, wanted(records), seconds=60, places=2, say=said.append)
    assert 2 < len(said) < 30
    assert said[0].endswith("of 43 texts are compared, 0 differ")


def test_a_file_that_the_store_lacks_is_no_fault_of_the_release(records, store):
    gone = record(store, 99)
    part = gone.conditions[0].parts[0].model_copy(update={"sha256": "0" * 64})
    broken = gone.conditions[0].model_copy(update={"parts": (part,)})
    records[0] = gone.model_copy(update={"conditions": (broken,)})
    with pytest.raises(NotFoundError):
        texts.compare(Client(), store, wanted(records), seconds=60)


def test_a_record_is_asked_as_its_client_would(store):
    walk = record(store, 1, "pose")
    parts = (*walk.conditions[0].parts, *record(store, 2, "pose").conditions[0].parts)
    pose = walk.conditions[0].model_copy(update={"parts": parts, "options": {"fps": 8}})
    image = record(store, 3).conditions[0].model_copy(update={"number": 2, "role": "identity"})
    first = record(store, 4).conditions[0]
    words = record(store, 5, "text").conditions[0]
    one = walk.model_copy(update={"conditions": (image, pose, words, first)})
    text, files = texts.as_asked(store, one)
    assert text == "ball 1\ntext 5"
    assert list(files) == ["pose", "image"] or list(files) == ["image", "pose"]
    assert [element.data for element in files["pose"]] == [b"pose 1", b"pose 2"]
    assert {element.info["condition"] for element in files["pose"]} == {1}
    assert files["pose"][0].info["options"] == {"fps": 8}
    assert [(e.data, e.info["condition"], e.info["role"]) for e in files["image"]] == [
        (b"image 4", 1, None),
        (b"image 3", 2, "identity"),
    ]


def house(tmp_path, monkeypatch, served):
    (tmp_path / "house.yaml").write_text(POLICY.format(served=served))
    monkeypatch.setenv("A2C_POLICIES", str(tmp_path))


def test_what_is_compared_is_said_beforehand(records, store, tmp_path, monkeypatch):
    house(tmp_path, monkeypatch, "{records: 50, differing: 2}")
    snapshot = snapshots.publish(store, records).id
    found = Judged("house", snapshot, judged(records).texts)
    said = []
    one = texts.expected(found, store, say=said.append)
    assert (one.rule.records, one.rule.differing, len(one.wanted)) == (50, 2, 43)
    assert said == [
        "it has to write 43 of 43 judged captions again; policy house asks for 50",
    ]
    house(tmp_path, monkeypatch, "{records: 40}")
    assert len(texts.expected(found, store, say=said.append).wanted) == 40
    assert said[1] == "it has to write 40 of 43 judged captions again"


def test_where_nothing_is_compared_it_says_why(records, store, tmp_path, monkeypatch):
    said = []
    assert texts.expected(None, store, say=said.append) is None
    house(tmp_path, monkeypatch, "{records: 0}")
    snapshot = snapshots.publish(store, records).id
    found = Judged("house", snapshot, judged(records).texts)
    assert texts.expected(found, store, say=said.append) is None
    house(tmp_path, monkeypatch, "{records: 1}")
    snapshots.withdraw(store, snapshot, "asked for", None)
    assert texts.expected(found, store, say=said.append) is None
    assert said == [
        "no texts are compared: no gate has judged the version",
        "no texts are compared: policy house asks for none",
        f"no texts are compared: snapshot {snapshot[:12]} was withdrawn",
    ]
