"""Temporary folders outlive their owner only until the next one comes."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from any2caption.storage.scratch import scratch, sweep

_HOLD = """
import sys, time
from pathlib import Path
from any2caption.storage.scratch import scratch
with scratch(Path(sys.argv[1]), "7") as folder:
    (folder / "half").write_bytes(bytes(1000))
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that fills a temporary folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    yield process, tmp_path / process.stdout.readline().strip().rpartition("/")[2]
    process.kill()
    process.wait()


def test_a_killed_owners_folder_goes_with_the_next_one(tmp_path, holder):
    process, folder = holder
    assert (folder / "half").exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with scratch(tmp_path, "8") as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert list(tmp_path.iterdir()) == []


def test_a_living_owners_folder_stays(tmp_path, holder):
    _, folder = holder
    assert sweep(tmp_path) == []
    with scratch(tmp_path, "7"):
        assert (folder / "half").exists()


def test_many_at_once_never_take_each_others_folders(tmp_path):
    wrong = []

    def work():
        for _ in range(20):
            with scratch(tmp_path, "7") as folder:
                (folder / "half").touch()
                if not (folder / "half").exists():
                    wrong.append(folder)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert list(tmp_path.iterdir()) == []


def test_only_folders_of_ours_are_swept(tmp_path):
    for name in ("7", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / ".a-file").touch()
    (tmp_path / ".7-dead").mkdir()
    assert sweep(tmp_path) == [".7-dead"]
    assert sweep(tmp_path / "nowhere") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a-file", ".hidden", "7"]
