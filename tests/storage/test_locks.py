import subprocess
import sys
import time

from any2caption.storage.locks import file_lock

HOLD = """
import sys, time
from pathlib import Path
from any2caption.storage.locks import file_lock
with file_lock(Path(sys.argv[1])) as held:
    print(held, flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path):
    path = tmp_path / "lock"
    with file_lock(path, wait=0) as first, file_lock(path, wait=0) as second:
        assert (first, second) == (True, False)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "True\n"
        start = time.monotonic()
        with file_lock(path, wait=0.3) as held:
            assert not held
        assert time.monotonic() - start >= 0.3
        holder.kill()
    with file_lock(path) as held:
        assert held


def test_a_lock_says_nothing_of_another_file(tmp_path):
    with file_lock(tmp_path / "a", wait=0) as first, file_lock(tmp_path / "b", wait=0) as second:
        assert first
        assert second
