"""Configuration: found again by a later shell, private, without keys where they do not belong."""

import dataclasses
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from any2caption.cli.main import app
from any2caption.errors import A2CError, ConfigError
from any2caption.settings import Settings
from any2caption.stack import environment, health, local, own, ports, secrets, supervisor, swift
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
    for key in list(dataclasses.asdict(keys).values())[1:]:
        assert key not in text
    assert text.count("[program:") == 12


def test_a_long_home_still_gets_a_socket_that_fits(tmp_path):
    long = tmp_path / ("x" * 120)
    assert len(str(supervisor.socket_path(long))) < 100
    assert supervisor.socket_path(long) == supervisor.socket_path(long)


def test_everything_listens_on_the_loopback_address_only(tmp_path):
    settings = environment.with_interpreters(Settings(home=tmp_path))
    child = own.of_service("airflow-api", settings, swift=False)
    assert child["AIRFLOW__API__HOST"] == "127.0.0.1"
    swift.configure(tmp_path / "swift", settings.ports, secrets.load(tmp_path))
    for path in (tmp_path / "swift" / "etc").glob("*-server.conf"):
        assert "bind_ip = 127.0.0.1" in path.read_text()
    mlflow = next(s for s in services(settings, with_swift=False) if s.name == "mlflow")
    assert mlflow.command[mlflow.command.index("--host") + 1] == "127.0.0.1"


KEYS_OF = {
    "s3": set(),
    "s3-object": set(),
    "mlflow": {
        *("mlflow_password", "mlflow_form_key", "mlflow_webhook_key"),
        *("s3_access_key", "s3_secret_key"),
    },
    "airflow-api": {"jwt_secret", "fernet_key", "api_secret", "alias_secret"},
    "airflow-dag-processor": {"jwt_secret", "fernet_key", "api_secret"},
    "airflow-triggerer": {"jwt_secret", "fernet_key", "api_secret"},
    "airflow-scheduler": {
        *("jwt_secret", "fernet_key", "api_secret"),
        *("mlflow_password", "s3_access_key", "s3_secret_key", "triton_key"),
    },
    "triton": {"triton_key"},
    "door": {"triton_key"},
    "watch": {"triton_key"},
}


@pytest.mark.parametrize("service", list(KEYS_OF))
def test_a_service_is_told_its_own_keys_and_reports_nothing(tmp_path, monkeypatch, service):
    monkeypatch.setenv("CLOUD_TOKEN", "of the shell")
    monkeypatch.setenv("A2C_ANNOTATE_API_KEY", "of the endpoint")
    monkeypatch.setenv("A2C_JUDGE_API_KEY", "of the judge")
    monkeypatch.setenv("A2C_WRITER_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("A2C_WRITER_MODEL", "vl")
    monkeypatch.setenv("A2C_WRITER_API_KEY", "of the writer")
    monkeypatch.setenv("A2C_CATALOGUE_URL", "postgresql://user:of-the-catalogue@host/db")
    settings = environment.with_interpreters(Settings(home=tmp_path))
    local.choose_store(settings, "s3")
    child = own.of_service(service, settings, swift=True)
    keys = dataclasses.asdict(secrets.load(tmp_path))
    held = {name for name, key in keys.items() if key in child.values()}
    assert held - {"stack_id"} == KEYS_OF[service]
    text = json.dumps(child)
    assert "of the shell" not in text
    assert ("of the endpoint" in text) == (service == "airflow-scheduler")
    assert ("of the judge" in text) == (service == "airflow-scheduler")
    assert ("of the writer" in text) == (service in {"triton", "airflow-scheduler"})
    assert ("of-the-catalogue" in text) == (service == "airflow-scheduler")
    assert child["A2C_STACK"] == keys["stack_id"]
    assert child["MLFLOW_DISABLE_TELEMETRY"] == "true"
    own.write(service, settings, swift=True)
    assert stat.S_IMODE(own.file_of(tmp_path, service).stat().st_mode) == 0o600


def test_the_tasks_are_told_how_to_release(tmp_path):
    chosen = {"trial_boot": False, "watch_seconds": 3, "keep_releases": 7}
    child = own.of_service("airflow-scheduler", Settings(home=tmp_path, **chosen), swift=False)
    told = {name: child[f"A2C_{name.upper()}"] for name in chosen}
    assert told == {"trial_boot": "false", "watch_seconds": "3.0", "keep_releases": "7"}


def test_supervisord_itself_holds_no_key(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the shell")
    settings = environment.with_interpreters(Settings(home=tmp_path))
    child = own.of_supervisor(settings)
    assert child["A2C_STACK"] == secrets.load(tmp_path).stack_id
    assert not {name for name in child if "KEY" in name or "PASSWORD" in name}


def test_keys_of_an_older_stack_are_kept_and_the_missing_ones_are_drawn(tmp_path):
    old = dataclasses.asdict(secrets.Secrets())
    del old["mlflow_password"], old["mlflow_form_key"]
    (tmp_path / "secrets.json").write_text(json.dumps({**old, "of_a_later_version": "kept"}))
    keys = secrets.load(tmp_path)
    assert {name: getattr(keys, name) for name in old} == old
    assert len(keys.mlflow_password) >= 20
    assert secrets.load(tmp_path) == keys
    assert json.loads((tmp_path / "secrets.json").read_text())["of_a_later_version"] == "kept"
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_keys_that_several_ask_for_at_once_are_drawn_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: secrets.load(tmp_path), range(8)))) == 1


def test_the_own_mlflows_password_goes_to_the_own_mlflow_only(tmp_path, monkeypatch):
    settings = environment.load_settings(tmp_path)
    assert settings.mlflow_url == "", "what listens on the default port is another home's"
    settings.mlflow_url = environment.mlflow_url(settings.ports)
    environment.save(settings, swift=False)
    assert environment.load_settings(tmp_path).mlflow_url == settings.mlflow_url
    password = secrets.load(tmp_path).mlflow_password
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == password
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("A2C_MLFLOW_URL", "https://mlflow.example.org")
    settings = environment.load_settings(tmp_path)
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ
    environment.save(settings, swift=False)
    assert password not in environment.saved_file(tmp_path).read_text()


def test_the_watchdog_is_healthy_while_it_goes_round(tmp_path):
    file = tmp_path / "watch.json"
    assert health.recent(file, 30.0) == "no round finished yet"
    file.write_text("{}")
    assert health.recent(file, 30.0) == ""
    os.utime(file, (1.0, 1.0))
    assert health.recent(file, 30.0).startswith("no round finished for ")


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
        say = [sys.executable, "-c", "import os; print('up', os.environ['OWN'], 'X' in os.environ)"]
        file = tmp_path / "mlflow.json"
        file.write_text(json.dumps({**base, "OWN": "1"}))
        launch = [sys.executable, "-m", "any2caption.stack.launch"]
        command = [*launch, "--alone", str(file), *say]
        done = subprocess.run(
            command, env={**base, "X": "2"}, capture_output=True, text=True, check=True
        )
        assert done.stdout == "up 1 False\n"
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


def test_a_password_is_printed_when_asked_for_and_at_no_other_time(tmp_path, monkeypatch):
    home = ["--home", str(tmp_path)]
    assert isinstance(CliRunner().invoke(app, ["password", "mlflow", *home]).exception, A2CError)
    monkeypatch.setattr(local, "up", lambda settings, **_: environment.save(settings, swift=False))
    said = CliRunner().invoke(app, ["up", *home])
    keys = secrets.load(tmp_path)
    assert said.exit_code == 0
    for key in dataclasses.asdict(keys).values():
        assert key not in said.output
    for service, password in (("airflow", keys.airflow_password), ("mlflow", keys.mlflow_password)):
        told = CliRunner().invoke(app, ["password", service, *home])
        assert told.stdout == f"admin {password}\n"


def test_an_unknown_log_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"no service 'nope'; there are .*mlflow"):
        local.log_file(Settings(home=tmp_path), "nope")
