"""The whole life cycle through the real scheduler, on both stores, also with a killed trainer."""

import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from pages import GRPCURL, ROOT, STACK, TRAINED, TRAINS, WAITS, Shell, blocks, pages

from any2caption import processes
from any2caption.orchestration.jobs.runner import MARK
from any2caption.stack.secrets import load

pytestmark = [pytest.mark.server, pytest.mark.lifecycle, pytest.mark.timeout(1800)]

RUN = ("lifecycle", "run", "--recipe", "smoke", "--policy", "smoke", "--scenes", "60", "--json")
PARTS = ["dense", "main_object", "background", "camera", "style", "action"]
CAMERA = "\n".join(
    [
        "https://example.org/clip",
        *(
            f"{33_333 * i} 0.5 0.89 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 {-0.05 * i:.2f}"
            for i in range(16)
        ),
    ]
)


def ask(platform, tmp_path) -> dict:
    """Call as a product team does: a text and a camera path, caption and video."""
    path = tmp_path / "path.txt"
    path.write_text(CAMERA + "\n")
    video = tmp_path / "out.mp4"
    answer = json.loads(
        platform.run(
            *("caption", "--text", "a red ball on a meadow", "--camera", str(path)),
            *("--video-out", str(video), "--json"),
        )
    )
    assert list(answer["caption"]) == PARTS
    assert all(answer["caption"].values())
    assert b"ftyp" in video.read_bytes()[:16]
    return answer


def leaves_nothing(platform) -> None:
    """`down` leaves no process behind, by the stack's mark and by the folder it works in."""
    platform.run("down")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            assert not process.cwd().startswith(str(platform.home)), process.cmdline()
    assert processes.marked("A2C_STACK", load(platform.home).stack_id) == []


@pytest.mark.slow
def test_folder_store_survives_a_killed_trainer_and_reuses_on_the_second_run(platform, tmp_path):
    platform.run("up", "--object-store", "file")
    killed: list[int] = []  # the checkpoint's step, then the pids
    killer = threading.Thread(target=kill_trainer, args=(platform, killed), daemon=True)
    killer.start()
    first = json.loads(platform.run(*RUN, "--auto-approve"))
    killer.join(timeout=5)
    assert killed, "the trainer was never seen at work"
    assert first["trained"]
    resumed = [
        int(line["message"].split()[3].rstrip(",:;"))
        for line in platform.progress("finetune")
        if line["message"].startswith("resumed at step")
    ]
    assert resumed, "training started over"
    assert resumed[-1] >= killed[0] > 0

    told = [line["message"] for line in platform.progress("release")]
    compared = [re.match(r"(\d) of 8 texts are those that were judged, ", one) for one in told]
    assert any(found and int(found[1]) >= 6 for found in compared), told
    answer = ask(platform, tmp_path)
    assert answer["release"] == first["carried"]["release"]

    steps = [line for line in platform.progress("finetune") if "step" in line]
    second = json.loads(platform.run(*RUN, "--auto-approve"))
    keys = ("snapshot", "run", "version", "release")
    assert [second["carried"][key] for key in keys] == [first["carried"][key] for key in keys]
    assert not second["trained"]
    assert [line for line in platform.progress("finetune") if "step" in line] == steps
    version, run = (str(first["carried"][key]) for key in ("version", "run"))
    follow_the_pages(
        platform,
        tmp_path,
        TRAINED,
        TRAINS,
        ("a2c model card 3", f"a2c model card {version}"),
        ("votes 7", f"votes {version}"),
        (".a2c/runs/RUN", f"{platform.home}/runs/{run}"),
        ("a2c lifecycle run", f"a2c {' '.join(RUN[:-1])} --auto-approve"),  # what is there
    )
    leaves_nothing(platform)


def test_s3_store_waits_for_a_person_and_serves_after_a_restart(platform, tmp_path):
    platform.run("up", "--object-store", "s3")
    following = platform.start(*RUN, "--ask")
    try:
        waiting = "waits for a person"
        deadline = time.monotonic() + 900
        while not any(waiting in line["message"] for line in platform.progress("promote")):
            assert following.poll() is None, following.communicate()
            assert time.monotonic() < deadline, "nobody was asked"
            time.sleep(1)
        follow_the_pages(platform, tmp_path, WAITS)
        out, err = following.communicate(timeout=600)
    finally:
        following.kill()
    assert following.returncode == 0, err
    outcome = json.loads(out)
    before = ask(platform, tmp_path)
    assert before["release"] == outcome["carried"]["release"]
    leaves_nothing(platform)

    # State stays: the same release answers after a restart, and nobody names the store again.
    platform.run("up")
    assert ask(platform, tmp_path)["caption"] == before["caption"]
    follow_the_pages(platform, tmp_path, STACK, GRPCURL)
    leaves_nothing(platform)


def follow_the_pages(platform, tmp_path, *told: str | tuple[str, str]) -> None:
    """What pages say to type where this is there works, as written but for ports and names.

    `told` are needs of blocks, in the order in which they are followed, and pairs of what stands
    on the page and what it is here.
    """
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    (folder / "examples").symlink_to(ROOT / "examples")
    shim = folder / "grpcurl"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/docs/grpcurl.py "$@"\n')
    shim.chmod(0o755)
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = Shell(folder, platform.environment | {"PATH": path})
    door = f"127.0.0.1:{platform.environment['A2C_PORT_TRITON_GRPC']}"
    here = [("127.0.0.1:8001", door), *(one for one in told if not isinstance(one, str))]
    for need in (one for one in told if isinstance(one, str)):
        found = [one for page in pages() for one in blocks(page) if one.needs == need]
        assert found, need
        for block in found:
            shell.run(block, here)


def kill_trainer(platform, killed: list[int]) -> None:
    """Once training has written a checkpoint, `kill -9` every process of the trainer."""
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        for folder in (platform.home / "runs").glob("*/jobs/train"):
            if step := checkpointed(folder.parent.parent / "train"):
                killed.append(step)
                for process in processes.marked(MARK, str(folder)):
                    try:
                        os.kill(process.pid, signal.SIGKILL)
                        killed.append(process.pid)
                    except (ProcessLookupError, psutil.Error):
                        continue
                return
        time.sleep(0.1)


def checkpointed(train) -> int:
    """Return the step of the newest whole checkpoint, 0 without one."""
    found = train.glob("checkpoints/step-*/complete.json")
    return max((int(marker.parent.name.split("-")[1]) for marker in found), default=0)
