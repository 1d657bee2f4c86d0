"""The stores under test: a folder, memory, and S3 against a real server process of moto's."""

import sys
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

sys.path.insert(0, str(Path(__file__).parent))

from any2caption.storage import open_store
from any2caption.storage.memory import MemoryStore
from any2caption.storage.s3 import S3Store

BUCKET = "any2caption"


@pytest.fixture(scope="session")
def s3_endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def s3_store(s3_endpoint, s3_credentials, request):
    prefix = f"tests/{abs(hash(request.node.nodeid)):x}"
    store = S3Store(BUCKET, prefix, s3_endpoint)
    store.ensure_bucket()
    yield store
    for info in store.list():
        store.delete(info.key)


@pytest.fixture(params=["folder", "memory", pytest.param("s3", marks=pytest.mark.server)])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store((tmp_path / "a store").as_uri())
    if request.param == "memory":
        return MemoryStore("contract")
    return request.getfixturevalue("s3_store")
