"""Each finding of `a2c doctor` about the machine appears when it should, with what to do."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from any2caption.serving import shared_memory
from any2caption.settings import Settings
from any2caption.stack import doctor, machine

pytestmark = pytest.mark.usefixtures("own_ports")


class Usage(NamedTuple):
    total: float
    used: float
    free: float


def found(check, settings):
    return [(one.level, one.what, one.fix) for one in check(settings)]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_SERVE_PYTHON", sys.executable)
    monkeypatch.setenv("A2C_SIGNING_KEY", str(tmp_path / "signing.pem"))
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home")


def test_a_python_that_is_too_old(settings, monkeypatch):
    assert found(machine.python, settings) == []
    monkeypatch.setattr(machine.sys, "version_info", (3, 10, 2))
    ((level, _, fix),) = found(machine.python, settings)
    assert level == "danger"
    assert "make setup" in fix


def test_a_serving_environment_that_is_not_there(settings):
    settings.serve_python = "/nowhere/python"
    ((level, what, fix),) = found(machine.serving_environment, settings)
    assert (level, "/nowhere/python" in what) == ("warning", True)
    assert "make setup" in fix


@pytest.mark.parametrize(
    ("told", "level", "what", "fix"),
    [
        ({"missing_library": "libpython3.11.so.1.0"}, "danger", "libpython3.11.so.1.0",
         "apt-get install libpython3.11"),
        ({"numpy": "2.4.1"}, "danger", "NumPy 2.4.1", "numpy<2"),
        ({"pytriton": ""}, "warning", "no Triton", "make setup"),
    ],
)  # fmt: skip
def test_what_tritons_steps_need_of_their_interpreter(  # noqa: PLR0913, PLR0917 - a case's fields
    settings, monkeypatch, told, level, what, fix
):
    monkeypatch.delenv("TRITON_SERVER_VERSION", raising=False)
    good = {"python": [3, 11], "missing_library": "", "numpy": "1.26.4", "pytriton": "0.7.0"}
    monkeypatch.setattr(machine, "probe", lambda _: good)
    assert found(machine.serving_environment, settings) == []
    monkeypatch.setattr(machine, "probe", lambda _: good | told)
    ((said, problem, cure),) = found(machine.serving_environment, settings)
    assert said == level
    assert what in problem
    assert fix in cure


def test_an_interpreter_is_really_asked():
    told = machine.probe(sys.executable)
    assert told["python"] == list(sys.version_info[:2])
    assert told["numpy"]


def test_a_taken_port_names_the_setting_that_moves_it(settings):
    assert found(machine.taken_ports, settings) == []
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.ports.mlflow))
        other.listen()
        ((level, what, fix),) = found(machine.taken_ports, settings)
    assert level == "warning"
    assert str(settings.ports.mlflow) in what
    assert "A2C_PORT_MLFLOW" in fix


def test_a_disk_that_is_nearly_full(settings, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(9e9, 8e9, 1e9))
    ((level, what, fix),) = found(machine.disk, settings)
    assert (level, what.startswith("1.0 GB are free")) == ("warning", True)
    assert "A2C_HOME" in fix
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(9e10, 0, 9e10))
    assert found(machine.disk, settings) == []


def test_shared_memory_that_is_too_small_or_left_behind(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(shared_memory, "SHM", tmp_path)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(2**26, 0, 2**26))
    ((_, what, fix),) = found(machine.shared, settings)
    assert what.startswith("64 MiB is free")
    assert "--shm-size" in fix
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(2**33, 0, 2**33))
    region = tmp_path / f"{shared_memory.PREFIX}left"
    region.write_bytes(b"x")
    assert found(machine.shared, settings) == []  # it may be just being created
    at_once = partial(shared_memory.stale_regions, younger=0.0)
    monkeypatch.setattr(shared_memory, "stale_regions", at_once)
    ((_, what, fix),) = found(machine.shared, settings)
    assert "1 shared memory regions" in what
    assert str(region) in fix


def test_a_gpu_without_driver_and_a_torch_without_cuda(settings, monkeypatch):
    class Devices:
        def __init__(self, *_):
            pass

        def glob(self, _):
            return ["/dev/nvidia0"]

    monkeypatch.setattr(machine, "Path", Devices)

    def no_driver(*_, **__):
        raise FileNotFoundError("nvidia-smi")

    monkeypatch.setattr(machine.subprocess, "run", no_driver)
    ((level, what, _),) = found(machine.gpu, settings)
    assert (level, "driver does not answer" in what) == ("warning", True)
    answer = SimpleNamespace(stdout="H200, 570.1\n")
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: answer)
    monkeypatch.setattr(machine.metadata, "version", lambda _: "2.13.0+cpu")
    note, warning = found(machine.gpu, settings)
    assert note[:2] == ("note", "GPU H200, 570.1")
    assert "torch 2.13.0+cpu does not use the GPU" in warning[1]


def test_a_machine_without_a_gpu_is_told_so(settings, monkeypatch):
    monkeypatch.setattr(machine, "Path", lambda _: SimpleNamespace(glob=lambda _: []))
    ((level, what, _),) = found(machine.gpu, settings)
    assert (level, what) == ("note", "no NVIDIA GPU here")


def test_a_clock_that_was_set_back(settings):
    assert found(machine.clock, settings) == []
    file = settings.home / "progress.jsonl"
    file.write_text("")
    os.utime(file, (time.time() + 7200, time.time() + 7200))
    ((_, what, fix),) = found(machine.clock, settings)
    assert "the clock was set back" in what
    assert "timedatectl" in fix


def test_a_clock_that_differs_from_the_object_stores(settings):
    class Late(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response_only(403)
            self.send_header("Date", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Late) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.s3_endpoint_url = f"http://127.0.0.1:{server.server_port}"
        ((level, what, _),) = found(machine.clock, settings)
        server.shutdown()
    assert level == "danger"
    assert settings.s3_endpoint_url in what
    assert found(machine.clock, settings) == []  # nobody answers, so nothing is known


def test_keys_that_others_can_read(settings):
    file = settings.home / "secrets.json"
    file.write_text("{}")
    file.chmod(0o644)
    ((level, _, fix),) = found(machine.permissions, settings)
    assert (level, fix) == ("danger", f"chmod 600 {file}")
    file.chmod(0o600)
    assert found(machine.permissions, settings) == []


def test_a_state_folder_that_is_not_ones_own(settings, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(machine.os, "access", lambda *_: False)
        ((level, what, fix),) = found(machine.permissions, settings)
    assert (level, "can't be written" in what, "A2C_HOME" in fix) == ("danger", True, True)
    monkeypatch.setattr(machine.os, "getuid", lambda: 4321)
    ((level, what, _),) = found(machine.permissions, settings)
    assert (level, "not to you (4321)" in what) == ("warning", True)


def test_a_lock_that_a_stopped_process_holds(settings):
    file = settings.home / "rollout.lock"
    code = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        assert found(machine.leftovers, settings) == []
        holder.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while not (told := found(machine.leftovers, settings)):
            assert time.monotonic() < deadline
        ((level, what, fix),) = told
    finally:
        holder.kill()
        holder.wait()
    assert level == "warning"
    assert f"{file} is locked by process {holder.pid}" in what
    assert f"kill -CONT {holder.pid}" in fix
    with file.open("w") as free:  # the kernel gave it back
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_processes_that_outlived_their_supervisor(settings):
    from any2caption.stack import local
    from any2caption.stack.secrets import load

    mark = {local.MARK: load(settings.home).stack_id}
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, **mark}
    )
    try:
        deadline = time.monotonic() + 10
        while not (told := found(machine.leftovers, settings)):
            assert time.monotonic() < deadline
    finally:
        orphan.kill()
        orphan.wait()
    ((_, what, fix),) = told
    assert str(orphan.pid) in what
    assert "a2c down" in fix


def test_a_base_installation_says_what_it_could_not_look_at(settings, monkeypatch):
    def leftovers(_):
        raise ModuleNotFoundError("No module named 'psutil'", name="psutil")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (leftovers, machine.python))
    (note,) = doctor.findings(settings)
    assert note.what == "leftovers: not looked at, psutil is not installed"
    assert "any2caption-platform[control]" in note.fix


def test_what_must_change_comes_first(settings, monkeypatch):
    levels = ("note", "danger", "warning")
    findings = [doctor.Finding(level, "x", "y") for level in levels]
    monkeypatch.setattr(doctor, "CHECKS", (lambda _: findings,))
    assert [one.level for one in doctor.findings(settings)] == ["danger", "warning", "note"]
