"""MLflow tells Airflow of changed aliases in compose and chart; the keys are an operator's."""

import re
from pathlib import Path

import pytest
import yaml

from any2caption.errors import ConfigError
from any2caption.orchestration import plugins
from any2caption.registry import webhook

from .test_infra import CHART, ROOT, VALUES, rendered

COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
AIRFLOW = yaml.safe_load((ROOT / "infra" / "airflow" / "values.yaml").read_text())
(MLFLOW,) = (
    found["spec"]["template"]["spec"]["containers"][0]
    for found in rendered(CHART / "templates" / "mlflow.yaml")
    if found["kind"] == "Deployment"
)
CHARTED = {entry["name"]: entry for entry in MLFLOW["env"]}
KEY = "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"
PLUGINS = "AIRFLOW__CORE__PLUGINS_FOLDER"
SUBSCRIBED = "a2c registry subscribe"


def test_who_takes_the_webhook_finds_the_application():
    image = (ROOT / "docker" / "control.Dockerfile").read_text()
    (root,) = re.findall(r"^WORKDIR (/opt/\S+)$", image, re.MULTILINE)
    assert re.findall(r"^COPY platform (\S+)$", image, re.MULTILINE) == ["platform"]
    folder = f"{root}/{Path(plugins.__file__).parent.relative_to(ROOT)}"
    variables = {one["name"]: one["value"] for one in AIRFLOW["env"]}
    assert variables[PLUGINS] == COMPOSE["airflow-api"]["environment"][PLUGINS] == folder


def test_compose_gives_the_secret_to_who_signs_up_and_who_listens_alone():
    asked = f"${{{webhook.SECRET}:?}}"
    told = {name for name, one in COMPOSE.items() if asked in str(one.get("environment"))}
    assert told == {"airflow-init", "airflow-api"}
    start = COMPOSE["airflow-init"]
    assert SUBSCRIBED in start["command"][-1]
    assert start["depends_on"]["mlflow"] == {"condition": "service_healthy"}
    assert start["environment"]["A2C_AIRFLOW_URL"] == "http://airflow-api:8080"
    # What MLflow may post to, and by which key it keeps the secret.
    server = COMPOSE["mlflow"]["environment"]
    assert server[KEY] == "${MLFLOW_WEBHOOK_KEY:?}"
    assert set(COMPOSE["mlflow"]["networks"]) & set(COMPOSE["airflow-api"]["networks"])


def test_the_chart_has_no_secret_of_its_own():
    asked = CHARTED[KEY]["valueFrom"]["secretKeyRef"]
    assert asked == {"name": "any2caption-mlflow", "key": KEY}, "without it MLflow does not start"
    page = (ROOT / "infra" / "README.md").read_text()
    assert KEY in page
    assert "`any2caption-alias` | `secret`" in page
    assert all(one.get("name") != webhook.SECRET for one in AIRFLOW["env"])
    assert webhook.SECRET not in VALUES["settings"]


def test_in_a_cluster_the_secret_is_a_file_of_the_api_server_and_the_migrations_alone():
    variables = {one["name"]: one["value"] for one in AIRFLOW["env"]}
    for part in ("apiServer", "migrateDatabaseJob"):
        (mount,) = AIRFLOW[part]["extraVolumeMounts"]
        (volume,) = AIRFLOW[part]["extraVolumes"]
        assert mount["name"] == volume["name"]
        assert volume["secret"]["secretName"] == "any2caption-alias"
        assert variables[webhook.SECRET_FILE] == f"{mount['mountPath']}/secret"
    others = ("scheduler", "dagProcessor", "triggerer")
    assert not any("any2caption-alias" in str(AIRFLOW[part]) for part in others)
    assert SUBSCRIBED in AIRFLOW["migrateDatabaseJob"]["args"][-1]


@pytest.mark.parametrize(
    "server", [COMPOSE["mlflow"]["environment"], CHARTED], ids=["compose", "chart"]
)
def test_mlflow_may_post_to_the_api_server(server):
    def value(name):
        return server[name] if isinstance(server[name], str) else server[name]["value"]

    urls = (
        COMPOSE["airflow-api"]["environment"]["A2C_AIRFLOW_URL"],
        VALUES["settings"]["A2C_AIRFLOW_URL"],
    )
    assert {url.partition(":")[0] for url in urls} == {value("MLFLOW_WEBHOOK_ALLOWED_SCHEMES")}
    assert value("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS") == "true", "services have private addresses"


@pytest.mark.parametrize("letters", [1, 31])
def test_a_secret_that_could_be_guessed_is_refused(monkeypatch, letters):
    monkeypatch.setenv(webhook.SECRET, "x" * letters)
    with pytest.raises(ConfigError, match="shorter than 32"):
        webhook.secret()


def test_the_secret_is_read_from_its_file(monkeypatch, tmp_path):
    file = tmp_path / "secret"
    monkeypatch.delenv(webhook.SECRET, raising=False)
    monkeypatch.setenv(webhook.SECRET_FILE, str(file))
    assert webhook.secret() == ""
    file.write_text("s" * 40 + "\n")
    assert webhook.secret() == "s" * 40
