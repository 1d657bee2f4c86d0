"""Code in a worker has no key, no network, no files, and nobody to hurt."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from any2caption.conditions.isolation import parse, sandbox
from any2caption.conditions.types import Part

HERE = Path(__file__).parent
REFUSED = (
    *("connect", "unix socket", "datagram", "execute", "unlink", "rename", "write", "read"),
    *("read /etc/passwd", "list", "make", "fork bomb", "signal", "trace", "trace the server"),
    *("memory", "code", "become root"),
)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What a worker could do that tried everything."""
    victim = tmp_path_factory.mktemp("victim") / "file"
    victim.write_text("kept")
    for path in (victim, victim.parent):
        path.chmod(0o777)
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(HERE))
    patch.setenv("A2C_MLFLOW_PASSWORD", "a key")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "a key")
    pool = parse.Pool(1, server="hostile_server")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        told = {"port": listening.getsockname()[1], "pid": os.getpid(), "file": str(victim)}
        with pool.lease(time.monotonic() + 60) as lease:
            part = Part("told.json", json.dumps(told).encode())
            report = json.loads(lease.parse("attempt", [part]).payload)
    pool.close()
    patch.undo()
    assert victim.read_text() == "kept"
    return report


@pytest.mark.parametrize("attempt", REFUSED)
def test_a_worker_cannot(attempt, outcome):
    assert outcome[attempt] == "PermissionError"


def test_a_worker_can_start_threads(outcome):
    assert outcome["thread"] == "done"


def test_a_workers_environment_holds_no_key(outcome):
    named = {name for name in outcome["environment"] if name.startswith(("A2C_", "AWS_"))}
    assert not named
    allowed = {*sandbox.clean_environment(os.environ), "PYTHONPATH", "LC_CTYPE"}
    assert set(outcome["environment"]) <= allowed


def test_a_worker_has_one_open_file_its_requests(outcome):
    assert len(outcome["open files"]) == 1


def test_the_report_names_every_layer_and_what_it_lacks():
    layers = {name: (active, said) for name, active, said in sandbox.sandbox_report()}
    assert list(layers) == [
        *("no new privileges", "network namespace", "Landlock"),
        *("own user", "limits", "seccomp"),
    ]
    assert layers["no new privileges"][0]
    assert layers["limits"][0]
    assert all(active or said for active, said in layers.values())


def test_without_libseccomp_the_report_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    assert sandbox.compiled_calls() is None
    name, active, said = sandbox._few_calls(None)
    assert (name, active) == ("seccomp", False)
    assert "libseccomp2" in said


def test_nothing_is_imported_after_the_lock_down():
    """A worker can open no file, so what parsers import late must be loaded before."""
    code = """
import sys
from pathlib import Path
from any2caption.conditions import registry
from any2caption.conditions.isolation.parse_server import preload_parsers
from any2caption.conditions.types import Part
preload_parsers()
before = set(sys.modules)
data = Path(sys.argv[1])
for path in data.glob("*/**/*"):
    kind = path.relative_to(data).parts[0]
    if path.is_file() and kind in registry.KINDS:
        try:
            registry.parse_condition(kind, [Part(path.name, path.read_bytes())])
        except Exception:
            pass
print(sorted(set(sys.modules) - before))
"""
    argv = [sys.executable, "-c", code, str(HERE.parent / "data")]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
