"""A real Triton for tests: free ports, a repository of its own, and nothing left behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from any2caption.errors import UnavailableError
from any2caption.serving import contract, releases, shm
from any2caption.serving.control import TritonControl
from any2caption.serving.live import LiveRepository

ROOT = Path(__file__).parents[2]
SERVE_PYTHON = Path(os.environ.get("A2C_SERVE_PYTHON") or ROOT / ".venv-serve" / "bin" / "python")


def wait_until(said, seconds=60):
    """Poll until `said()` is true; return its value."""
    limit = time.monotonic() + seconds
    while not (value := said()):
        if time.monotonic() > limit:
            raise AssertionError(f"not within {seconds} s: {said}")
        time.sleep(0.1)
    return value


def requests_since(control, model, before):
    return control.counts()[model].requests - before[model].requests


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Server:
    """`python -m any2caption.serving.server`, as the stack starts it."""

    def __init__(self, home):
        self.home = Path(home)
        self.live = LiveRepository(self.home / "models")
        self.log = self.home / "triton.log"
        self.process = None
        self.ports = free_ports(3)

    @property
    def url(self):
        return f"127.0.0.1:{self.ports[1]}"

    def start(self, seconds=90):
        http, grpc, metrics = map(str, self.ports)
        self.home.mkdir(parents=True, exist_ok=True)
        argv = [
            *(sys.executable, "-m", "any2caption.serving.server"),
            *("--repository", str(self.live.root), "--serve-python", str(SERVE_PYTHON)),
            *("--http-port", http, "--grpc-port", grpc, "--metrics-port", metrics),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        with TritonControl(self.url) as control:
            limit = time.monotonic() + seconds
            while not control.ready():
                if self.process.poll() is not None or time.monotonic() > limit:
                    self.stop()
                    raise UnavailableError(f"Triton did not start:\n{self.log.read_text()[-3000:]}")
                time.sleep(0.1)
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None

    def stubs(self):
        """{model: pid} of the server's Python stubs, from their command lines."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"triton_python_backend_stub" in words[0] and len(words) > 1:
                model = Path(words[1].decode())
                if self.live.root in model.parents:
                    found[model.relative_to(self.live.root).parts[0]] = int(folder.name)
        return found


def my_regions(before=frozenset()):
    return {path.name for path in shm.SHM.glob(f"{shm.PREFIX}*")} - set(before)


def fake_repository(folder):
    for step in contract.STEPS:
        code = folder / step.name / "1" / "model.py"
        code.parent.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("fake_model.py"), code)
    for ensemble in contract.ENSEMBLES:
        (folder / ensemble.name / "1").mkdir(parents=True)
        (folder / ensemble.name / "1" / "README").write_text("no code\n")
    return folder


def fake_release(folder, number, *marks):
    """Build a fake release; `marks` (`broken`, `sick`) are files in its bundle."""
    bundle = folder / f"bundle-{number}"
    bundle.mkdir(parents=True)
    for mark in ("weights", *marks):
        (bundle / mark).write_text(f"{mark} of {number}")
    source = folder / "repository"
    if not source.exists():
        fake_repository(source)
    return releases.build(
        bundle, folder / "releases", number, model_version=str(number), source=source
    )
