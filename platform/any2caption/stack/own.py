"""Each service's own environment: what it needs to run, and no other service's keys.

A service starts from the few variables of the shell that say nothing secret, and gets its own keys
added. What runs Airflow's tasks also gets what the platform's work needs: the object store, the
catalogue, MLflow, the annotating endpoint. The files lie in `<home>/env`, readable by their owner
only; `launch` reads one and becomes the service with exactly that environment.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from any2caption.settings import Settings
from any2caption.stack import environment
from any2caption.stack.secrets import load, write_private

_PLAIN = re.compile(
    r"(HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|XDG_\w+|OMP_\w+"
    r"|CUDA_\w+|NVIDIA_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|COVERAGE_\w+)"
)
_SETTINGS = re.compile(r"A2C_\w+")
_STORE = re.compile(r"AWS_\w+|(https?|no)_proxy", re.IGNORECASE)
_WORK = re.compile(
    r"CC|CXX|MAX_JOBS|(A2C|HF|NCCL|TORCH|DS|MLFLOW)_\w+|KUBE\w+|" + _STORE.pattern, re.IGNORECASE
)
_AIRFLOW = re.compile(r"AIRFLOW_\w+")
# Names that may hold a key: of those, a service gets what it is given by name below, no other.
_SECRET = re.compile(r"KEY|PASSWORD|SECRET|TOKEN|CREDENTIAL|CATALOGUE_URL")


def of_service(name: str, settings: Settings, *, swift: bool) -> dict[str, str]:
    """Return the whole environment of the service `name`."""
    shell = os.environ
    keys = load(settings.home)
    plain = {
        **_matching(shell, _PLAIN),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{shell.get('PATH', os.defpath)}",
        **environment.quiet(),
        "A2C_STACK": keys.stack_id,
        "A2C_SERVICE": name,
    }
    if name.startswith("s3"):
        return plain  # Swift's servers read their keys from their own files
    told = environment.variables(settings)
    public = {**_matching(shell, _SETTINGS), **told, **plain}
    public = {key: value for key, value in public.items() if not _SECRET.search(key)}
    if name == "mlflow":
        own_store = {} if swift else _matching(shell, _STORE)
        store = {**own_store, **environment.store_keys(settings, swift=swift)}
        return {**store, **public, **mlflow(settings)}
    if not name.startswith("airflow"):
        # Triton, its door, the watchdog: who serves checks signatures, and signs nothing.
        verify = {"A2C_VERIFY_KEY": str(settings.verify_key)}
        writer = environment.writer_key(settings) if name == "triton" else {}
        return {**public, **environment.triton_keys(settings), **verify, **writer}
    airflow = {**_matching(shell, _AIRFLOW), **environment.airflow(settings, keys)}
    if name == "airflow-api":
        airflow |= environment.alias_webhook(keys)
    if name != "airflow-scheduler":
        return {**public, **airflow}
    # Its executor runs the tasks.
    credentials = environment.credentials(settings, swift=swift)
    return {**_matching(shell, _WORK), **told, **public, **airflow, **credentials}


def mlflow(settings: Settings) -> dict[str, str]:
    """Return what MLflow's server needs to ask everybody for the password."""
    keys = load(settings.home)
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings.home / "mlflow" / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": environment.MLFLOW_USER,
        "MLFLOW_AUTH_ADMIN_PASSWORD": keys.mlflow_password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": keys.mlflow_form_key,
        "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": keys.mlflow_webhook_key,
        # Its webhook goes to this machine: to Airflow's API server.
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    }


def file_of(home: Path, name: str) -> Path:
    """Where a service's environment is kept."""
    return home / "env" / f"{name}.json"


def write(name: str, settings: Settings, *, swift: bool) -> None:
    """Write the private file that `launch` reads."""
    path = file_of(settings.home, name)
    write_private(path, json.dumps(of_service(name, settings, swift=swift), indent=2))
    path.parent.chmod(0o700)


def of_supervisor(settings: Settings) -> dict[str, str]:
    """Return supervisord's environment: it holds no key at all."""
    plain = _matching(os.environ, _PLAIN)
    return {
        **plain,
        "PATH": os.environ.get("PATH", os.defpath),
        "A2C_STACK": load(settings.home).stack_id,
    }


def _matching(variables: Mapping[str, str], names: re.Pattern[str]) -> dict[str, str]:
    return {key: value for key, value in variables.items() if names.fullmatch(key)}
