"""The real stack broken on purpose, part by part: `status` says so, and the watchdog repairs it."""

import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from any2caption import processes
from any2caption.cli.main import app
from any2caption.errors import A2CError, UnavailableError
from any2caption.registry.client import mlflow_client
from any2caption.serving.client import CaptionClient
from any2caption.serving.control import connect
from any2caption.serving.releases.rollout import live_repository, rollout
from any2caption.stack import environment, local, supervisor
from any2caption.stack.secrets import load
from any2caption.stack.services import watch_file
from any2caption.stack.watchdog import watch

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))
from serving_lab import fake_release

from told_keys import commands_with_json, files_that_tell, keys_of, ran

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
BACK = 30.0  # seconds; a machine that does nothing else needs less than half
IMPORTS = 60.0  # MLflow imports for 8 s on two idle cores, and shares them with whatever runs


@pytest.fixture(scope="module")
def settings(module_ports, tmp_path_factory):
    """A stack with release 1 of fake steps."""
    home = tmp_path_factory.mktemp("watched") / "home"
    os.environ["A2C_KEY_OF_THE_SHELL"] = "of the shell"
    chosen = environment.load_settings(home)
    try:
        with_swift = local.choose_store(chosen, "s3")
        local.up(chosen, with_swift=with_swift, say=print)
        with connect(chosen) as control:
            rollout(fake_release(home / "workshop", 1), control, live_repository(chosen))
        yield chosen
    finally:
        local.down(chosen, say=print)


def rows(settings):
    return {row.name: row for row in local.status(settings)}


def unhealthy(settings):
    return {
        name: (row.state, row.detail)
        for name, row in rows(settings).items()
        if row.state != "healthy"
    }


def healthy_within(settings, seconds):
    """Poll until every row of the status is healthy."""
    began = time.monotonic()
    while bad := unhealthy(settings):
        assert time.monotonic() - began < seconds, bad
        time.sleep(0.2)


def pid_of(settings, name):
    return int(supervisor.states(settings.home)[name]["pid"])


def stubs_of(settings, step):
    """Process ids of a step, without those that have ended."""
    found = []
    for process in psutil.Process(pid_of(settings, "triton")).children():
        with contextlib.suppress(psutil.Error):
            if f"/{step}-r1/" in "".join(process.cmdline()[1:2]):
                found.append(process.pid)
    return found


def stub_of(settings, step):
    """The step's one process: right after it was loaded anew, the former one is still ending."""
    limit = time.monotonic() + BACK
    while len(found := stubs_of(settings, step)) != 1:
        assert time.monotonic() < limit, f"processes of {step}: {found}"
        time.sleep(0.1)
    return found[0]


def answers(settings):
    with CaptionClient(settings.triton_url, timeout=10) as client:
        return client.caption("hello", video=True).info["release"] == 1


@contextlib.contextmanager
def watchdog_held(settings):
    """Keep the watchdog from repairing what the test has yet to see broken."""
    pid = pid_of(settings, "watch")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def until_unhealthy(settings, row):
    """Poll until the status names the row; return its state and detail."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        if row in (bad := unhealthy(settings)):
            return bad[row]
    raise AssertionError(f"the status never said that {row} is not healthy")


@pytest.mark.parametrize("step", ["decoder", "preprocess"])
def test_a_killed_step_comes_back_and_the_status_says_so_until_then(
    settings, step, record_property
):
    healthy_within(settings, BACK)
    with watchdog_held(settings):
        os.kill(stub_of(settings, step), signal.SIGKILL)
        assert f"{step}-r1" in until_unhealthy(settings, "any2caption")[1]
        result = CliRunner().invoke(app, ["status", "--json", "--home", str(settings.home)])
        assert result.exit_code == 1
        assert "any2caption" in {
            row["name"] for row in json.loads(result.stdout) if row["state"] == "unhealthy"
        }
    healthy_within(settings, BACK)
    assert answers(settings)


@pytest.mark.parametrize("model", ["any2video", "camera_encoder-r1"])
def test_an_unloaded_model_comes_back(settings, model):
    healthy_within(settings, BACK)
    with watchdog_held(settings):
        with connect(settings) as control:
            control.unload(model)
        assert until_unhealthy(settings, "any2video")[0] == "unhealthy"
    healthy_within(settings, BACK)
    assert answers(settings)


@pytest.mark.parametrize(
    ("name", "seconds"), [("triton", BACK), ("airflow-scheduler", BACK), ("mlflow", IMPORTS)]
)
def test_a_killed_service_comes_back_and_the_status_says_so_until_then(settings, name, seconds):
    healthy_within(settings, BACK)
    killed = pid_of(settings, name)
    os.kill(killed, signal.SIGKILL)
    until_unhealthy(settings, name)
    healthy_within(settings, seconds)
    assert pid_of(settings, name) != killed
    assert answers(settings)


def test_the_watchdog_comes_back_itself(settings):
    healthy_within(settings, BACK)
    killed, last = pid_of(settings, "watch"), watch_file(settings.home).stat().st_mtime_ns
    os.kill(killed, signal.SIGKILL)
    limit = time.monotonic() + BACK
    while pid_of(settings, "watch") in {0, killed} or (
        watch_file(settings.home).stat().st_mtime_ns == last
    ):
        assert time.monotonic() < limit, "nobody watches"
        time.sleep(0.1)


def test_a_stopped_service_is_started_and_each_repair_is_written_down(settings):
    healthy_within(settings, BACK)
    with watchdog_held(settings):
        with supervisor.connect(settings.home) as rpc:
            rpc.stopProcess("triton")
        assert until_unhealthy(settings, "triton")[0] == "stopped"
    healthy_within(settings, BACK)
    repairs = json.loads(watch_file(settings.home).read_text())["repairs"]
    last = next(one for one in reversed(repairs) if one["part"] == "triton")
    assert (last["reason"], last["action"]) == ("stopped", "started")
    log = (settings.home / "logs" / "watch.log").read_text()
    assert f"{last['at']} triton: stopped; started" in log.splitlines()


def test_a_server_that_a_signal_stopped_goes_on(settings):
    healthy_within(settings, BACK)
    with watchdog_held(settings):
        os.kill(pid_of(settings, "triton"), signal.SIGSTOP)
        assert until_unhealthy(settings, "any2caption")[0] == "unhealthy"
    healthy_within(settings, BACK)
    assert answers(settings)


def test_a_step_that_hangs_is_killed_and_comes_back(settings, monkeypatch):
    healthy_within(settings, BACK)
    monkeypatch.setattr(watch, "HUNG", 3.0)
    one = watch.Watchdog(settings)
    with watchdog_held(settings):
        with CaptionClient(settings.triton_url, timeout=2) as client:
            for _ in range(4):  # the fake step answers so many at once
                with pytest.raises(UnavailableError):
                    client.caption("hang")
        assert "preprocess-r1: " in until_unhealthy(settings, "any2caption")[1]
        limit, done = time.monotonic() + BACK, []
        while "loaded again" not in [repair.action for repair in done]:
            assert time.monotonic() < limit, done
            done += one._serving()
    assert done[0].action == "its process killed"
    assert {repair.part for repair in done} == {"preprocess-r1"}
    healthy_within(settings, BACK)
    assert answers(settings)


def test_a_running_rollout_is_left_alone(settings):
    healthy_within(settings, BACK)
    live = live_repository(settings)
    with live.exclusive(wait=BACK), connect(settings) as control:
        control.unload("any2video")
        looked = watch_file(settings.home).stat().st_mtime_ns
        limit = time.monotonic() + BACK
        for _ in range(2):
            while watch_file(settings.home).stat().st_mtime_ns == looked:
                assert time.monotonic() < limit, "the watchdog does not look"
                time.sleep(0.1)
            looked = watch_file(settings.home).stat().st_mtime_ns
        assert not control.model_ready("any2video")
    healthy_within(settings, BACK)
    assert answers(settings)


def test_every_process_of_the_stack_holds_its_own_keys_only(settings):
    healthy_within(settings, BACK)
    keys = dataclasses.asdict(load(settings.home))
    stack_id = keys.pop("stack_id")
    airflow = {"jwt_secret", "fernet_key", "api_secret"}
    store = {"s3_access_key", "s3_secret_key"}
    allowed = {
        "mlflow": store | {"mlflow_password", "mlflow_form_key", "mlflow_webhook_key"},
        "airflow-scheduler": airflow | store | {"mlflow_password", "triton_key"},
        **{name: {"triton_key"} for name in ("door", "watch", "triton")},
        "airflow-api": airflow | {"alias_secret"},
        **dict.fromkeys(("airflow-dag-processor", "airflow-triggerer"), airflow),
    }
    seen = set()
    for process in processes.marked(local.MARK, stack_id):
        held = process.environ()
        service = held.get("A2C_SERVICE", "supervisord")
        seen.add(service)
        text = "\0".join(held.values())
        found = {name for name, key in keys.items() if key in text}
        assert found <= allowed.get(service, set()), f"{service} (pid {process.pid}) holds {found}"
        assert service == "airflow-scheduler" or "of the shell" not in text
    assert {*allowed, "s3", "supervisord"} <= seen


def test_mlflow_asks_for_the_password_and_the_platform_knows_it(settings):
    def status(path, *, method="GET", host="127.0.0.1"):
        request = urllib.request.Request(  # noqa: S310 - our own loopback URL
            f"{settings.mlflow_url}{path}",
            method=method,
            data=b"{}" if method == "POST" else None,
            headers={"Content-Type": "text/plain", "Host": host},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    healthy_within(settings, IMPORTS)
    assert status("/health") == 200
    for path in ("/", "/version", "/api/2.0/mlflow-artifacts/artifacts"):
        assert status(path) == 401, path
    for path in ("model-versions/set-tag", "registered-models/alias", "experiments/search"):
        assert status(f"/api/2.0/mlflow/{path}", method="POST") == 401, path
    with mlflow_client(settings) as client:
        run = client.create_run(client.create_experiment("password"))
        client.log_text(run.info.run_id, "through the proxy", "kept.txt")
        assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["kept.txt"]


# Every command that prints JSON, with what makes it say much, errors too.
COMMANDS = {
    "version": (),
    "up": ("--dry-run",),
    "down": ("--dry-run",),
    "logs": ("mlflow",),
    "approve": ("--dry-run",),
    "corpus make": ("--scenes", "8"),
    "model key": (),
    "model sign": ("{folder}",),
    "model verify": ("{folder}",),
    "condition convert": ("{file}", "--to", "tum", "--out", "{out}.txt"),
    "data ingest": ("{source}",),
    "status": (),
    "doctor": (),
    "train": ("--snapshot", "latest", "--recipe", "smoke", "--out", "{out}", "--dry-run"),
    "promote": ("1", "--approver", "somebody"),
    "rollback": ("--approver", "somebody", "--reason", "a test"),
    "registry show": (),
    "registry verdicts": (),
    "registry lineage": (),
    "registry verify": (),
    "registry reconcile": (),
    "registry votes": ("999",),
    "registry ask": ("999",),
    "registry subscribe": (),
    "data card": (),
    "model card": ("{folder}",),
    "caption": ("--text", "a red ball"),
    "condition inspect": ("{file}",),
    "lifecycle run": ("--source", "file:///missing", "--recipe", "smoke", "--timeout", "8"),
    "data validate": (),
    "data list": (),
    "data show": (),
    "data stats": (),
    "data diff": ("latest",),
    "data remove": ("--record", "nobody", "--by", "somebody", "--reason", "a test"),
    "data duplicates": (),
    "data quarantine": (),
    "data shards": ("latest", "--out", "shards"),
    "data phrases": (),
    "annotate run": ("{source}", "--annotator", "endpoint", "--captions", "all", "--limit", "1"),
    "annotate tools": (),
    "annotate export": ("latest", "--for", "musubi-tuner", "--out", "clips"),
    "annotate report": ("nothing",),
}
WITHOUT_HOME = {"version", "condition inspect", "condition convert", "annotate tools"}
NOT_RUN = {"password", "demo", "model zero-shot", "play"}  # tells one; train; serves until Ctrl-C
MAY_FAIL = {  # what they fail for is told too
    *("doctor", "promote", "rollback", "lifecycle run", "annotate run", "annotate report"),
    *("data remove", "data quarantine", "registry lineage", "registry reconcile"),
    *("registry votes", "registry ask", "model card", "annotate export"),
}
NONE_YET = {"registry verdicts"}


def test_no_log_and_no_command_tells_a_key(settings, tmp_path, monkeypatch):
    healthy_within(settings, BACK)
    keys = keys_of(settings.home) | {"api_key": "sk-of-this-test-alone"}
    for name, value in {
        "BASE_URL": "http://127.0.0.1:9/v1?key=sk-of-this-test-alone",
        "API_KEY": "sk-of-this-test-alone",
        "MODEL": "none",
        "RETRIES": "0",
    }.items():
        monkeypatch.setenv(f"A2C_ANNOTATE_{name}", value)
    home = ("--home", str(settings.home))
    made = CliRunner().invoke(app, ["corpus", "make", "--scenes", "8", *home])
    assert made.exit_code == 0, made.output
    file = tmp_path / "path.txt"
    file.write_text("0 0 0 0 0 0 0 1\n")
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "weights").write_text("w")
    words = {"source": made.stdout.strip(), "out": str(tmp_path / "run"), "file": str(file)}
    words["folder"] = str(folder)
    assert set(COMMANDS) == commands_with_json() - NOT_RUN
    for name, arguments in COMMANDS.items():
        given = [word.format(**words) for word in arguments]
        with_home = () if name in WITHOUT_HOME else home
        result, text = ran(*name.split(), *given, "--json", *with_home)
        assert not {key for key, value in keys.items() if value in text}, name
        assert name in MAY_FAIL or result.exit_code == 0, text
        if result.exit_code == 0:
            assert json.loads(result.stdout) or name in NONE_YET, name
    assert files_that_tell(settings.home, keys) == {}
    planted = settings.home / "logs" / "planted.log"
    planted.write_text(f"Bearer {keys['triton_key']}")
    assert files_that_tell(settings.home, keys) == {"logs/planted.log": {"triton_key"}}


def test_a_status_without_supervisord_is_not_healthy_and_says_what_is_left(settings):
    healthy_within(settings, BACK)
    os.kill(int((settings.home / "supervisord.pid").read_text()), signal.SIGKILL)
    limit = time.monotonic() + 10
    while supervisor.is_running(settings.home):
        assert time.monotonic() < limit
        time.sleep(0.1)
    found = rows(settings)
    assert {row.state for row in found.values()} == {"stopped"}
    assert "processes are left: run `a2c up`" in found["any2caption"].detail
    local.down(settings, say=print)
    assert processes.marked(local.MARK, load(settings.home).stack_id) == []
    with pytest.raises(A2CError), mlflow_client(settings):
        pass
