"""A real Triton for tests: free ports, a repository of its own, and nothing left behind."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from any2caption.errors import UnavailableError
from any2caption.serving import contract
from any2caption.serving.control import TritonControl
from any2caption.serving.releases import release_folder
from any2caption.serving.releases.live_repository import LiveRepository
from any2caption.settings import Settings, inner_url
from any2caption.storage import signatures
from loopback import free_port

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


def executions_of(control, model, before, requests):
    """Wait until `requests` more are counted; return the executions that they took.

    The server counts just after it has answered, so an answer from before `before` may still come
    on top: more than `requests` are as good.
    """

    def counted():
        now = control.counts()[model]
        if now.requests - before[model].requests >= requests:
            return now
        return None

    return wait_until(counted).executions - before[model].executions


class Server:
    """Triton and the door in front of it, as the stack starts them.

    Clients ask at `url`; `control()` goes to Triton itself, with the key. `door` are settings of
    the door, as `A2C_DOOR_…` has them.
    """

    def __init__(self, home, **door):
        self.home = Path(home)
        self.live = LiveRepository(self.home / "models")
        self.log, self.door_log = self.home / "triton.log", self.home / "door.log"
        self.process = self.door_process = None
        self.door_port, self.metrics_port = free_port(), free_port()
        self.url = f"127.0.0.1:{self.door_port}"
        self.inner = inner_url(self.home)
        self.key = secrets.token_hex(32)
        self.cancelled = self.home / "cancelled"
        self.environment = {
            **os.environ,
            "A2C_TRITON_KEY": self.key,
            "A2C_TRITON_INNER_URL": self.inner,
            "A2C_CANCEL_FOLDER": str(self.cancelled),
            **{f"A2C_DOOR_{name.upper()}": str(value) for name, value in door.items()},
        }

    def control(self):
        return TritonControl(self.inner, self.key)

    def settings(self, **others):
        """Settings that find this server."""
        return Settings(
            triton_url=self.url, triton_inner_url=self.inner, triton_key=self.key, **others
        )

    def start(self, seconds=90):
        self.home.mkdir(parents=True, exist_ok=True)
        metrics = str(self.metrics_port)
        self.process = self._spawn(
            self.log,
            *("any2caption.serving.server", "--repository", str(self.live.root)),
            *("--serve-python", str(SERVE_PYTHON)),
            *("--inner", self.inner, "--metrics-port", metrics),
        )
        if self.door_process is None:
            self.start_door()
        with TritonControl(self.url) as control:
            limit = time.monotonic() + seconds
            while not control.ready():
                dead = self.process.poll() is not None or self.door_process.poll() is not None
                if dead or time.monotonic() > limit:
                    self.stop()
                    logs = self.log.read_text()[-3000:] + self.door_log.read_text()[-3000:]
                    raise UnavailableError(f"Triton did not start:\n{logs}")
                time.sleep(0.1)
        return self

    def start_door(self):
        self.door_process = self._spawn(
            self.door_log, "any2caption.serving.door", "--listen", self.url
        )

    def _spawn(self, log, *argv):
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "-m", *argv],
                stdout=file,
                stderr=file,
                env=self.environment,
                start_new_session=True,
            )

    def stop(self, how=signal.SIGTERM):
        for process in (self.process, self.door_process):
            if process is None or process.poll() is not None:
                continue
            process.send_signal(how)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self.process = self.door_process = None

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


def fake_repository(folder):
    for step in contract.steps():
        code = folder / step.name / "1" / "model.py"
        code.parent.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("fake_model.py"), code)
    for ensemble in contract.PUBLIC:
        (folder / ensemble / "1").mkdir(parents=True)
        (folder / ensemble / "1" / "README").write_text("no code\n")
    return folder


def fake_release(folder, number, *marks):
    """Build a fake release; `marks` (`broken`, `sick`) are files in its bundle."""
    bundle = folder / f"bundle-{number}"
    bundle.mkdir(parents=True)
    for mark in ("weights", *marks):
        (bundle / mark).write_text(f"{mark} of {number}")
    signatures.sign(bundle)
    source = folder / "repository"
    if not source.exists():
        fake_repository(source)
    return release_folder.build(
        bundle, folder / "releases", number, model_version=str(number), source=source
    )
