"""The launcher for real: two ranks, kill -9, SIGTERM, reuse."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from any2caption.model.bundle import load_bundle
from any2caption.progress import ProgressLog
from any2caption.training.launch import rank

pytestmark = pytest.mark.server


def begin(folder, out, home, world_size=2):
    command = [sys.executable, "-m", "any2caption.training.launch.supervisor", "--preset", "tiny"]
    command += [
        "--recipe",
        "smoke",
        "--data",
        str(folder),
        "--out",
        str(out),
        "--world-size",
        str(world_size),
    ]
    command += ["--progress", str(out.parent / "progress.jsonl"), "--lifecycle", "test"]
    env = {**os.environ, "A2C_HOME": str(home)}
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)


def wait_for(process, ready, seconds=240):
    deadline = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def workers(out):
    return [int(p.read_text()) for p in out.glob("worker-*.pid")]


def checkpoints(out):
    return list((out / "checkpoints").glob("step-*/complete.json"))


def alive(pid):
    return (
        Path(f"/proc/{pid}/cmdline").exists()
        and b"launch.rank" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )


def test_two_ranks_survive_kill_9_of_a_worker_and_do_not_start_over(folder, tmp_path, settings):
    out = tmp_path / "train"
    process = begin(folder, out, settings.home)
    wait_for(process, lambda: len(checkpoints(out)) >= 1 and len(workers(out)) == 2)
    os.kill(workers(out)[0], signal.SIGKILL)
    assert process.wait(300) == 0, process.stderr.read()
    meta = load_bundle(out / "bundle").meta
    assert meta["world_size"] == 2
    assert meta["starts"] == 2
    messages = [line["message"] for _, line in ProgressLog(tmp_path / "progress.jsonl").read()]
    assert any("start 2 from the last checkpoint" in m for m in messages)
    assert any(m.startswith("resumed at step") and m != "resumed at step 0" for m in messages)
    again = begin(folder, out, settings.home)
    assert again.wait(60) == 0
    assert load_bundle(out / "bundle").meta["starts"] == 2


def test_sigterm_ends_with_75_leaves_no_process_and_resumes(folder, tmp_path, settings):
    out = tmp_path / "train"
    process = begin(folder, out, settings.home, world_size=1)
    wait_for(process, lambda: checkpoints(out) and workers(out))
    pids = workers(out)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 75, process.stderr.read()
    assert not any(alive(pid) for pid in pids)
    second = begin(folder, out, settings.home, world_size=1)
    assert second.wait(300) == 0, second.stderr.read()
    assert load_bundle(out / "bundle").meta["starts"] == 2


def test_a_killed_supervisor_takes_its_workers_along(folder, tmp_path, settings):
    out = tmp_path / "train"
    process = begin(folder, out, settings.home, world_size=1)
    wait_for(process, lambda: workers(out))
    pids = workers(out)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "huge"}, "unknown recipe"),
        ({"preset": "qwen2-vl-7b"}, "is for tiny"),
        ({"data": "/nowhere"}, "no prepared data"),
        ({"recipe": "/nowhere.yaml"}, "cannot be read"),
        ({"world-size": "5"}, "not divisible by 5 ranks"),
    ],
)
def test_wrong_configuration_exits_with_2(tmp_path, folder, settings, changes, message):
    values = {"preset": "tiny", "recipe": "smoke", "data": str(folder), "out": str(tmp_path / "t")}
    values |= {"world-size": "1", **changes}
    command = [sys.executable, "-m", "any2caption.training.launch.supervisor"]
    for name, value in values.items():
        command += [f"--{name}", value]
    env = {**os.environ, "A2C_HOME": str(settings.home)}
    found = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "t").exists()  # nothing was started


def test_a_rank_whose_peer_died_is_not_taken_for_the_failure():
    lost = RuntimeError("[/b/gloo/transport/tcp/pair.cc:537] Read error: Connection reset by peer")
    assert rank._lost_peer(lost)
    assert not rank._lost_peer(RuntimeError("shape mismatch"))
    assert not rank._lost_peer(ValueError("gloo/transport"))
