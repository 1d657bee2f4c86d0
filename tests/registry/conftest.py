import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest

from any2caption.settings import Settings
from any2caption.storage import signatures


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory):
    """A real MLflow server: SQLite and local artifacts, one worker."""
    home, port = tmp_path_factory.mktemp("mlflow"), _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}", "--workers", "1"),
        *("--artifacts-destination", str(home / "artifacts")),
    ]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            env=os.environ | settings,
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 180
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310
                break
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"MLflow did not start: {(home / 'log').read_text()[-2000:]}")
            time.sleep(0.5)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.fixture
def settings(tmp_path, mlflow_url):
    return Settings(home=tmp_path / "home", mlflow_url=mlflow_url)


@pytest.fixture
def make_bundle(tmp_path):
    """Write and sign a folder that stands for a bundle; other text, other digest."""

    def make(text, name="bundle"):
        folder = tmp_path / name
        (folder / "nested").mkdir(parents=True)
        (folder / "manifest.json").write_text(f'{{"weights": "{text}"}}')
        (folder / "nested" / "model.safetensors").write_bytes(text.encode() * 100)
        signatures.sign(folder)
        return folder

    return make
