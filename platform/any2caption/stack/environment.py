"""What a stack's processes are told by their environment; how a later shell finds the stack."""

import json
import os
import sys
from pathlib import Path

import any2caption
from any2caption.settings import Ports, Settings
from any2caption.stack.secrets import Secrets, load, write_private
from any2caption.storage.signing_keys import Keys

REPOSITORY = Path(any2caption.__file__).parents[2]
LOCAL_BUCKET = "s3://a2c"
MLFLOW_USER = "admin"
# What `env.json` remembers beside A2C_…, by the setting that says whose credentials they are.
_STORE = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
_MLFLOW = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
TRITON_KEY = "A2C_TRITON_KEY"
_CREDENTIALS = {
    "A2C_OBJECT_STORE": _STORE,
    "A2C_MLFLOW_URL": _MLFLOW,
    "A2C_TRITON_INNER_URL": (TRITON_KEY,),
}


def saved_file(home: Path) -> Path:
    """The file in which a stack's settings are kept."""
    return home / "env.json"


def load_settings(home: Path | None = None) -> Settings:
    """Resolve the settings: environment, then what the stack was started with, then defaults.

    The saved values are also put into this process's environment, for libraries and children. A
    home in which no stack was started has no MLflow unless A2C_MLFLOW_URL names one: what listens
    on the default port is another home's.
    """
    home = (home or Path(os.environ.get("A2C_HOME", ".a2c"))).absolute()
    os.environ["A2C_HOME"] = str(home)
    saved = _read(home)
    for setting, names in _CREDENTIALS.items():
        if os.environ.get(setting) in {None, saved.get(setting)}:
            # The server is the stack's own: its keys go with it, whatever others this shell has.
            os.environ.update({name: saved[name] for name in names if name in saved})
    others = {name for names in _CREDENTIALS.values() for name in names}
    for name, value in saved.items():
        if name not in others:  # keys of the stack's own servers are for nobody else
            os.environ.setdefault(name, value)
    settings = with_interpreters(Settings())
    if not os.environ.get("A2C_MLFLOW_URL"):
        settings.mlflow_url = ""
    return settings


def with_interpreters(settings: Settings) -> Settings:
    """Fill in the serving environment that `make setup` leaves, when none was named."""
    serve = REPOSITORY / ".venv-serve" / "bin" / "python"
    if not settings.serve_python:
        settings.serve_python = str(serve) if serve.exists() else sys.executable
    return settings


def variables(settings: Settings) -> dict[str, str]:
    """Return the variables that stand for these settings in a child process, without keys."""
    values = {
        "A2C_HOME": str(settings.home),
        "A2C_OBJECT_STORE": settings.object_store,
        "A2C_CATALOGUE_URL": settings.catalogue_url,
        "A2C_MLFLOW_URL": settings.mlflow_url,
        "A2C_AIRFLOW_URL": settings.airflow_url,
        "A2C_TRITON_URL": settings.triton_url,
        "A2C_TRITON_INNER_URL": settings.triton_inner_url,
        "A2C_CANCEL_FOLDER": str(settings.cancel_folder),
        "A2C_SIGNING_KEY": str(settings.signing_key),
        "A2C_VERIFY_KEY": str(settings.verify_key),
        "A2C_TRAIN_PYTHON": settings.train_python,
        "A2C_SERVE_PYTHON": settings.serve_python,
        "A2C_SOURCE": settings.source,
        "A2C_AUTO_APPROVE": str(settings.auto_approve).lower(),
        "A2C_AUTO_APPROVE_BY_RUN": os.environ.get("A2C_AUTO_APPROVE_BY_RUN", "true"),
        "A2C_TRIAL_POLICIES": settings.trial_policies,
        "A2C_POLICIES": os.environ.get("A2C_POLICIES", ""),
        "A2C_PROMOTING_POLICIES": settings.promoting_policies,
        "A2C_TWO_PEOPLE": str(settings.two_people).lower(),
        **Keys.of(settings).variables(),
        "A2C_TRIAL_BOOT": str(settings.trial_boot).lower(),
        "A2C_WATCH_SECONDS": str(settings.watch_seconds),
        "A2C_KEEP_RELEASES": str(settings.keep_releases),
        "MLFLOW_TRACKING_URI": settings.mlflow_url,
        **{f"A2C_PORT_{name.upper()}": str(port) for name, port in settings.ports},
    }
    if settings.s3_endpoint_url:
        values["A2C_S3_ENDPOINT_URL"] = settings.s3_endpoint_url
        values["MLFLOW_S3_ENDPOINT_URL"] = settings.s3_endpoint_url
    return values


def store_keys(settings: Settings, *, swift: bool) -> dict[str, str]:
    """Return the object store's credentials: the own server's, or those of this shell."""
    if not swift:
        return {name: os.environ[name] for name in _STORE if name in os.environ}
    keys = load(settings.home)
    return {
        "AWS_ACCESS_KEY_ID": keys.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": keys.s3_secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def mlflow_keys(settings: Settings) -> dict[str, str]:
    """Return MLflow's user and password: the own server's, or those of this shell."""
    if settings.mlflow_url != mlflow_url(settings.ports):
        return {name: os.environ[name] for name in _MLFLOW if name in os.environ}
    password = load(settings.home).mlflow_password
    return dict(zip(_MLFLOW, (MLFLOW_USER, password), strict=True))


def triton_keys(settings: Settings) -> dict[str, str]:
    """Return the key that Triton itself asks for: the one that was set, or the own server's."""
    own = load(settings.home).triton_key
    return {TRITON_KEY: settings.triton_key.get_secret_value() or own}


def writer_key(settings: Settings) -> dict[str, str]:
    """Return the key of the endpoint that writes captions, if there is one."""
    key = settings.writer.key if settings.writer.base_url else ""
    return {"A2C_WRITER_API_KEY": key} if key else {}


def credentials(settings: Settings, *, swift: bool) -> dict[str, str]:
    """Return the credentials of the servers that the platform's own work talks to."""
    triton = triton_keys(settings)
    return {**store_keys(settings, swift=swift), **mlflow_keys(settings), **triton}


def saved_variables(settings: Settings, *, swift: bool) -> dict[str, str]:
    """Return what `env.json` remembers: the settings and the credentials that go with them."""
    return {**variables(settings), **credentials(settings, swift=swift)}


def quiet() -> dict[str, str]:
    """Variables that keep libraries from reporting usage, looking for updates, and pickle."""
    return {
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONUNBUFFERED": "1",
        # Titles of processes must not overwrite their environment, by which `down` finds them.
        "SPT_NOENV": "1",
    }


def airflow(settings: Settings, keys: Secrets) -> dict[str, str]:
    """Airflow's whole configuration: SQLite, LocalExecutor, all on the loopback address."""
    home = settings.home / "airflow"
    url = f"http://127.0.0.1:{settings.ports.airflow}"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.ports.airflow),
        "AIRFLOW__API__SECRET_KEY": keys.api_secret,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt_secret,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": os.environ.get("A2C_DAGS", str(REPOSITORY / "dags")),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet_key,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": os.environ.get(
            "A2C_AIRFLOW_USERS", "admin:admin"
        ),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    }


def alias_webhook(keys: Secrets) -> dict[str, str]:
    """What Airflow's API server needs to hear from MLflow that an alias changed."""
    plugins = Path(any2caption.__file__).parent / "orchestration" / "plugins"
    return {
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "A2C_ALIAS_SECRET": keys.alias_secret,
    }


def save(settings: Settings, *, swift: bool) -> None:
    """Remember the settings for later shells; the file holds keys and so is private."""
    write_private(
        saved_file(settings.home), json.dumps(saved_variables(settings, swift=swift), indent=2)
    )


def uses_swift(settings: Settings) -> bool:
    """Whether the object store is the stack's own Swift server."""
    return settings.s3_endpoint_url == swift_url(settings.ports)


def mlflow_url(ports: Ports) -> str:
    """The address of the stack's own MLflow."""
    return f"http://127.0.0.1:{ports.mlflow}"


def swift_url(ports: Ports) -> str:
    """The address of the stack's own S3 endpoint."""
    return f"http://127.0.0.1:{ports.s3}"


def _read(home: Path) -> dict[str, str]:
    path = saved_file(home)
    return json.loads(path.read_text()) if path.exists() else {}
