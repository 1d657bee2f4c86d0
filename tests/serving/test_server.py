"""The launcher: addresses, library paths, and no race over the stub."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from serving_lab import SERVE_PYTHON

from any2caption.errors import ConfigError
from any2caption.serving import server, shared_memory
from any2caption.serving.private import make_private


def endpoints(inner="unix:/x/grpc:0", **others):
    return server.Endpoints(inner, "k" * 32, **others)


def flags_of(launch):
    return dict(flag.lstrip("-").partition("=")[::2] for flag in launch.argv[1:])


def test_every_protocol_asks_for_the_key_and_http_is_off(tmp_path):
    launch = server.command(SERVE_PYTHON, tmp_path, endpoints(metrics=3), load=["a-r1"])
    flags = flags_of(launch)
    assert flags["allow-http"] == "false"
    protocols, _, key = flags["grpc-restricted-protocol"].partition(":")
    assert key == "a2c-key=" + "k" * 32
    assert set(protocols.split(",")) == {
        *("health", "metadata", "inference", "shared-memory", "model-config"),
        *("model-repository", "statistics", "trace", "logging"),
    }
    assert (flags["grpc-address"], flags["grpc-port"]) == ("unix:/x/grpc", "0")
    assert (flags["metrics-address"], flags["metrics-port"]) == ("127.0.0.1", "3")
    assert flags["model-control-mode"] == "explicit"
    assert flags["load-model"] == "a-r1"


def test_steps_never_see_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_TRITON_KEY", "k" * 32)
    assert "A2C_TRITON_KEY" not in server.command(SERVE_PYTHON, tmp_path, endpoints()).env
    assert "k" * 32 not in repr(endpoints())


def test_a_server_without_a_key_does_not_start(tmp_path):
    with pytest.raises(ConfigError, match="A2C_TRITON_KEY"):
        server.command(SERVE_PYTHON, tmp_path, server.Endpoints("127.0.0.1:1", ""))


def test_a_private_folder_is_its_owners_alone(tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir(mode=0o755)
    make_private(folder)
    assert folder.stat().st_mode & 0o077 == 0
    make_private(tmp_path / "new" / "one")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(ConfigError, match="link: a link or somebody else's"):
        make_private(tmp_path / "link")


def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="somebody else's"):
        make_private(tmp_path)


def test_environment_lets_the_stub_find_its_own_python(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    launch = server.command(SERVE_PYTHON, tmp_path, endpoints())
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
    (tmp_path / f"{shared_memory.PREFIX}a").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    assert shared_memory.clean(tmp_path, younger=60) == 0
    time.sleep(0.02)
    assert shared_memory.clean(tmp_path, younger=0.01) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
