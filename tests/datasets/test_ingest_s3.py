"""Ingest from and into an S3 server, with several processes."""

import pytest
from moto.server import ThreadedMotoServer

from any2caption.datasets.ingest import ingest
from any2caption.datasets.snapshots import load_condition, load_snapshot, publish
from any2caption.storage import open_store
from any2caption.storage.memory import MemoryStore
from any2caption.storage.s3 import S3Store

from .builders import write_corpus

pytestmark = pytest.mark.server


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # The server takes its port itself: one that was free a moment ago may not be any more.
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_s3_and_memory_give_the_same_snapshot_and_nothing_is_read_twice(endpoint):
    S3Store("data", "", endpoint).ensure_bucket()
    source = open_store("s3://data/customer", endpoint)
    store = open_store("s3://data/platform", endpoint)
    write_corpus(source)
    first = ingest(source, "src", store, workers=2, threshold=0)
    snapshot = publish(store, first.records)
    memory = MemoryStore()
    write_corpus(memory)
    assert publish(memory, ingest(memory, "src", memory, workers=1).records).id == snapshot.id
    again = ingest(source, "src", store, workers=2, threshold=0)
    assert (again.files_copied, again.media_sets_parsed) == (0, 0)
    assert publish(store, again.records).id == snapshot.id
    record = next(item for item in load_snapshot(store, snapshot.id).records() if item.conditions)
    assert load_condition(store, record.conditions[0]).kind == record.conditions[0].kind
