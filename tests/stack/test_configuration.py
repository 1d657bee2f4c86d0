"""Configuration: found again by a later shell, private, without keys where they do not belong."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import asdict

import pytest

from any2caption.errors import ConfigError
from any2caption.settings import Settings
from any2caption.stack import environment, local, ports, secrets, supervisor, swift
from any2caption.stack.ports import Port
from any2caption.stack.services import services

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_a_taken_port_is_named_with_its_service_and_its_setting():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            ports.require_free([Port(number, "MLflow", "A2C_PORT_MLFLOW")])
    assert f"port {number} for MLflow" in str(caught.value)
    assert "set A2C_PORT_MLFLOW" in str(caught.value)


def test_two_services_on_one_port_are_refused():
    with pytest.raises(ConfigError, match=r"A2C_PORT_A=5.*A2C_PORT_B=5"):
        ports.require_free([Port(5, "a", "A2C_PORT_A"), Port(5, "b", "A2C_PORT_B")])


def test_keys_are_made_once_and_only_the_owner_reads_them(tmp_path):
    first = secrets.load(tmp_path)
    assert secrets.load(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert secrets.load(tmp_path / "other") != first


def test_keys_of_an_older_stack_are_kept_and_new_ones_added(tmp_path):
    kept = {key: value for key, value in asdict(secrets.make()).items() if key != "triton_key"}
    secrets.write_private(tmp_path / "secrets.json", json.dumps(kept))
    keys = secrets.load(tmp_path)
    assert len(keys.triton_key) == 64
    assert kept.items() <= asdict(keys).items()
    assert secrets.load(tmp_path) == keys


def test_a_later_shell_finds_the_same_stack_and_its_environment_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_PORT_AIRFLOW", "18081")
    settings = environment.load_settings(tmp_path)
    with_swift = local.choose_store(settings, "s3")
    environment.save(settings, swift=with_swift)
    monkeypatch.delenv("A2C_PORT_AIRFLOW")
    monkeypatch.delenv("A2C_HOME", raising=False)
    later = environment.load_settings(tmp_path)
    assert later.ports.airflow == 18081
    assert later.airflow_url.endswith(":18081")
    assert later.object_store == "s3://a2c"
    assert environment.uses_swift(later)
    assert stat.S_IMODE(environment.saved_file(tmp_path).stat().st_mode) == 0o600
    monkeypatch.setenv("A2C_AUTO_APPROVE", "true")
    assert environment.load_settings(tmp_path).auto_approve


@pytest.mark.parametrize(
    ("choice", "endpoint", "store", "own"),
    [
        ("file", None, "file://", False),
        ("s3", None, "s3://a2c", True),
        ("s3://bucket/folder", "http://minio:9000", "s3://bucket/folder", False),
        (None, None, "file://", False),
    ],
)
def test_the_store_is_a_folder_our_server_or_any_other(tmp_path, choice, endpoint, store, own):
    settings = Settings(home=tmp_path)
    assert local.choose_store(settings, choice, endpoint) is own
    assert settings.object_store.startswith(store)


def test_an_unknown_store_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match="ftp://x"):
        local.choose_store(Settings(home=tmp_path), "ftp://x")


def test_supervisords_configuration_holds_no_key(tmp_path):
    keys = secrets.load(tmp_path)
    settings = environment.with_interpreters(Settings(home=tmp_path))
    text = supervisor.configuration(tmp_path, services(settings, with_swift=True))
    hidden = (keys.jwt_secret, keys.fernet_key, keys.s3_secret_key, keys.triton_key)
    for key in (*hidden, keys.airflow_password):
        assert key not in text
    assert text.count("[program:") == 11


def test_a_long_home_still_gets_a_socket_that_fits(tmp_path):
    long = tmp_path / ("x" * 120)
    assert len(str(supervisor.socket_path(long))) < 100
    assert supervisor.socket_path(long) == supervisor.socket_path(long)


def test_everything_listens_on_the_loopback_address_only(tmp_path):
    settings = environment.with_interpreters(Settings(home=tmp_path))
    child = environment.child_environment(settings, swift=False)
    assert child["AIRFLOW__API__HOST"] == "127.0.0.1"
    swift.configure(tmp_path / "swift", settings.ports, secrets.load(tmp_path))
    for path in (tmp_path / "swift" / "etc").glob("*-server.conf"):
        assert "bind_ip = 127.0.0.1" in path.read_text()
    mlflow = next(s for s in services(settings, with_swift=False) if s.name == "mlflow")
    assert mlflow.command[mlflow.command.index("--host") + 1] == "127.0.0.1"


def test_children_are_told_to_report_nothing_and_carry_the_stacks_mark(tmp_path):
    settings = environment.with_interpreters(Settings(home=tmp_path))
    child = environment.child_environment(settings, swift=True)
    assert child["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert child["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"
    assert child["A2C_STACK"] == secrets.load(tmp_path).stack_id
    assert child["AWS_SECRET_ACCESS_KEY"] == secrets.load(tmp_path).s3_secret_key


def test_rings_follow_the_port_and_are_kept_otherwise(tmp_path):
    settings = Settings(home=tmp_path)
    keys = secrets.load(tmp_path)
    ring = tmp_path / "swift" / "etc" / "object.ring.gz"
    swift.configure(tmp_path / "swift", settings.ports, keys)
    before = ring.stat().st_mtime_ns
    swift.configure(tmp_path / "swift", settings.ports, keys)
    assert ring.stat().st_mtime_ns == before
    settings.ports.s3 += 10
    swift.configure(tmp_path / "swift", settings.ports, keys)
    assert ring.stat().st_mtime_ns != before


def test_what_a_killed_server_left_is_stopped_before_it_starts_again_but_its_jobs_are_not(tmp_path):
    base = {**os.environ, "A2C_SERVICE": "mlflow", "A2C_STACK": str(tmp_path)}
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    worker = subprocess.Popen(sleep, env=base)
    other = subprocess.Popen(sleep, env={**base, "A2C_STACK": "another"})
    job = subprocess.Popen(sleep, env={**base, "A2C_JOB": "x"})
    try:
        say = [sys.executable, "-c", "print('up')"]
        command = [sys.executable, "-m", "any2caption.stack.launch", "mlflow", *say]
        done = subprocess.run(command, env=base, capture_output=True, text=True, check=True)
        assert done.stdout == "up\n"
        assert worker.wait(timeout=5) == -signal.SIGTERM
        assert other.poll() is None
        assert job.poll() is None
    finally:
        for process in (worker, other, job):
            process.kill()
            process.wait()


def test_status_without_a_stack_says_stopped(tmp_path):
    settings = environment.with_interpreters(Settings(home=tmp_path))
    rows = json.loads(local.as_json(local.status(settings)))
    assert {row["state"] for row in rows} == {"stopped"}
    assert local.down(settings, say=print) == 0


def test_an_unknown_log_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"no service 'nope'; there are .*mlflow"):
        local.log_file(Settings(home=tmp_path), "nope")
