"""An export that meets a full disk or is killed leaves no half release, and soon no half folder."""

import os
import signal
import subprocess
import sys

import pytest
from serving_lab import fake_repository, wait_until

from any2caption.errors import UnavailableError
from any2caption.serving.releases import release_folder
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.storage import signatures
from small_disk import fill, small_disk

_BUILD = """
import sys
from pathlib import Path
from any2caption.serving.releases import release_folder as releases
bundle, out, source = map(Path, sys.argv[1:])
releases.build(bundle, out, 1, source=source)
"""
MB = 1 << 20


@pytest.fixture
def source(tmp_path):
    return fake_repository(tmp_path / "source")


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", 6 * MB) as folder:
        yield folder


def bundle_of(folder, *sizes):
    folder.mkdir()
    for number, size in enumerate(sizes):
        with (folder / f"weights-{number}").open("wb") as file:
            file.truncate(size)
    signatures.sign(folder)
    return folder


def test_a_bundle_that_does_not_fit_is_refused_before_it_is_copied(tmp_path, disk, source):
    bundle = bundle_of(tmp_path / "bundle", 20 * MB)
    with pytest.raises(UnavailableError, match=r"release 1 needs 22\.0 MB, 6\.\d MB are free"):
        release_folder.build(bundle, disk / "out", 1, source=source)
    assert list((disk / "out").iterdir()) == []


def test_a_disk_that_fills_up_in_the_middle_is_named_and_nothing_stays(tmp_path, disk, source):
    # A file of a byte takes a page: more room than anybody could have foreseen.
    bundle = bundle_of(tmp_path / "bundle", *[1] * 2000)
    with pytest.raises(UnavailableError, match="the disk is full, release 1 was not finished"):
        release_folder.build(bundle, disk / "out", 1, source=source)
    assert list((disk / "out").iterdir()) == []
    small = bundle_of(tmp_path / "small", 1000)
    assert release_folder.verify(release_folder.build(small, disk / "out", 1, source=source).folder)


def test_a_release_on_a_full_disk_stays_whole(tmp_path, disk, source):
    release = release_folder.build(bundle_of(tmp_path / "a", MB), disk / "out", 1, source=source)
    filler = fill(disk)
    with pytest.raises(UnavailableError):
        release_folder.build(bundle_of(tmp_path / "b", 10), disk / "out", 2, source=source)
    assert release_folder.verify(release.folder) == release
    filler.unlink()
    assert release_folder.build(tmp_path / "b", disk / "out", 2, source=source).number == 2


def kill_in_the_middle(bundle, out, source):
    """Start an export, kill it once its copy is under way; return the half folder's name."""
    argv = [sys.executable, "-c", _BUILD, str(bundle), str(out), str(source)]
    process = subprocess.Popen(argv)
    (half,) = wait_until(lambda: list(out.glob(".1-*/release/bundle/weights-1")), 30)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert release_folder.numbers(out) == []
    return half.relative_to(out).parts[0]


def test_what_a_killed_export_left_goes_with_the_next_export_and_the_next_start(tmp_path, source):
    live = LiveRepository(tmp_path / "triton" / "models")
    bundle = bundle_of(tmp_path / "bundle", 64 * MB, 64 * MB, 64 * MB)
    out = live.releases
    for _ in range(2):
        half = kill_in_the_middle(bundle, out, source)
        assert [path.name for path in out.iterdir()] == [half], "only the last one's"
    live.restore()
    assert list(out.iterdir()) == [], "the start of the server clears it away"
    kill_in_the_middle(bundle, out, source)
    release = release_folder.build(bundle, out, 1, source=source)
    assert list(out.iterdir()) == [release.folder]
    assert release_folder.verify(release.folder) == release
