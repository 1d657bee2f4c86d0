"""The launcher: addresses, library paths, and no race over the stub."""

import sys
import threading
import time
from pathlib import Path

import pytest
from serving_lab import SERVE_PYTHON

from any2caption.errors import ConfigError
from any2caption.serving import server, shm


def test_every_endpoint_is_on_the_loopback_address(tmp_path):
    launch = server.command(SERVE_PYTHON, tmp_path, server.TritonPorts(1, 2, 3), load=["a-r1"])
    flags = dict(flag.lstrip("-").partition("=")[::2] for flag in launch.argv[1:])
    for name, port in (("http", "1"), ("grpc", "2"), ("metrics", "3")):
        assert flags[f"{name}-address"] == "127.0.0.1"
        assert flags[f"{name}-port"] == port
    assert flags["model-control-mode"] == "explicit"
    assert flags["load-model"] == "a-r1"


def test_another_address_must_be_asked_for(tmp_path):
    ports = server.TritonPorts(address="127.0.0.2")
    argv = server.command(SERVE_PYTHON, tmp_path, ports).argv
    assert {f"--{name}-address=127.0.0.2" for name in ("http", "grpc", "metrics")} <= set(argv)


def test_environment_lets_the_stub_find_its_own_python(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    launch = server.command(SERVE_PYTHON, tmp_path, server.TritonPorts())
    assert launch.env["PATH"].split(":")[0] == str(SERVE_PYTHON.parent)
    libdir, bundled = launch.env["LD_LIBRARY_PATH"].split(":")
    assert bundled.endswith("nvidia_pytriton.libs")
    assert Path(libdir).is_dir()
    assert "PYTHONPATH" not in launch.env


def test_stub_is_linked_by_many_launchers_at_once():
    runtime = server.find_runtime(SERVE_PYTHON)
    link = server.link_stub(runtime)
    errors = []

    def race():
        try:
            server.link_stub(runtime)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert link.resolve().name == "triton_python_backend_stub"
    assert not [path for path in link.parent.iterdir() if path.name.startswith(".stub-")]


def test_environment_without_triton_is_named(tmp_path):
    with pytest.raises(ConfigError, match="does not run"):
        server.find_runtime(tmp_path / "python")
    with pytest.raises(ConfigError, match="no tritonserver"):
        server.find_runtime(sys.executable)


def test_only_old_unmapped_regions_are_cleaned(tmp_path):
    (tmp_path / f"{shm.PREFIX}a").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    assert shm.clean(tmp_path, younger=60) == 0
    time.sleep(0.02)
    assert shm.clean(tmp_path, younger=0.01) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
