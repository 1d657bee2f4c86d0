"""Images, charts and rules: parsed and held to the code. Nothing here is built, rendered or run."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CHART = ROOT / "infra" / "helm" / "any2caption"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
IMAGES = {"control": "control", "train": "train", "serve": "serve"}

# What Triton 2.51 wrote to /metrics with a Python model loaded, and Prometheus's own `up`.
METRICS = {
    "up",
    "nv_inference_request_success",
    "nv_inference_request_failure",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us",
    "nv_inference_compute_input_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_compute_output_duration_us",
    "nv_inference_pending_request_count",
    "nv_cpu_utilization",
    "nv_cpu_memory_total_bytes",
    "nv_cpu_memory_used_bytes",
}


class Strict(yaml.SafeLoader):
    """Refuses what YAML readers hide: of a key that stands twice, the first is lost."""

    def construct_mapping(self, node: Any, **options: Any) -> Any:
        merge = "tag:yaml.org,2002:merge"
        keys = [key.value for key, _ in node.value if key.tag != merge]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key stands twice in {keys}"
        return super().construct_mapping(node, **options)


def value(path: str) -> Any:
    found = VALUES
    for key in path.split("."):
        found = found[key]
    return found


def rendered(template: Path) -> list[dict[str, Any]]:
    """Fill in a template as far as these charts go: values, `if` as true, toYaml, numbers."""
    text = re.sub(r"^\s*\{\{- (if .*|end) \}\}\n", "", template.read_text(), flags=re.MULTILINE)

    def block(match: re.Match[str]) -> str:
        dumped = yaml.safe_dump(value(match[1])).rstrip()
        return "".join(f"\n{' ' * int(match[2])}{line}" for line in dumped.splitlines())

    text = re.sub(r"\s*\{\{- toYaml \.Values\.([\w.]+) \| nindent (\d+) \}\}", block, text)
    text = re.sub(r"\{\{ toJson \.Values\.([\w.]+) \}\}", lambda m: json.dumps(value(m[1])), text)
    text = re.sub(r"\{\{ (?:add|div) \.Values\.([\w.]+) \d+ \}\}", lambda m: str(value(m[1])), text)
    text = re.sub(r"\{\{ \.Values\.([\w.]+) \| quote \}\}", lambda m: json.dumps(value(m[1])), text)
    text = re.sub(r"\{\{ \.Values\.([\w.]+) \}\}", lambda m: str(value(m[1])), text)
    text = text.replace("{{ .Release.Name }}", "any2caption")
    assert "{{" not in text, template
    return [document for document in yaml.load_all(text, Strict) if document]


def resources() -> dict[tuple[str, str], dict[str, Any]]:
    documents = [document for template in TEMPLATES for document in rendered(template)]
    return {(found["kind"], found["metadata"]["name"]): found for found in documents}


@pytest.mark.parametrize(
    "path",
    [
        *(ROOT / "docker").glob("*.yaml"),
        *(ROOT / "infra").glob("*/*.yaml"),
        *CHART.glob("*.yaml"),
        *(ROOT / "infra").glob("*/*.json"),
        *(ROOT / ".github").rglob("*.yml"),
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_file_parses(path):
    text = path.read_text()
    found = [json.loads(text)] if path.suffix == ".json" else list(yaml.load_all(text, Strict))
    assert found
    assert all(isinstance(document, dict) for document in found)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_its_committed_lock_and_nothing_else(image):
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text().replace("\\\n", " ")
    lock = f"requirements/{IMAGES[image]}.lock"
    assert (ROOT / lock).exists()
    names = {"control": "control", "train": "torch train", "serve": "torch serve perception"}[image]
    assert f"RUN requirements/install.sh python {names}\n" in text
    assert re.findall(r"pip install ([^\n]*)", text)
    for install in re.findall(r"pip install ([^\n]*)", text):
        assert install.startswith("--no-deps --no-build-isolation --editable .")
    base = "nvcr.io/nvidia/tritonserver:" if image == "serve" else "python:3.11-"
    assert f"\nARG BASE_IMAGE={base}" in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) <= {
        "${BASE_IMAGE}",
        "${CONTROL_IMAGE}",
    }
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "50000:0"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_copies_what_exists_and_the_ignore_file_lets_through(image):
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text()
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in allowed


@pytest.mark.parametrize("environment", ["control", "train"])
def test_locks_of_images_have_the_tested_versions(environment):
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        return dict(re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", text, re.MULTILINE))

    tested = pins("dev")
    assert pins(environment).items() <= tested.items()


def test_inputs_of_locks_are_the_extras_with_the_base():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in ("control", "train"):
        lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
        stated = {line for line in lines if line and not line.startswith("#")}
        wanted = {*project["dependencies"], *project["optional-dependencies"][name]}
        assert wanted <= stated
        assert stated - wanted == {"setuptools>=77"}  # builds the package itself


def third_party_imports() -> set[str]:
    """Top-level modules of others that the package imports, wherever in a module."""
    found = set()
    for file in (ROOT / "platform").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"any2caption", "triton_python_backend_utils"}


def test_what_the_package_imports_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = (project["dependencies"], *project["optional-dependencies"].values())
    declared = {canonicalize_name(Requirement(one).name) for many in lists for one in many}
    installed = packages_distributions()
    undeclared = {
        module
        for module in third_party_imports()
        if not declared & {canonicalize_name(one) for one in installed.get(module, [module])}
    }
    # What a declared package shows in its own interface comes with it.
    assert undeclared == {
        "botocore",  # boto3's errors and configuration
        "urllib3",  # the errors of botocore's responses
        "mypy_boto3_s3",  # boto3-stubs[s3]
        "requests",  # mlflow's errors
        "pydantic_core",  # the errors of pydantic's validators
        "kubernetes",  # the pods of apache-airflow-providers-cncf-kubernetes
        "fastapi",  # gradio's application
        "starlette",  # the requests of Airflow's application
        "uvicorn",  # gradio's server
        "markupsafe",  # jinja2's escaped text
    }


def test_continuous_integration_runs_the_readmes_commands():
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^(make \w+) ", readme[: readme.index("## What is real")], re.MULTILINE)
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = workflow["jobs"]["commands"]["steps"]
    assert commands == ["make demo", "make test"]
    assert [c for c in commands if c not in {step.get("run") for step in steps}] == []
    assert workflow["permissions"] == {"contents": "read"}


def test_the_security_page_names_every_service_of_the_chart():
    page = (ROOT / "SECURITY.md").read_text()
    for part in ("Triton", "MLflow", "Airflow", "catalogue", "object store", "not defended"):
        assert part in page


def test_the_security_page_says_of_the_server_what_doctor_says():
    from any2caption.serving.server_version import HOLES

    rows = [
        line.strip("| ").split(" | ") for line in (ROOT / "SECURITY.md").read_text().splitlines()
    ]
    said = {row[0]: row[1:] for row in rows if len(row) == 4}
    for hole in HOLES:
        fixed, numbers, closed_by = said[hole.surface]
        assert (fixed, closed_by) == (hole.fixed, hole.closed_by)
        years = [each.split(": ") for each in numbers.split("; ")]
        told = tuple(f"CVE-{year}-{one}" for year, ones in years for one in ones.split(", "))
        assert told == hole.cves


def test_compose_has_no_password_of_its_own():
    text = (ROOT / "docker" / "compose.yaml").read_text()
    asked = set(re.findall(r"\$\{(\w+)", text))
    assert re.findall(r"\$\{\w+\}|\$\{\w+:-", text) == []
    example = (ROOT / "docker" / "compose.env.example").read_text()
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == asked
    assert not re.search(r"^\w+=.+$", example, re.MULTILINE)
    services = yaml.safe_load(text)["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_templates_use_the_values_there_are_and_all_of_them():
    used = {
        match
        for template in TEMPLATES
        for match in re.findall(r"\.Values\.([\w.]+)", template.read_text())
    }
    for path in used:
        value(path)

    def leaves(tree: dict[str, Any], prefix: str = "") -> set[str]:
        found = set()
        for key, item in tree.items():
            path = f"{prefix}{key}"
            nested = isinstance(item, dict) and item and path not in used
            found |= leaves(item, f"{path}.") if nested else {path}
        return found

    assert leaves(VALUES) == used


def test_the_chart_makes_what_training_pods_look_for():
    from any2caption.orchestration.jobs.kubernetes import ClusterSettings

    cluster, made = ClusterSettings(), resources()
    assert ("ServiceAccount", cluster.service_account) in made
    assert ("PersistentVolumeClaim", cluster.volume_claim) in made
    settings = made["ConfigMap", cluster.environment_config]["data"]
    assert all(isinstance(item, str) for item in settings.values())
    assert settings["A2C_HOME"] == VALUES["home"]["path"]
    assert VALUES["secret"] == cluster.environment_secret


def containers_of_triton():
    pod = resources()["Deployment", "any2caption-triton"]["spec"]["template"]
    return pod, {container["name"]: container for container in pod["spec"]["containers"]}


def test_clients_of_a_cluster_reach_the_door_alone():
    made, (pod, containers) = resources(), containers_of_triton()
    ports = {
        port["name"]: (name, port["containerPort"])
        for name, container in containers.items()
        for port in container["ports"]
    }
    service = made["Service", "any2caption-triton"]["spec"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert {p["targetPort"]: ports[p["targetPort"]] for p in service["ports"]} == {
        "grpc": ("door", 8001),
        "metrics": ("triton", 8002),
    }
    assert VALUES["settings"]["A2C_TRITON_URL"] == "any2caption-triton:8001"
    inner = made["Service", "any2caption-triton-inner"]["spec"]["ports"]
    assert [ports[port["targetPort"]] for port in inner] == [("triton", 8003)]
    assert VALUES["settings"]["A2C_TRITON_INNER_URL"] == "any2caption-triton-inner:8003"
    rules = made["NetworkPolicy", "any2caption-triton"]["spec"]["ingress"]
    assert all(rule["ports"] for rule in rules), "no rule opens every port"
    allowed = [rule["from"] for rule in rules if {"port": "inner"} in rule["ports"]]
    assert allowed == [VALUES["networkPolicy"]["control"]]


def test_triton_is_probed_through_the_door():
    _, containers = containers_of_triton()
    for probe in ("startupProbe", "livenessProbe"):
        assert containers["triton"][probe]["grpc"] == {"port": 8001}
    assert containers["door"]["readinessProbe"]["grpc"] == {"port": 8001}
    monitor = resources()["ServiceMonitor", "any2caption-triton"]["spec"]
    assert monitor["endpoints"][0]["port"] == "metrics"


def test_whoever_serves_is_given_the_public_key_alone():
    keys = VALUES["settings"]
    triton = resources()["Deployment", "any2caption-triton"]["spec"]["template"]["spec"]
    mounts = [mount["mountPath"] for mount in triton["containers"][0]["volumeMounts"]]
    assert str(Path(keys["A2C_VERIFY_KEY"]).parent) in mounts
    assert str(Path(keys["A2C_SIGNING_KEY"]).parent) not in mounts
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    assert compose["triton"]["secrets"] == ["verify_key", "writer_key"]
    told = compose["triton"]["environment"]
    assert told["A2C_WRITER_API_KEY_FILE"] == "/run/secrets/writer_key"
    assert "A2C_WRITER_API_KEY" not in told, "every step would inherit it"
    secrets = {name: service.get("secrets", ()) for name, service in compose.items()}
    assert [name for name in secrets if "signing_key" in secrets[name]] == ["airflow-scheduler"]


def test_who_signs_finds_the_keys_where_the_settings_say():
    airflow = yaml.safe_load((ROOT / "infra" / "airflow" / "values.yaml").read_text())
    train = yaml.safe_load_all((ROOT / "infra" / "kubernetes" / "train.yaml").read_text())
    job = next(each for each in train if each["kind"] == "Job")["spec"]["template"]["spec"]
    for volumes, mounts in (
        (airflow["scheduler"]["extraVolumes"], airflow["scheduler"]["extraVolumeMounts"]),
        (job["volumes"], job["containers"][0]["volumeMounts"]),
    ):
        paths = {mount["name"]: mount["mountPath"] for mount in mounts}
        for name, key in (("signing", "A2C_SIGNING_KEY"), ("verify", "A2C_VERIFY_KEY")):
            assert paths[name] == str(Path(VALUES["settings"][key]).parent)
        secret = next(volume for volume in volumes if volume["name"] == "signing")["secret"]
        assert secret["defaultMode"] == 0o440


def test_door_and_server_share_key_and_flags():
    _, containers = containers_of_triton()
    told = {
        name: {entry["name"]: entry for entry in container["env"]}
        for name, container in containers.items()
    }
    for name in ("A2C_TRITON_KEY", "A2C_CANCEL_FOLDER"):
        assert told["door"][name] == told["triton"][name]
    mounts = {mount["name"] for mount in containers["door"]["volumeMounts"]}
    assert mounts == {"cancelled", "door-scratch"}, "the door sees no model and no state"
    assert "door-scratch" not in {each["name"] for each in containers["triton"]["volumeMounts"]}
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    door, triton = services["door"]["environment"], services["triton"]["environment"]
    for name in ("A2C_TRITON_KEY", "A2C_CANCEL_FOLDER"):
        assert door[name] == triton[name]
    assert services["door"]["volumes"] == ["cancelled:/run/any2caption"]
    assert services["door"]["ports"] == ["127.0.0.1:8001:8001"]


PROGRAMS = {"server": "any2caption.serving.server", "door": "any2caption.serving.door.__main__"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_server_takes_the_arguments_it_is_given(program, capsys):
    from importlib import import_module

    module = import_module(PROGRAMS[program])
    with pytest.raises(SystemExit):
        module.main(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    name = "door" if program == "door" else "triton"
    given = {one.partition("=")[0] for one in containers_of_triton()[1][name]["args"]}
    if program == "server":
        dockerfile = (ROOT / "docker" / "serve.Dockerfile").read_text()
        entry = dockerfile[dockerfile.index("ENTRYPOINT") :]
        given |= set(re.findall(r'"(--[a-z-]+)"', entry))
    assert given <= known


def test_airflow_runs_the_platforms_version_in_its_image_with_the_pool_of_the_dags():
    from any2caption.orchestration.jobs.work_operator import POOL

    values = yaml.safe_load((ROOT / "infra" / "airflow" / "values.yaml").read_text())
    lock = (ROOT / "requirements" / "control.lock").read_text()
    assert f"apache-airflow=={values['airflowVersion']} \\\n" in lock
    image = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    assert image == VALUES["images"]["control"]
    assert f"airflow pools set {POOL} " in values["migrateDatabaseJob"]["args"][-1]
    assert values["dags"]["gitSync"]["subPath"] == "dags"
    sources = yaml.safe_load(values["extraEnvFrom"])
    assert sources[0]["configMapRef"]["name"] == "any2caption-settings"
    assert values["volumeMounts"][0]["mountPath"] == VALUES["home"]["path"]


def expressions() -> list[str]:
    groups = yaml.safe_load((ROOT / "infra" / "monitoring" / "rules.yaml").read_text())["groups"]
    dashboard = json.loads((ROOT / "infra" / "monitoring" / "triton.json").read_text())
    rules = [rule["expr"] for group in groups for rule in group["rules"]]
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert rules
    assert panels
    return rules + panels


@pytest.mark.parametrize("expression", expressions())
def test_rules_and_panels_name_metrics_that_exist(expression):
    groups = yaml.safe_load((ROOT / "infra" / "monitoring" / "rules.yaml").read_text())["groups"]
    recorded = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    names = set(re.findall(r"\bnv_\w+|\bany2caption:[\w:]+|\bup\b", expression))
    assert names
    assert names <= METRICS | recorded
    assert expression.count("(") == expression.count(")")


def test_every_alert_says_how_bad_it_is_and_what_to_do():
    groups = yaml.safe_load((ROOT / "infra" / "monitoring" / "rules.yaml").read_text())["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len({alert["alert"] for alert in alerts}) == len(alerts)
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "action"} <= alert["annotations"].keys()
