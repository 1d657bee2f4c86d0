"""What preparing and surveying a snapshot hold in memory does not grow with the snapshot."""

import tracemalloc

import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.datasets.manifest import file as manifest_file
from any2caption.datasets.records import MediaObject, Record, RecordCondition
from any2caption.datasets.snapshots import publish
from any2caption.datasets.splits import split_of
from any2caption.settings import Settings
from any2caption.storage import open_store, put_content
from any2caption.training.planning import facts
from any2caption.training.planning.facts import survey
from any2caption.training.prepare import writer
from any2caption.training.prepare.prepared_folder import prepare
from any2caption.training.recipes.builtin import SMOKE

from .conftest import run_of, tiny_of

_FEW, _MANY, _MOST = 100, 500, 400  # records, bytes of the heap for each


def camera(number):
    rows = (f"{frame} 0.5 0.9 0.5 0.5 0 0 1 0 0 {frame * number} 0 1 0 0 0 0 1 0"
            for frame in range(4))  # fmt: skip
    return "\n".join(["https://example.org", *rows]).encode()


def record_of(store, number):
    """A record whose caption, prompt and camera path no other has."""
    data = camera(number)
    part = MediaObject(name="path.txt", sha256=put_content(store, data), size=len(data))
    condition = RecordCondition(
        kind="camera", number=1, role=None, format="realestate10k", parts=(part,), frames=4,
        height=None, width=None, options={}, assumptions=(), tool="unit", tool_version="1",
    )  # fmt: skip
    texts = {part: f"the {part} of scene {number}, " * 9 for part in PARTS}
    caption = StructuredCaption(**texts)
    return Record(
        id=f"r-{number:05}",
        source="unit",
        licence="CC0-1.0",
        split=split_of(caption),
        prompt=f"film scene {number}, " * 9,
        conditions=(condition,),
        caption=caption,
        synthetic=True,
    )


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    """Settings, and a snapshot of few and one of many records."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), object_store="")
    store = open_store(settings.object_store)
    made = {
        count: publish(store, (record_of(store, number) for number in range(count))).id
        for count in (_FEW, _MANY)
    }
    return settings, made


@pytest.fixture
def small_batches(monkeypatch):
    """Few records at once, so that a batch of the manifest does not hide what is kept."""
    monkeypatch.setattr(manifest_file, "_BATCH", 32)


def prepared(snapshots, count):
    settings, made = snapshots
    out = settings.home / f"data-{count}"
    return prepare(settings, tiny_of(made[count]), out, workers=1)


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
def test_a_record_that_was_prepared_leaves_a_few_bytes(snapshots, monkeypatch):
    def finish(folder):
        held.append(tracemalloc.get_traced_memory()[0])
        return real(folder)

    held, real = [], writer.file_digests
    monkeypatch.setattr(writer, "file_digests", finish)
    for count in (_FEW, _MANY):
        tracemalloc.start()
        prepared(snapshots, count)
        tracemalloc.stop()
    few, many = held
    assert many - few < _MOST * (_MANY - _FEW)


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("way", ["snapshot", "prepared"])
def test_a_record_that_was_surveyed_leaves_a_few_bytes(snapshots, monkeypatch, tmp_path, way):
    def finish(*arguments):
        held.append(tracemalloc.get_traced_memory()[1])
        return real(*arguments)

    held, real = [], facts.count
    monkeypatch.setattr(facts, "count", finish)
    settings, made = snapshots
    for count in (_FEW, _FEW, _MANY):  # once for the imports
        data, what = tmp_path / "run/data", tiny_of(made[count])
        if way == "prepared":
            data, what = prepared(snapshots, count), None
        tracemalloc.start()
        survey(run_of(SMOKE, data, tmp_path / "run"), what, settings)
        tracemalloc.stop()
    _, few, many = held
    assert many - few < _MOST * (_MANY - _FEW)
