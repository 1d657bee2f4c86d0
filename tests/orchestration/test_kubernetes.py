"""The pod's specification. It is not run against a cluster."""

from types import SimpleNamespace

import pytest

from any2caption.orchestration.jobs.kubernetes import ClusterSettings, pod_operator

WORK = {
    "key": "train-0123456789abcdef",
    "arguments": ["-m", "any2caption.training.launch.supervisor"],
}


def build(operator):
    """Build the pod without a cluster to ask."""
    operator.__dict__["hook"] = SimpleNamespace(is_in_cluster=False, get_namespace=lambda: None)
    return operator.build_pod_request_obj()


@pytest.fixture
def operator(monkeypatch, tmp_path):
    monkeypatch.setenv("A2C_HOME", str(tmp_path))
    monkeypatch.setenv("A2C_K8S_GPUS", "8")
    return pod_operator("train", WORK, accelerator=True, pool="gpu")


def test_the_pod_runs_the_work_with_its_gpus_and_shared_folder(operator, tmp_path):
    pod = build(operator)
    container = pod.spec.containers[0]
    assert container.command == ["python"]
    assert container.args == WORK["arguments"]
    assert container.resources.limits["nvidia.com/gpu"] == "8"
    mounts = {mount.name: mount.mount_path for mount in container.volume_mounts}
    assert mounts["home"] == str(tmp_path)
    assert mounts["shared-memory"] == "/dev/shm"  # noqa: S108 - Linux's own place
    assert pod.metadata.labels["a2c-work"] == WORK["key"]


def test_the_pod_can_sign_what_it_makes_and_nobody_else_reads_the_key(operator):
    spec = build(operator).spec
    mounts = {mount.name: mount for mount in spec.containers[0].volume_mounts}
    volumes = {volume.name: volume for volume in spec.volumes}
    cluster = ClusterSettings()
    assert volumes["signing"].secret.secret_name == cluster.signing_secret
    assert volumes["signing"].secret.default_mode == 0o440
    assert volumes["verify"].config_map.name == cluster.verify_config
    assert mounts["signing"].read_only
    assert mounts["verify"].read_only


def test_the_operator_defers_and_attaches_to_a_pod_that_is_there(operator):
    assert operator.deferrable
    assert operator.reattach_on_restart
    assert operator.pool == "gpu"


def test_work_without_accelerator_asks_for_none(monkeypatch, tmp_path):
    monkeypatch.setenv("A2C_HOME", str(tmp_path))
    pod = build(pod_operator("prepare", WORK, accelerator=False))
    assert "nvidia.com/gpu" not in pod.spec.containers[0].resources.limits


def test_the_pod_takes_settings_and_then_secrets(operator):
    sources = build(operator).spec.containers[0].env_from
    assert sources[0].config_map_ref.name == "any2caption-settings"
    assert sources[-1].secret_ref.name == "any2caption-environment"
