"""Where everything lives: one object, read from the environment (`A2C_…`)."""

from functools import cached_property
from pathlib import Path
from sys import executable
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from any2caption.errors import ConfigError


class Ports(BaseSettings):
    """TCP ports of the local stack, all on the loopback address."""

    model_config = SettingsConfigDict(env_prefix="A2C_PORT_")

    airflow: int = 8080
    mlflow: int = 5000
    s3: int = 5505
    triton_http: int = 8000
    triton_grpc: int = 8001
    triton_metrics: int = 8002


class Annotate(BaseSettings):
    """The endpoint that annotates: any server that speaks OpenAI's chat completions."""

    model_config = SettingsConfigDict(env_prefix="A2C_ANNOTATE_")

    base_url: str = Field(default="", description="For example http://127.0.0.1:8000/v1")
    api_key: SecretStr = Field(default=SecretStr(""), description="Sent as a bearer token")
    model: str = Field(default="", description="Model name, as the endpoint knows it")
    structured: Literal["json_schema", "json_object", "prompt"] = Field(
        default="json_schema", description="How the endpoint is asked for JSON"
    )
    requests_per_minute: float = Field(default=0, ge=0, description="0: no limit")
    tokens_per_minute: float = Field(default=0, ge=0, description="0: no limit")
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for one answer")
    retries: int = Field(default=5, ge=0, description="Tries after 429, 5xx and broken connections")
    input_price: float = Field(default=0, ge=0, description="Money per million tokens read")
    output_price: float = Field(default=0, ge=0, description="Money per million tokens written")


_NO_USER = (
    "a user name in a URL would be logged; leave it out and set the service's own variables "
    "(AWS_ACCESS_KEY_ID, MLFLOW_TRACKING_USERNAME, …)"
)


class Settings(BaseSettings):
    """The platform's settings; an empty URL means the local stack's own service under `home`."""

    model_config = SettingsConfigDict(env_prefix="A2C_")

    home: Path = Field(default=Path(".a2c"), description="Folder that holds all local state")
    object_store: str = Field(default="", description="file:///path or s3://bucket/prefix")
    s3_endpoint_url: str | None = Field(
        default=None, description="Endpoint of an S3-compatible server"
    )
    catalogue_url: str = Field(
        default="", repr=False, description="SQLAlchemy URL of the catalogue database"
    )
    mlflow_url: str = ""
    airflow_url: str = ""
    triton_url: str = Field(default="", description="host:port of Triton's gRPC endpoint")
    train_python: str = Field(
        default=executable, description="Interpreter of the training environment"
    )
    serve_python: str = Field(default="", description="Interpreter of the serving environment")
    source: str = Field(default="", description="Source that scheduled runs ingest")
    licences: str = Field(
        default="",
        description="Allowed licences, comma-separated SPDX identifiers; a leading + adds to the "
        "default list",
    )
    strict_camera: bool = Field(
        default=False,
        description="Quarantine records whose text names camera movements that the path "
        "does not show",
    )
    auto_approve: bool = Field(default=False, description="Promote without waiting for a person")
    ports: Ports = Field(default_factory=Ports)
    annotate: Annotate = Field(default_factory=Annotate)

    def model_post_init(self, _: object) -> None:
        """Fill what was left empty with the local stack's addresses.

        Raises:
            ConfigError: a password in a URL that is logged and handed to processes.
        """
        for name in ("s3_endpoint_url", "mlflow_url", "airflow_url", "triton_url"):
            if "@" in (getattr(self, name) or "").partition("?")[0]:
                raise ConfigError(f"A2C_{name.upper()}: {_NO_USER}")
        self.home = self.home.absolute()
        self.object_store = self.object_store or (self.home / "store").as_uri()
        self.catalogue_url = self.catalogue_url or f"sqlite:///{self.home / 'catalogue.db'}"
        self.mlflow_url = self.mlflow_url or f"http://127.0.0.1:{self.ports.mlflow}"
        self.airflow_url = self.airflow_url or f"http://127.0.0.1:{self.ports.airflow}"
        self.triton_url = self.triton_url or f"127.0.0.1:{self.ports.triton_grpc}"

    @cached_property
    def runs(self) -> Path:
        """Folder of training and evaluation runs, one folder a run key."""
        return self.home / "runs"

    @cached_property
    def progress_log(self) -> Path:
        """JSON-lines file that every stage appends its progress to."""
        return self.home / "progress.jsonl"
