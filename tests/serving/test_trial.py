"""The trial of a release: a Triton without keys, which its caller's death takes along."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from serving_lab import SERVE_PYTHON, fake_release, wait_until

from any2caption.errors import IntegrityError
from any2caption.serving import contract, shared_memory
from any2caption.serving.releases import trial
from any2caption.storage.scratch import sweep

pytestmark = pytest.mark.server
_BOOT = """
import sys, time
from pathlib import Path
import any2caption.serving.releases.smoke as smoke
import any2caption.serving.releases.trial as trial
from any2caption.serving.releases.release_folder import read_release
smoke.check = lambda *_, **__: time.sleep(120)
trial.boot(read_release(Path(sys.argv[1])), sys.argv[2])
"""
KEY = "AIRFLOW__CORE__FERNET_KEY"


def trials(home):
    """The processes of trials under `home`."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if f"{home}/" in words and "-trial-" in words and process.info["status"] != "zombie":
            found.append(process)
    return found


def test_code_that_was_not_signed_is_not_tried(tmp_path):
    release = fake_release(tmp_path, 1)
    code = release.repository / "decoder" / "1" / "model.py"
    code.chmod(0o644)
    code.write_text(code.read_text() + "import os\n")
    with pytest.raises(IntegrityError, match=r"decoder/1/model\.py"):
        trial.boot(release, SERVE_PYTHON)


def test_a_trial_is_over_at_once_and_leaves_no_process_and_no_shared_memory(tmp_path, monkeypatch):
    release = fake_release(tmp_path, 1)
    check, ended = trial.smoke.check, []
    regions = set()

    def check_and_look(*arguments, **options):
        check(*arguments, **options)
        regions.update(shared_memory.mapped_regions(pids=[one.pid for one in trials(tmp_path)]))
        ended.append(time.monotonic())

    monkeypatch.setattr(trial.smoke, "check", check_and_look)
    trial.boot(release, SERVE_PYTHON)
    assert time.monotonic() - ended[0] < 5, "an orderly end takes Triton its exit time-out"
    assert trials(tmp_path) == []
    assert regions
    assert not regions & {path.name for path in shared_memory.SHM.iterdir()}


def test_a_trial_has_no_keys_and_ends_with_its_caller(tmp_path):
    release = fake_release(tmp_path, 1)
    argv = [sys.executable, "-c", _BOOT, str(release.folder), str(SERVE_PYTHON)]
    caller = subprocess.Popen(argv, env={**os.environ, KEY: "secret", "A2C_STACK": "mark"})
    try:
        steps = len(contract.steps())
        running = wait_until(lambda: (found := trials(tmp_path)) and len(found) > steps and found)
        for process in running:
            environment = process.environ()
            assert KEY not in environment
            assert environment["A2C_STACK"] == "mark", "`a2c down` finds it"
    finally:
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    # The kernel takes the server down; a stub that was just starting may be left over.
    wait_until(lambda: not [p for p in trials(tmp_path) if p.name() == "tritonserver"])
    trial.stop_orphans(release.folder.parent)
    wait_until(lambda: not trials(tmp_path))
    (left,) = sweep(release.folder.parent)
    assert left.startswith(".1-trial-")
