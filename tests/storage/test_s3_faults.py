"""Listings, multipart transfers and conditional puts through a proxy that breaks some answers."""

import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

import boto3
import pytest
from fault_proxy import FaultProxy

from any2caption.errors import ConflictError, UnavailableError
from any2caption.storage import s3
from any2caption.storage.s3 import S3Store

pytestmark = pytest.mark.server
MB = 1 << 20
_UPLOAD = """
import sys
from pathlib import Path
from any2caption.storage import s3
s3.PART_BYTES = 5 << 20
s3.S3Store("any2caption", sys.argv[2], sys.argv[1]).upload("big", Path(sys.argv[3]))
"""


@pytest.fixture
def proxy(s3_endpoint):
    one = FaultProxy(s3_endpoint)
    yield one
    one.close()


@pytest.fixture
def store(s3_store, proxy):
    """The test's own prefix, seen through the proxy."""
    return S3Store(s3_store.bucket, s3_store.prefix, proxy.url, attempts=2, read_timeout=1.0)


@pytest.fixture
def pages(monkeypatch, s3_store):
    """Listings of 3 keys a page, and 8 keys."""
    monkeypatch.setattr(s3, "PAGE_KEYS", 3)
    keys = [f"key-{number}" for number in range(8)]
    for key in keys:
        s3_store.put(key, key.encode())
    return keys


@pytest.fixture
def big(tmp_path, monkeypatch):
    """A file of three parts."""
    monkeypatch.setattr(s3, "PART_BYTES", 5 * MB)
    path = tmp_path / "big"
    path.write_bytes(b"".join(bytes([number]) * MB for number in range(12)))
    return path


@pytest.fixture
def stored(big, s3_store):
    """The same file, in the store."""
    s3_store.upload("big", big)
    return big


def half_uploads(store, endpoint):
    client = boto3.client("s3", endpoint_url=endpoint)
    found = client.list_multipart_uploads(Bucket=store.bucket, Prefix=store.prefix)
    return [upload["Key"] for upload in found.get("Uploads", [])]


def test_a_page_that_fails_once_is_asked_for_again_and_no_key_is_lost(store, proxy, pages):
    for fault in ("500", "lost", "cut", "garbled", "stall"):
        proxy.fail("GET", ["list-type=2", "continuation-token"], fault)
        assert [info.key for info in store.list()] == pages, fault
    assert proxy.broken == 5


@pytest.mark.usefixtures("pages")
def test_a_page_that_stays_broken_is_unavailable_never_a_short_listing(store, proxy):
    for fault in ("500", "cut", "garbled", "stall"):
        proxy.faults = []
        proxy.fail("GET", ["list-type=2", "continuation-token"], fault, times=50)
        with pytest.raises(UnavailableError, match="s3://any2caption"):
            list(store.list())
    assert proxy.broken >= 4


def test_a_listing_that_says_there_is_more_but_not_where_is_refused(store, proxy, pages):
    def without_token(page):
        return re.sub(rb"<NextContinuationToken>.*</NextContinuationToken>", b"", page)

    proxy.fail("GET", ["list-type=2"], without_token)
    with pytest.raises(UnavailableError, match="broke off"):
        list(store.list())


def test_a_part_that_fails_once_is_sent_again(store, proxy, big, s3_store):
    for fault in ("500", "lost", "stall"):
        proxy.fail("PUT", ["partNumber=2"], fault)
        store.upload(fault, big)
        assert s3_store.get(fault) == big.read_bytes()
    assert proxy.count("PUT", "partNumber=2") == 2 * 3


def test_an_upload_that_fails_leaves_neither_an_object_nor_its_parts(
    store, proxy, big, s3_endpoint
):
    for fault in ("500", "stall"):
        proxy.faults = []
        proxy.fail("PUT", ["partNumber=2"], fault, times=50)
        with pytest.raises(UnavailableError, match="big"):
            store.upload("big", big)
        assert not store.exists("big")
        assert half_uploads(store, s3_endpoint) == []


def test_a_last_word_that_is_lost_is_worth_another_try(store, proxy, big, s3_store, s3_endpoint):
    for fault in ("500", "lost"):
        proxy.fail("POST", ["uploadId="], fault)
        with suppress(UnavailableError):  # where the server knows nothing of a finished upload
            store.upload("big", big)
        store.upload("big", big)
        assert s3_store.get("big") == big.read_bytes()
        assert half_uploads(store, s3_endpoint) == []


def test_the_parts_of_a_killed_upload_go_when_they_are_old(store, proxy, big, s3_endpoint):
    proxy.fail("PUT", ["partNumber=2"], "stall", times=50)
    process = subprocess.Popen([sys.executable, "-c", _UPLOAD, proxy.url, store.prefix, str(big)])
    try:
        limit = time.monotonic() + 30
        while not proxy.count("PUT", "partNumber=2"):
            assert time.monotonic() < limit
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert half_uploads(store, s3_endpoint) == [f"{store.prefix}/big"]

    def begun_now(page):  # the test server calls every upload one of 2010
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()
        return re.sub(rb"<Initiated>[^<]*", b"<Initiated>" + now, page)

    proxy.fail("GET", ["uploads"], begun_now)
    assert store.sweep(older=3600) == 0, "a young one may be at work"
    assert store.sweep(older=3600) == 1
    assert half_uploads(store, s3_endpoint) == []


def test_a_range_that_fails_once_is_fetched_again(store, proxy, stored, tmp_path):
    for fault in ("500", "cut", "stall"):
        proxy.fail("GET", ["/big"], fault)
        store.download("big", tmp_path / fault)
        assert (tmp_path / fault).read_bytes() == stored.read_bytes()
    assert proxy.broken == 3


@pytest.mark.usefixtures("stored")
def test_a_download_that_fails_leaves_no_file(store, proxy, tmp_path):
    target = tmp_path / "folder" / "copy"
    for fault in ("500", "cut", "garbled", "stall"):
        proxy.faults = []
        proxy.fail("GET", ["/big"], fault, times=50)
        with pytest.raises(UnavailableError, match="big"):
            store.download("big", target)
        assert list(target.parent.iterdir()) == [], fault


def test_a_put_whose_answer_is_lost_is_not_taken_for_somebody_elses(store, proxy):
    proxy.fail("PUT", ["/marker"], "lost")
    store.put("marker", b"mine", overwrite=False)
    assert store.get("marker") == b"mine"
    with pytest.raises(ConflictError):
        store.put("marker", b"mine", overwrite=False)


def test_a_put_that_lost_while_it_was_repeated_is_a_conflict(store, proxy, s3_store):
    def somebody_was_faster(_):
        s3_store.put("marker", b"theirs")
        return b""

    proxy.fail("HEAD", ["/marker"], somebody_was_faster)
    proxy.fail("PUT", ["/marker"], "500")
    with pytest.raises(ConflictError):
        store.put("marker", b"mine", overwrite=False)
    assert s3_store.get("marker") == b"theirs"
