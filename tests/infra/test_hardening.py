"""Containers may do no more than they need: parsed, as nothing here can be run."""

import re
from pathlib import Path

import pytest
import yaml

from .test_infra import CHART, ROOT, VALUES, rendered

COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
MANIFESTS = [
    document for path in sorted((CHART / "templates").glob("*.yaml")) for document in rendered(path)
] + list(yaml.safe_load_all((ROOT / "infra" / "kubernetes" / "train.yaml").read_text()))
PODS = {
    found["metadata"]["name"]: found["spec"]["template"]
    for found in MANIFESTS
    if found["kind"] in {"Deployment", "Job"}
}
POLICIES = {
    found["metadata"]["name"]: found["spec"]
    for found in MANIFESTS
    if found["kind"] == "NetworkPolicy"
}


@pytest.mark.parametrize("name", COMPOSE)
def test_a_service_has_no_rights_no_writable_root_and_limits(name):
    service = COMPOSE[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["tmpfs"]
    assert service["networks"]
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert service["cpus"] > 0
    assert not service.get("privileged")


def test_services_reach_only_whom_they_need():
    networks = {name: set(service["networks"]) for name, service in COMPOSE.items()}
    assert networks["postgres"] == {"database"}
    serving = {name for name, on in networks.items() if "serving" in on}
    assert serving == {"triton", "door", "airflow-scheduler"}
    for name in ("triton", "door"):
        assert networks[name].isdisjoint(networks["postgres"] | networks["mlflow"])
    made = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["networks"]
    assert made["database"]["internal"] is True


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_no_writable_root_no_token_and_limits(name):
    pod = PODS[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert any(mount["name"].endswith("scratch") for mount in container["volumeMounts"])
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


def test_pods_that_airflow_starts_are_held_to_the_same():
    from types import SimpleNamespace

    from kubernetes.client import ApiClient

    from any2caption.orchestration.jobs.kubernetes import pod_operator

    work = {"key": "k", "arguments": ["-m", "x"]}
    operator = pod_operator("train", work, accelerator=True)
    operator.__dict__["hook"] = SimpleNamespace(is_in_cluster=False, get_namespace=lambda: None)
    pod = operator.build_pod_request_obj()
    made = ApiClient().sanitize_for_serialization(pod)
    spec = made["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = spec["containers"][0]["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    (peer,) = VALUES["networkPolicy"]["work"]
    assert peer["podSelector"]["matchLabels"].items() <= made["metadata"]["labels"].items()


def test_nobody_reaches_a_pod_that_no_policy_names():
    deny = POLICIES["any2caption-default-deny"]
    assert deny["ingress"] == []
    for name, pod in PODS.items():
        labels = pod["metadata"]["labels"]
        assert deny["podSelector"]["matchLabels"].items() <= labels.items(), name


def test_mlflow_is_reached_by_airflow_and_training_only():
    mlflow = POLICIES["any2caption-mlflow"]
    labels = PODS["any2caption-mlflow"]["metadata"]["labels"]
    assert mlflow["podSelector"]["matchLabels"].items() <= labels.items()
    (rule,) = mlflow["ingress"]
    assert rule["from"] == VALUES["networkPolicy"]["control"] + VALUES["networkPolicy"]["work"]
    assert rule["ports"] == [{"port": "http"}]


def test_clients_are_let_to_the_door_alone():
    template = (CHART / "templates" / "triton.yaml").read_text()
    clients = template[template.index("{{- if .Values.networkPolicy.clients }}") :]
    assert re.findall(r"- port: (\w+)", clients) == ["grpc"]
    for rule in POLICIES["any2caption-triton"]["ingress"]:
        if "from" not in rule:
            assert rule["ports"] == [{"port": "metrics"}]


def test_triton_is_reached_by_rule_and_reaches_nobody():
    triton = POLICIES["any2caption-triton"]
    assert triton["egress"] == []
    assert set(triton["policyTypes"]) == {"Ingress", "Egress"}
    assert all(rule.get("from") != [{"podSelector": {}}] for rule in triton["ingress"])
    assert all(rule["ports"] for rule in triton["ingress"])


def test_no_image_runs_as_root_at_the_end():
    for path in Path(ROOT / "docker").glob("*.Dockerfile"):
        users = [line for line in path.read_text().splitlines() if line.startswith("USER ")]
        assert users[-1] == "USER 50000:0"
