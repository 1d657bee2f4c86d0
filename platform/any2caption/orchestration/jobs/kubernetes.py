"""Heavy work as Kubernetes pods. Tested as a specification; not run against a cluster."""

from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseOperator
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_SIGNING, _VERIFY = "/etc/any2caption/signing", "/etc/any2caption/verify"


class ClusterSettings(BaseSettings):
    """Where pods run, read from `A2C_K8S_…`."""

    model_config = SettingsConfigDict(env_prefix="A2C_K8S_")

    namespace: str = "any2caption"
    image: str = Field(default="any2caption/train:latest", description="Image with the train extra")
    service_account: str = "any2caption-work"
    volume_claim: str = Field(
        default="any2caption-home", description="ReadWriteMany claim, mounted at A2C_HOME"
    )
    environment_secret: str = Field(
        default="any2caption-environment", description="Secret whose keys become variables"
    )
    environment_config: str = Field(
        default="any2caption-settings", description="ConfigMap of settings; the secret wins"
    )
    signing_secret: str = Field(
        default="any2caption-signing", description="Secret with signing.pem: pods sign bundles"
    )
    verify_config: str = Field(
        default="any2caption-verify", description="ConfigMap with verify.pem, its public part"
    )
    gpus: int = 1
    gpu_resource: str = "nvidia.com/gpu"
    cpu: str = "8"
    memory: str = "64Gi"
    shared_memory: str = Field(default="16Gi", description="Size limit of /dev/shm")
    startup_seconds: int = 1800


@dataclass(frozen=True, slots=True)
class _Templates:
    """XCom references into a work's dict, resolved when the task runs."""

    key: Any
    arguments: Any


def pod_operator(task_id: str, work: Any, *, accelerator: bool, **kwargs: Any) -> BaseOperator:
    """Make the deferrable pod task.

    The pod carries the work's key as a label together with Airflow's own identity labels. The
    operator looks for such a pod before it creates one (`reattach_on_restart`), so a worker that
    dies after it submitted neither loses the pod nor starts a second.
    """
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from kubernetes.client import models as k8s

    from any2caption.settings import Settings

    cluster = ClusterSettings()
    home = str(Settings().home)
    fields = _Templates(key=work["key"], arguments=work["arguments"])
    limits = {"cpu": cluster.cpu, "memory": cluster.memory}
    if accelerator:
        limits[cluster.gpu_resource] = str(cluster.gpus)
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=cluster.volume_claim)
    memory = k8s.V1EmptyDirVolumeSource(medium="Memory", size_limit=cluster.shared_memory)
    # For the image's group alone: a key that others can read is refused.
    signing = k8s.V1SecretVolumeSource(secret_name=cluster.signing_secret, default_mode=0o440)
    verify = k8s.V1ConfigMapVolumeSource(name=cluster.verify_config)
    return KubernetesPodOperator(
        task_id=task_id,
        name=f"a2c-{task_id.replace('_', '-')}",
        namespace=cluster.namespace,
        image=cluster.image,
        service_account_name=cluster.service_account,
        cmds=["python"],
        arguments=fields.arguments,
        labels={
            "app.kubernetes.io/part-of": "any2caption",
            "a2c-work": fields.key,
            "a2c-network": "work",  # what the chart's network policies know training pods by
        },
        env_vars={"A2C_HOME": home},
        env_from=[
            k8s.V1EnvFromSource(
                config_map_ref=k8s.V1ConfigMapEnvSource(
                    name=cluster.environment_config, optional=True
                )
            ),
            k8s.V1EnvFromSource(
                secret_ref=k8s.V1SecretEnvSource(name=cluster.environment_secret, optional=True)
            ),
        ],
        automount_service_account_token=False,
        security_context=k8s.V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=50_000,
            run_as_group=0,
            seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
        ),
        container_security_context=k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
        ),
        container_resources=k8s.V1ResourceRequirements(requests=limits, limits=limits),
        volumes=[
            k8s.V1Volume(name="home", persistent_volume_claim=claim),
            k8s.V1Volume(name="shared-memory", empty_dir=memory),
            k8s.V1Volume(name="signing", secret=signing),
            k8s.V1Volume(name="verify", config_map=verify),
            k8s.V1Volume(name="scratch", empty_dir=k8s.V1EmptyDirVolumeSource()),
        ],
        volume_mounts=[
            k8s.V1VolumeMount(name="home", mount_path=home),
            k8s.V1VolumeMount(name="shared-memory", mount_path="/dev/shm"),  # noqa: S108 - Linux's
            k8s.V1VolumeMount(name="signing", mount_path=_SIGNING, read_only=True),
            k8s.V1VolumeMount(name="verify", mount_path=_VERIFY, read_only=True),
            k8s.V1VolumeMount(name="scratch", mount_path="/tmp"),  # noqa: S108 - the root is read-only
            k8s.V1VolumeMount(name="scratch", mount_path="/home/a2c"),
        ],
        startup_timeout_seconds=cluster.startup_seconds,
        deferrable=True,
        reattach_on_restart=True,
        on_finish_action="delete_succeeded_pod",
        get_logs=True,
        **kwargs,
    )
