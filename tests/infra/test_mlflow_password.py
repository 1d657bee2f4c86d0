"""MLflow asks for a password in the compose file and in the chart, as they say it."""

import configparser
import http.client
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from any2caption.stack.templates import render
from loopback import free_port

from .test_infra import CHART, ROOT, VALUES, rendered

COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
MLFLOW = COMPOSE["mlflow"]
INI = (ROOT / "docker" / "mlflow-auth.ini").read_text()
CHARTED = {found["kind"]: found for found in rendered(CHART / "templates" / "mlflow.yaml")}
POD = CHARTED["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
NAMED = {entry["name"]: entry for entry in CONTAINER["env"]}
ASKED = "${MLFLOW_PASSWORD:?}"


def users(text: str) -> dict[str, str]:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return dict(parser["mlflow"])


def test_everywhere_the_same_users_are_let_in():
    charted = users(CHARTED["ConfigMap"]["data"]["mlflow-auth.ini"])
    assert users(INI) == charted
    local = users(render("mlflow-auth.ini", database="/home/a2c/mlflow-auth.db"))
    assert local == charted | {"database_uri": "sqlite:////home/a2c/mlflow-auth.db"}


def test_the_database_of_users_is_made_anew_with_every_container():
    folder = str(Path(users(INI)["database_uri"].removeprefix("sqlite:///")).parent)
    assert any(mount.split(":")[0] == folder for mount in MLFLOW["tmpfs"])
    (mount,) = [each for each in CONTAINER["volumeMounts"] if each["mountPath"] == folder]
    volume = next(each for each in POD["volumes"] if each["name"] == mount["name"])
    assert "emptyDir" in volume


def test_compose_gives_the_password_to_mlflow_and_the_tasks_alone():
    assert "--app-name=basic-auth" in MLFLOW["command"]
    server, tasks = MLFLOW["environment"], COMPOSE["airflow-scheduler"]["environment"]
    assert server["MLFLOW_AUTH_ADMIN_PASSWORD"] == tasks["MLFLOW_TRACKING_PASSWORD"] == ASKED
    assert server["MLFLOW_AUTH_ADMIN_USERNAME"] == tasks["MLFLOW_TRACKING_USERNAME"]
    source, target, mode = MLFLOW["volumes"][0].split(":")
    assert (ROOT / "docker" / source).read_text() == INI
    assert (target, mode) == (server["MLFLOW_AUTH_CONFIG_PATH"], "ro")
    told = {name for name, service in COMPOSE.items() if ASKED in str(service.get("environment"))}
    assert told == {"mlflow", "airflow-init", "airflow-scheduler"}


@pytest.mark.parametrize("key", ["AWS_SECRET_ACCESS_KEY", "A2C_TRITON_KEY", "A2C_CATALOGUE_URL"])
def test_compose_gives_the_tasks_keys_to_no_other_part_of_airflow(key):
    told = {
        name
        for name, service in COMPOSE.items()
        if name.startswith("airflow") and key in service["environment"]
    }
    assert told == {"airflow-scheduler"}


def test_the_chart_asks_for_the_password_that_the_platforms_secret_gives_to_clients():
    assert "--app-name=basic-auth" in CONTAINER["args"]
    asked = NAMED["MLFLOW_AUTH_ADMIN_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert asked == {"name": VALUES["secret"], "key": "MLFLOW_TRACKING_PASSWORD"}
    named = NAMED["MLFLOW_AUTH_ADMIN_USERNAME"]["valueFrom"]["configMapKeyRef"]
    assert named == {"name": "any2caption-settings", "key": "MLFLOW_TRACKING_USERNAME"}
    assert VALUES["settings"]["MLFLOW_TRACKING_USERNAME"]
    path = Path(NAMED["MLFLOW_AUTH_CONFIG_PATH"]["value"])
    (mount,) = [m for m in CONTAINER["volumeMounts"] if m["mountPath"] == str(path.parent)]
    volume = next(each for each in POD["volumes"] if each["name"] == mount["name"])
    assert volume["configMap"]["name"] == CHARTED["ConfigMap"]["metadata"]["name"]
    assert path.name in CHARTED["ConfigMap"]["data"]
    page = (ROOT / "infra" / "README.md").read_text()
    assert "MLFLOW_TRACKING_PASSWORD" in page
    assert "MLFLOW_FLASK_SERVER_SECRET_KEY" in page


def test_the_charts_mlflow_does_not_hold_the_platforms_whole_secret():
    whole = [each["secretRef"]["name"] for each in CONTAINER["envFrom"] if "secretRef" in each]
    assert whole == ["any2caption-mlflow"]
    keys = {
        entry["valueFrom"]["secretKeyRef"]["key"]
        for entry in NAMED.values()
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    assert "A2C_CATALOGUE_URL" not in keys


def answered(port: str, path: str, login: str = "") -> int:
    """The status that MLflow answers to `user:password`; 0 without an answer."""
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.server
def test_mlflow_started_as_compose_starts_it_asks_for_the_password(tmp_path):
    port = str(free_port())
    ini = tmp_path / "auth.ini"
    ini.write_text(INI.replace("/home/a2c", str(tmp_path)))
    given = MLFLOW["environment"] | {
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "MLFLOW_ARTIFACTS_DESTINATION": str(tmp_path / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(ini),
        "MLFLOW_AUTH_ADMIN_PASSWORD": "of-this-test-alone",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "form",
    }
    given = {name: value for name, value in given.items() if "${" not in value}
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("MLFLOW_", "AWS_"))}
    words = [word.replace("5000", port) for word in MLFLOW["command"]]
    words[words.index(next(word for word in words if "--host=" in word))] = "--host=127.0.0.1"
    command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    search = "/api/2.0/mlflow/experiments/search?max_results=1"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env=inherited | given, stdout=log, stderr=log, start_new_session=True
        )
    try:
        limit = time.monotonic() + 90
        while answered(port, "/health") != 200 and time.monotonic() < limit:
            assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
            time.sleep(0.3)
        assert answered(port, "/health") == 200, "the probes ask without a password"
        assert answered(port, search) == 401
        assert answered(port, search, "admin:of-somebody-else") == 401
        assert answered(port, search, "admin:of-this-test-alone") == 200
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
