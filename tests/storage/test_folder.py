"""What the folder store promises beyond the common contract."""

import os
import threading

import pytest

from any2caption.errors import ConfigError, ConflictError, InputError
from any2caption.storage import open_store
from any2caption.storage.folder import TEMPORARY, FolderStore


def test_a_crash_before_the_rename_leaves_the_old_object(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    store.put("key", b"old")

    def crash(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(OSError, match="No space left"):
            store.put("key", b"new")
    assert store.get("key") == b"old"
    assert list((tmp_path / TEMPORARY).iterdir()) == []
    assert [info.key for info in store.list()] == ["key"]


def test_readers_see_the_old_or_the_new_object_never_a_mix(tmp_path):
    store = FolderStore(tmp_path)
    contents = {bytes([value]) * 200_000 for value in range(4)}
    store.put("key", min(contents))
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for content in contents:
                store.put("key", content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(store.get("key") in contents for _ in range(200))
    finally:
        stop.set()
        writer.join()


def test_a_symbolic_link_cannot_lead_out_of_the_store(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(outside)
    store = FolderStore(root)
    with pytest.raises(InputError, match="leads out"):
        store.get("link/secret")
    assert list(store.list()) == []


def test_media_skip_the_fsync_and_everything_else_does_not(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    store = FolderStore(tmp_path)
    store.put("media/sha256/ab/x", b"x")
    assert not synced
    store.put("snapshots/x", b"x")
    assert len(synced) == 1


def test_a_key_that_is_a_folder_of_keys_is_refused(tmp_path):
    store = FolderStore(tmp_path)
    store.put("q/r", b"x")
    with pytest.raises(ConflictError):
        store.put("q", b"x")
    with pytest.raises(ConflictError):
        store.put("q/r/s", b"x")


def test_a_store_is_opened_by_its_address(tmp_path):
    store = FolderStore(tmp_path / "with blank é")
    store.put("key", b"x")
    assert open_store(store.uri).get("key") == b"x"
    assert open_store("memory://same") is open_store("memory://same")


@pytest.mark.parametrize("uri", ["", "/absolute/x", "ftp://host/x", "file://host/x", "s3://"])
def test_an_unknown_address_says_what_is_accepted(uri):
    with pytest.raises(ConfigError, match="store is"):
        open_store(uri)


def test_what_a_killed_writer_left_goes_when_it_is_old(tmp_path):
    store = FolderStore(tmp_path)
    store.put("key", b"x")
    half = tmp_path / TEMPORARY / ".half.tmp"
    half.write_bytes(b"half")
    assert store.sweep(older=3600) == 0
    os.utime(half, (0, 0))
    assert store.sweep(older=3600) == 1
    assert not half.exists()
    assert store.get("key") == b"x"
