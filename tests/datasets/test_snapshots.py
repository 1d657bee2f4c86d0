"""Snapshots are immutable, named by their content, and verified when they are read."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest

from any2caption.datasets import snapshots
from any2caption.datasets.manifest.table import documents, to_table
from any2caption.datasets.records import QA
from any2caption.datasets.snapshots import (
    latest_id,
    load_condition,
    load_snapshot,
    publish,
    snapshot_id,
)
from any2caption.datasets.statistics import describe
from any2caption.errors import InputError, IntegrityError, NotFoundError, UnavailableError
from any2caption.storage import media_key, put_content
from any2caption.storage.folder import FolderStore
from any2caption.storage.memory import MemoryStore

from .builders import record

QUESTION = QA(aspect="style", slot="style", question="?", answer="é", sources=("text", "image"))


@pytest.fixture
def records():
    plain = record(1, conditions=(), prompt="", synthetic=False)
    return [record(3), record(2, qa=(QUESTION,)), plain, *map(record, range(10, 40))]


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


def manifest_key(store, identity):
    return json.loads(store.get(f"snapshots/{identity}/snapshot.json"))["manifest"]["key"]


def test_records_come_back_exactly_in_order_of_id(store, records):
    found = list(publish(store, records).records())
    assert found == sorted(records, key=lambda item: item.id)
    assert isinstance(found[-1].conditions[0].options["flag"], bool)
    assert isinstance(found[-1].conditions[0].options["count"], int)


def test_the_id_depends_on_content_and_not_on_order(records):
    identity = snapshot_id(records)
    assert identity == snapshot_id(records[::-1])
    assert identity != snapshot_id(records[1:])
    assert identity != snapshot_id([record(3, prompt="another"), *records[1:]])


def test_an_id_is_the_same_for_ever():
    # Known values: a change here orphans every snapshot that was ever published.
    assert snapshot_id([record(1), record(2)]).startswith("98c28dd8e2f990be")


def test_publishing_again_changes_nothing(store, records):
    first = publish(store, records, source="a")
    before = {info.key: info.etag for info in store.list("snapshots/") if "latest" not in info.key}
    again = publish(store, records[::-1], source="b")
    after = {info.key: info.etag for info in store.list("snapshots/") if "latest" not in info.key}
    assert again.id == first.id
    assert again.metadata == first.metadata
    assert before == after
    assert len(before) == 2


def test_another_data_set_leaves_the_first_untouched(store, records):
    first = publish(store, records)
    second = publish(store, records[1:])
    assert latest_id(store) == second.id
    assert list(load_snapshot(store, first.id).records()) == list(first.records())


def test_latest_is_nothing_before_the_first():
    assert latest_id(MemoryStore()) is None


def test_publishers_at_once_agree(store, records):
    with ThreadPoolExecutor(6) as pool:
        found = {item.id for item in pool.map(lambda _: publish(store, records), range(6))}
    assert len(found) == 1
    assert len(list(store.list("snapshots/"))) == 3


def test_a_split_is_read_alone(store, records):
    snapshot = publish(store, records)
    parts = {split: list(snapshot.records(split)) for split in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == len(snapshot) == len(records)
    for split, found in parts.items():
        assert {item.split for item in found} <= {split}
        assert snapshot.statistics["splits"].get(split, 0) == len(found)


def test_a_crash_before_the_marker_leaves_no_snapshot(store, records, monkeypatch):
    real = store.put

    def put(key, data, **options):
        if key.endswith("snapshot.json"):
            raise UnavailableError("down")
        real(key, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(store, "put", put)
        with pytest.raises(UnavailableError):
            publish(store, records)
    with pytest.raises(NotFoundError, match="no snapshot"):
        load_snapshot(store, snapshot_id(records))
    assert latest_id(store) is None
    assert len(publish(store, records)) == len(records)


def test_media_are_durable_before_the_snapshot_exists(store, records, monkeypatch):
    order = []
    monkeypatch.setattr(store, "flush", lambda: order.append("flush"))
    real = store.put
    monkeypatch.setattr(store, "put", lambda key, *a, **o: (order.append(key), real(key, *a, **o)))
    publish(store, records)
    marker = next(number for number, key in enumerate(order) if key.endswith("snapshot.json"))
    assert order.index("flush") < marker


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_manifest_is_never_loaded(store, records, damage):
    identity = publish(store, records).id
    key = manifest_key(store, identity)
    data = bytearray(store.get(key))
    if damage == "gone":
        store.delete(key)
    elif damage == "cut":
        store.put(key, bytes(data[:-10]))
    else:
        data[len(data) // 2] ^= 1
        store.put(key, bytes(data))
    with pytest.raises(IntegrityError, match=r"is damaged|lacks"):
        load_snapshot(store, identity)


def test_other_records_under_an_id_are_detected_although_their_file_is_whole(store, records):
    identity = publish(store, records).id
    other = publish(store, records[1:]).metadata
    key = f"snapshots/{identity}/snapshot.json"
    store.put(key, json.dumps({**other, "id": identity}).encode())
    with pytest.raises(IntegrityError, match="holds the records of"):
        load_snapshot(store, identity)


def test_a_file_that_is_no_parquet_is_detected(store, records):
    identity = publish(store, records).id
    key = f"snapshots/{identity}/snapshot.json"
    metadata = json.loads(store.get(key))
    metadata["manifest"]["sha256"] = put_content(store, b"no parquet")
    metadata["manifest"]["key"] = media_key(metadata["manifest"]["sha256"])
    store.put(key, json.dumps(metadata).encode())
    with pytest.raises(IntegrityError, match="not a snapshot manifest"):
        load_snapshot(store, identity)
    store.put(key, b"{")
    with pytest.raises(IntegrityError, match="damaged"):
        load_snapshot(store, identity)


def test_the_id_does_not_depend_on_the_parquet_writer(store, records):
    identity = publish(store, records).id
    table = pq.read_table(io.BytesIO(store.get(manifest_key(store, identity))))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none", row_group_size=3)
    again = pq.read_table(io.BytesIO(buffer.getvalue()))
    assert snapshots._digest(documents(again)) == identity


def test_two_records_with_one_id_are_no_snapshot(store):
    with pytest.raises(InputError, match="r-00001: id"):
        publish(store, [record(1), record(1, prompt="x")])
    with pytest.raises(InputError, match="needs records"):
        publish(store, [])


def test_a_condition_whose_file_was_changed_is_not_loaded(store):
    condition = record(1).conditions[0]
    store.put(media_key(condition.parts[0].sha256), b"other")
    with pytest.raises(IntegrityError):
        load_condition(store, condition)


def test_the_manifest_is_readable_without_this_project(records):
    table = to_table(records)
    assert {"id", "split", "caption_dense", "conditions", "qa"} <= set(table.column_names)
    assert table.num_rows == len(records)


def test_statistics_count_what_is_there(records):
    found = describe(records)
    assert found["records"] == len(records)
    assert found["synthetic"] == len(records) - 1
    assert found["conditions"] == {"image": len(records) - 1}
    assert found["roles"] == {"identity": len(records) - 1}
    assert found["combinations"] == {"image": len(records) - 1, "none": 1}
    assert found["questions"] == 1
    assert found["media"] == {"objects": len(records) - 1, "bytes": 10 * (len(records) - 1)}
    assert found["words"]["least"] <= found["words"]["mean"] <= found["words"]["most"]
    assert describe([])["words"] == {"mean": 0.0, "least": 0, "most": 0}
