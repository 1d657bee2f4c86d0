"""What every object store promises: one suite over all of them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from any2caption.errors import ConflictError, InputError, IntegrityError, NotFoundError
from any2caption.storage import digest_of, get_content, media_key, put_content

BAD_KEYS = [
    "",
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a//b",
    "./a",
    "a/",
    "a\\b",
    "a\0b",
    "a\nb",
    "C:/x",
    "http://host/x",
    "x" * 2000,
]


def test_what_was_put_is_what_is_got(store):
    store.put("a/b.bin", b"\0\xff")
    assert store.get("a/b.bin") == b"\0\xff"
    store.put("empty", b"")
    assert store.get("empty") == b""


def test_a_put_replaces_the_whole_object(store):
    store.put("key", b"long content")
    store.put("key", b"short")
    assert store.get("key") == b"short"


def test_without_overwrite_the_first_put_stays(store):
    store.put("key", b"first", overwrite=False)
    with pytest.raises(ConflictError, match="exists already"):
        store.put("key", b"second", overwrite=False)
    assert store.get("key") == b"first"


def test_of_many_writers_without_overwrite_one_wins(store):
    def write(number):
        try:
            store.put("marker", str(number).encode(), overwrite=False)
        except ConflictError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(write, range(8)) if number is not None]
    assert [str(number).encode() for number in winners] == [store.get("marker")]


def test_a_missing_object_is_named(store, tmp_path):
    with pytest.raises(NotFoundError, match="no/such"):
        store.get("no/such")
    with pytest.raises(NotFoundError, match="no/such"):
        store.download("no/such", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert not store.exists("no/such")


def test_a_folder_of_objects_is_no_object(store):
    store.put("folder/object", b"x")
    assert not store.exists("folder")
    with pytest.raises(NotFoundError):
        store.get("folder")


def test_listing_is_in_key_order_and_by_plain_prefix(store):
    keys = ["b", "a/2", "a/10", "a.b", "a-b/c", "aé/x", "media/x"]
    for key in keys:
        store.put(key, key.encode())
    assert [info.key for info in store.list()] == sorted(keys)
    assert [info.key for info in store.list("a")] == sorted(k for k in keys if k.startswith("a"))
    assert [info.key for info in store.list("a/")] == ["a/10", "a/2"]
    assert list(store.list("nothing/")) == []
    assert {info.key: info.size for info in store.list("a/1")} == {"a/10": 4}


def test_listing_goes_beyond_one_page(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put(f"many/{number:04}", b"x"), range(1100)))
    assert len(list(store.list("many/"))) == 1100


def test_the_etag_changes_with_the_content(store):
    store.put("key", b"one")
    (before,) = store.list("key")
    store.put("key", b"two")
    (after,) = store.list("key")
    assert before.etag != after.etag


def test_deleting_twice_is_no_error(store):
    store.put("key", b"x")
    store.delete("key")
    store.delete("key")
    assert not store.exists("key")


def test_files_go_up_and_come_down(store, tmp_path):
    source, target = tmp_path / "source", tmp_path / "deep" / "target"
    source.write_bytes(b"content" * 1000)
    store.upload("file", source)
    store.download("file", target)
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    store.flush()


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_could_escape_are_refused_everywhere(store, key, tmp_path):
    for action in (
        lambda: store.get(key),
        lambda: store.put(key, b"x"),
        lambda: store.exists(key),
        lambda: store.delete(key),
        lambda: store.download(key, tmp_path / "x"),
        lambda: store.upload(key, Path(__file__)),
    ):
        with pytest.raises(InputError):
            action()


def test_equal_content_is_stored_once_and_verified_when_read(store):
    sha256 = put_content(store, b"picture")
    assert put_content(store, b"picture") == sha256 == digest_of(b"picture")
    assert [info.key for info in store.list("media/")] == [media_key(sha256)]
    assert get_content(store, sha256) == b"picture"


def test_damaged_content_is_never_returned(store):
    sha256 = put_content(store, b"picture")
    store.put(media_key(sha256), b"pictur")
    with pytest.raises(IntegrityError, match=r"6 bytes.*ingest its source again"):
        get_content(store, sha256)


def test_a_digest_that_is_none_cannot_become_a_path():
    with pytest.raises(InputError, match="not a SHA-256"):
        media_key("../../etc/passwd")


def test_a_part_of_an_object_is_read_alone(store):
    store.put("a/b", bytes(range(100)))
    assert store.get_range("a/b", 10, 5) == bytes(range(10, 15))
    assert store.get_range("a/b", 95, 50) == bytes(range(95, 100))
    assert [store.get_range("a/b", start, size) for start, size in ((100, 5), (7, 0))] == [b"", b""]
    with pytest.raises(NotFoundError):
        store.get_range("a/none", 0, 5)
