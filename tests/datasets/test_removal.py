"""Deletions, comparisons and statistics of snapshots."""

import json

import pytest

from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.diff import compare, entries
from any2caption.datasets.ingest import ingest
from any2caption.datasets.ingest.engine import IngestOptions
from any2caption.datasets.removal import remove, removed_keys
from any2caption.datasets.snapshots import (
    latest_id,
    list_ids,
    load_snapshot,
    publish,
    resolve,
    withdrawal,
)
from any2caption.datasets.statistics import describe
from any2caption.datasets.statistics_page import page, thumbnails
from any2caption.errors import ConfigError, GateRefused, NotFoundError
from any2caption.storage import media_key, put_content
from any2caption.storage.folder import FolderStore
from any2caption.storage.memory import MemoryStore

from .builders import read_manifest, record, write_corpus
from .test_sources import PICTURE, STATED, folder


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


@pytest.fixture
def catalogue(tmp_path):
    found = Catalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def published(store):
    first = publish(store, [record(n, source="a" if n < 3 else "b") for n in range(10)])
    second = publish(store, [record(n, source="b") for n in range(3, 12)])
    return first, second


def test_a_diff_counts_what_came_went_and_changed(store):
    old = publish(store, [record(n) for n in range(6)])
    changed = record(2, prompt="another")
    new = publish(store, [changed, *(record(n) for n in range(3, 9))])
    found = compare(entries(old), entries(new))
    assert found["same"] == 3
    assert found["added"]["examples"] == ["r-00006", "r-00007", "r-00008"]
    assert found["removed"]["records"] == 2
    assert found["changed"]["per_kind"] == {"image": 1}
    assert found["changed_fields"] == {"prompt": 1}
    assert compare(entries(new), entries(old))["added"]["records"] == 2


def test_a_removed_source_leaves_a_new_snapshot_and_names_its_models(store, catalogue, published):
    first, second = published
    catalogue.record_training_run("k1", snapshot_id=first.id, preset="tiny", recipe="tiny")
    catalogue.record_training_run("k2", snapshot_id=second.id, preset="tiny", recipe="tiny")
    catalogue.record_verdict("k1", policy="tiny", passed=True, version=4)
    catalogue.promote("any2caption", 4, None, "me", "good")
    done = remove(store, catalogue, what="source", name="a", by="me")
    assert done.withdrawn == (first.id,)
    assert done.snapshot == second.id == latest_id(store)  # the latest did not have it
    (model,) = done.models
    assert (model["run"], model["versions"], model["champion_of"]) == ("k1", [4], ["any2caption"])
    with pytest.raises(GateRefused, match=r"withdrawn: the source 'a' was removed on request"):
        load_snapshot(store, first.id)
    assert len(load_snapshot(store, first.id, withdrawn=True)) == 10


def test_a_removed_record_of_the_latest_snapshot_makes_its_successor(store, catalogue, published):
    done = remove(store, catalogue, what="record", name="r-00005", by="me", reason="asked")
    assert done.removed == 1
    assert set(done.withdrawn) == {item.id for item in published}
    assert withdrawal(store, published[1].id)["successor"] == done.snapshot == latest_id(store)
    ids = [item.id for item in load_snapshot(store, done.snapshot).records()]
    assert "r-00005" not in ids
    assert len(ids) == 8
    assert catalogue.latest_snapshot().id == done.snapshot
    again = remove(store, catalogue, what="record", name="r-00005", by="me")
    assert (again.removed, again.snapshot) == (0, done.snapshot)


def test_purging_deletes_media_that_nobody_needs_any_more(store, catalogue):
    keep, drop = (put_content(store, data) for data in (b"keep", b"drop"))

    def with_media(number, sha256):
        found = record(number, source=str(number))
        part = found.conditions[0].parts[0].model_copy(update={"sha256": sha256})
        item = found.conditions[0].model_copy(update={"parts": (part,)})
        return found.model_copy(update={"conditions": (item,)})

    publish(store, [with_media(1, keep), with_media(2, drop)])
    assert remove(store, catalogue, what="source", name="2", by="me", purge=True).purged == 1
    assert store.exists(media_key(keep))
    assert not store.exists(media_key(drop))


def test_removing_everything_leaves_no_latest_snapshot(store, catalogue):
    publish(store, [record(1)])
    assert remove(store, catalogue, what="source", name="unit", by="me").snapshot is None
    assert latest_id(store) is None


def test_a_request_that_fits_nothing_is_refused(store, catalogue, published):
    with pytest.raises(NotFoundError, match="no snapshot has the source 'z'"):
        remove(store, catalogue, what="source", name="z", by="me")
    with pytest.raises(ConfigError):
        remove(store, catalogue, what="licence", name="z", by="me")
    assert removed_keys(store) == frozenset()


def test_what_was_removed_does_not_come_back_and_is_no_fault_of_the_source():
    source = MemoryStore("s")
    write_corpus(source)
    gone = read_manifest(source)[0]["id"]
    options = IngestOptions(removed=frozenset({("record", gone)}))
    result = ingest(source, "src", MemoryStore(), workers=1, threshold=0, options=options)
    assert gone not in result.records.ids
    assert result.rejected == 1


def test_records_that_wait_for_captions_are_removed_too(store, catalogue):
    source = folder({"a.png": PICTURE, "b.png": PICTURE, "c.png": PICTURE})
    made = ingest(source, "src", store, workers=1, options=IngestOptions(source=STATED))
    before = store.get(made.pending_key).splitlines(keepends=True)
    gone = json.loads(before[1])["id"]
    assert remove(store, catalogue, what="record", name=gone, by="me").waited == 1
    (left,) = store.list("pending/")
    assert store.get(left.key).splitlines(keepends=True) == [before[0], before[2]]
    assert ("record", gone) in removed_keys(store)
    assert remove(store, catalogue, what="record", name=gone, by="me").waited == 0
    assert remove(store, catalogue, what="source", name="unit", by="me").waited == 2
    assert not list(store.list("pending/"))


def test_snapshots_are_found_by_prefix_and_as_latest(store, published):
    first, second = published
    assert resolve(store, "latest") == second.id
    assert resolve(store, first.id[:8]) == first.id
    assert set(list_ids(store)) == {first.id, second.id}
    for bad in ("abc", "zzzzzzzz", "0" * 63):
        with pytest.raises(NotFoundError):
            resolve(store, bad)


def test_statistics_have_the_papers_table():
    base = record(1)
    clip = base.conditions[0].model_copy(update={"kind": "video", "role": None, "seconds": 9.0})
    both = base.model_copy(update={"conditions": (base.conditions[0], clip, clip), "id": "x"})
    found = describe([base, both])
    assert found["kinds"]["video"]["instances"] == 1
    assert found["kinds"]["video"]["conditions"] == 2
    assert found["kinds"]["video"]["hours"] == found["hours"] == 0.005
    assert found["kinds"]["image"]["instances"] == 2
    assert found["part_words"]["action"] == {"mean": 2.0, "least": 2, "most": 2}
    assert found["prompt_words"]["mean"] == 2.0
    assert sum(found["histograms"]["caption"]["counts"]) == 2


def test_the_page_is_one_file_with_plots_and_thumbnails_and_escapes_texts(store):
    sha256 = put_content(store, PICTURE)
    found = record(1, prompt="<script>alert(1)</script>", source="<b>")
    part = found.conditions[0].parts[0].model_copy(update={"sha256": sha256})
    item = found.conditions[0].model_copy(update={"parts": (part,), "options": {}})
    lost = record(2)
    records = [found.model_copy(update={"conditions": (item,)}), lost]
    text = page("ab" * 32, describe(records), thumbnails(store, records))
    assert "<script>" not in text
    assert "<b>&lt;b&gt;" not in text
    assert text.count("data:image/png") == 1
    assert text.count("data:image/jpeg") == 1
    assert "no object" in text  # the picture that is lost is told, not hidden
    assert "http" not in text
