"""Where everything lives: one object, read from the environment (`A2C_…`)."""

import hashlib
import os
from functools import cached_property
from pathlib import Path
from sys import executable
from tempfile import gettempdir
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from any2caption.errors import ConfigError

_SOCKET_PATH_BYTES = 100  # a Unix socket's path may have 107


def inner_url(home: Path) -> str:
    """The local stack's address of Triton itself: a Unix socket in a folder of its owner's own.

    Triton appends a port number to any address, so the socket is the file `grpc:0`. Where `home` is
    too long for a socket's path, the folder lies in the system's temporary folder.
    """
    folder = home / "triton" / "inner"
    if len(str(folder)) + len("/grpc:0") > _SOCKET_PATH_BYTES:
        folder = Path(gettempdir()) / f"a2c-{os.getuid()}-{_short_digest(home)}-triton"
    return f"unix:{folder}/grpc:0"


def refuse_login(what: str, url: str) -> None:
    """Refuse an address that names a user: it is logged and kept, and a password may stand there.

    Raises:
        ConfigError: it does; the message says of what, and never shows the address.
    """
    address = url.partition("?")[0]
    before, at, _ = (address.partition("://")[2] or address).rpartition("@")
    first, slash, _ = before.partition("/")
    if at and (not slash or ":" in first):  # behind host and slash an "@" is a letter of the path
        raise ConfigError(f"{what}: {_NO_USER}")


_NO_USER = (
    "a user name in a URL would be logged; leave it out and set the service's own variables "
    "(AWS_ACCESS_KEY_ID, MLFLOW_TRACKING_USERNAME, A2C_ANNOTATE_API_KEY, …)"
)


class Ports(BaseSettings):
    """TCP ports of the local stack, all on the loopback address."""

    model_config = SettingsConfigDict(env_prefix="A2C_PORT_")

    airflow: int = 8080
    mlflow: int = 5000
    s3: int = 5505
    triton_grpc: int = 8001
    triton_metrics: int = 8002


class Door(BaseSettings):
    """What the door in front of Triton lets through at once."""

    model_config = SettingsConfigDict(env_prefix="A2C_DOOR_")

    requests: int = Field(default=32, ge=1, description="Requests under way; more are told to wait")
    message_megabytes: int = Field(default=64, ge=1, le=1024, description="Size of one request")
    megabytes: int = Field(default=128, ge=1, description="Size of all requests under way")
    seconds: float = Field(default=120, gt=0, description="Longest time for one request")


class ChatServer(BaseSettings):
    """A server that speaks OpenAI's chat completions."""

    base_url: str = Field(default="", description="For example http://127.0.0.1:8000/v1")
    api_key: SecretStr = Field(default=SecretStr(""), description="Sent as a bearer token")
    model: str = Field(default="", description="Model name, as the endpoint knows it")
    structured: Literal["json_schema", "json_object", "prompt"] = Field(
        default="json_schema",
        description="How the endpoint is asked for JSON; `prompt` follows where it refuses",
    )
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for one answer")
    retries: int = Field(default=5, ge=0, description="Tries after 429, 5xx and broken connections")

    @classmethod
    def variable(cls, name: str) -> str:
        """Return the environment variable of a setting."""
        return f"{cls.model_config.get('env_prefix', '')}{name.upper()}"

    def model_post_init(self, _: object) -> None:
        """Refuse a user name in the address.

        Raises:
            ConfigError: there is one.
        """
        refuse_login(self.variable("base_url"), self.base_url)

    def refuse_half(self) -> None:
        """Refuse an address that can't work.

        Raises:
            ConfigError: it is no http(s) address, or lacks the model's name.
        """
        address = self.variable("base_url")
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(f"{address}: expected http://… or https://…")
        if self.base_url and not self.model:
            raise ConfigError(f"{address} is set, {self.variable('model')} is not: name the model")


class Annotate(ChatServer):
    """The endpoint that annotates."""

    model_config = SettingsConfigDict(env_prefix="A2C_ANNOTATE_")

    requests_per_minute: float = Field(default=0, ge=0, description="0: no limit")
    tokens_per_minute: float = Field(default=0, ge=0, description="0: no limit")
    input_price: float = Field(default=0, ge=0, description="Money per million tokens read")
    output_price: float = Field(default=0, ge=0, description="Money per million tokens written")


class Writer(ChatServer):
    """The endpoint that writes captions of requests (writer `endpoint`); none without an address.

    Whoever sets it sends there what callers give: texts, pictures, sampled frames.
    """

    model_config = SettingsConfigDict(env_prefix="A2C_WRITER_")

    api_key_file: Path | None = Field(
        default=None, description="File with the key, where it must not be in an environment"
    )
    timeout: float = Field(default=30, gt=0, description="Seconds to wait for one answer")
    retries: int = Field(default=2, ge=0, description="Tries after 429, 5xx and broken connections")
    seconds: float = Field(default=60, gt=0, description="All tries of one request together")
    tokens: int = Field(default=20_000, ge=1, description="In and out, of one request")
    pictures: int = Field(default=12, ge=0, le=64, description="Pictures and frames of one request")
    places: int = Field(default=16, ge=1, le=64, description="Requests to it under way")

    @property
    def key(self) -> str:
        """The key, from wherever it was given; "" for none.

        Raises:
            ConfigError: the file with it can't be read.
        """
        if self.api_key_file is None:
            return self.api_key.get_secret_value()
        try:
            return self.api_key_file.read_text().strip()
        except (OSError, ValueError) as error:
            told = type(error).__name__
            raise ConfigError(f"A2C_WRITER_API_KEY_FILE: can't be read ({told})") from None

    def model_post_init(self, context: object) -> None:
        """Refuse an address that can't work.

        Raises:
            ConfigError: it names a user, is no http(s) address, or lacks the model's name.
        """
        super().model_post_init(context)
        self.refuse_half()


class Judge(ChatServer):
    """The language model that judges answers for IRScore, a figure that decides nothing.

    None without an address. It is sent captions, questions and right answers, no pictures.
    """

    model_config = SettingsConfigDict(env_prefix="A2C_JUDGE_")

    timeout: float = Field(default=60, gt=0, description="Seconds to wait for one answer")
    retries: int = Field(default=2, ge=0, description="Tries after 429, 5xx and broken connections")
    requests: int = Field(
        default=2_000, ge=1, description="Of one evaluation, tries included; a question takes two"
    )
    seconds: float = Field(default=1_800, gt=0, description="All of one evaluation together")
    places: int = Field(default=8, ge=1, le=64, description="Requests to it under way")

    def model_post_init(self, context: object) -> None:
        """Refuse an address that can't work.

        Raises:
            ConfigError: it names a user, is no http(s) address, or lacks the model's name.
        """
        super().model_post_init(context)
        self.refuse_half()


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
    triton_url: str = Field(default="", description="host:port of the door: where clients ask")
    triton_inner_url: str = Field(
        default="",
        description="Triton's own gRPC address behind the door: host:port, or unix:PATH:NUMBER",
    )
    triton_key: SecretStr = Field(
        default=SecretStr(""), description="Key that Triton itself asks for, on every call"
    )
    cancel_folder: Path = Field(
        default=Path(), description="Folder in which the door tells steps of cancelled requests"
    )
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
    model_licence: str = Field(
        default="",
        description="SPDX identifier under which models are given away; model cards state it",
    )
    strict_camera: bool = Field(
        default=False,
        description="Quarantine records whose text names camera movements that the path "
        "does not show",
    )
    trial_boot: bool = Field(
        default=True,
        description="Boot a release in a Triton of its own before the serving one hears of it; "
        "false where memory is too short for a second server",
    )
    watch_seconds: float = Field(
        default=10, ge=0, description="Seconds that a new release is watched before it is kept"
    )
    keep_releases: int = Field(
        default=3, ge=1, description="Newest releases (and bundles) that are kept on disk"
    )
    auto_approve: bool = Field(default=False, description="Promote without waiting for a person")
    auto_approve_by_run: bool = Field(
        default=False,
        description="Let whoever starts a run choose that; the local stack does, having one user",
    )
    trial_policies: str = Field(
        default="",
        description="Gate policies, comma-separated, that may promote here although they are not "
        "for release",
    )
    promoting_policies: str = Field(
        default="",
        description="The only gate policies, comma-separated, that may promote here; empty: all "
        "that are for release",
    )
    two_people: bool = Field(
        default=False,
        description="Whoever starts a run does not approve its model, and nothing approves itself",
    )
    signing_key: Path = Field(
        default=Path(),
        description="Private key that signs bundles and releases; by default in the user's "
        "configuration folder",
    )
    verify_key: Path = Field(default=Path(), description="Its public part, all that serving needs")
    clip_weights: Path | None = Field(
        default=None,
        description="Folder with CLIP as transformers saves it: reports of evaluations then have "
        "CLIP-T",
    )
    ports: Ports = Field(default_factory=Ports)
    annotate: Annotate = Field(default_factory=Annotate)
    writer: Writer = Field(default_factory=Writer)
    judge: Judge = Field(default_factory=Judge)
    door: Door = Field(default_factory=Door)

    def model_post_init(self, _: object) -> None:
        """Fill what was left empty with the local stack's addresses.

        Raises:
            ConfigError: a password in a URL that is logged and handed to processes.
        """
        for name in ("object_store", "s3_endpoint_url", "mlflow_url", "airflow_url", "triton_url"):
            refuse_login(f"A2C_{name.upper()}", getattr(self, name) or "")
        self.home = self.home.absolute()
        self.object_store = self.object_store or (self.home / "store").as_uri()
        self.catalogue_url = self.catalogue_url or f"sqlite:///{self.home / 'catalogue.db'}"
        self.mlflow_url = self.mlflow_url or f"http://127.0.0.1:{self.ports.mlflow}"
        self.airflow_url = self.airflow_url or f"http://127.0.0.1:{self.ports.airflow}"
        self.triton_url = self.triton_url or f"127.0.0.1:{self.ports.triton_grpc}"
        self.triton_inner_url = self.triton_inner_url or inner_url(self.home)
        if self.cancel_folder == Path():
            self.cancel_folder = self.home / "triton" / "cancelled"
        if self.signing_key == Path():
            self.signing_key = _configuration(self.home) / "signing.pem"
        if self.verify_key == Path():
            self.verify_key = _configuration(self.home) / "verify.pem"

    @cached_property
    def runs(self) -> Path:
        """Folder of training and evaluation runs, one folder a run key."""
        return self.home / "runs"

    @cached_property
    def progress_log(self) -> Path:
        """JSON-lines file that every stage appends its progress to."""
        return self.home / "progress.jsonl"


def _configuration(home: Path) -> Path:
    """The folder of a stack's keys: the user's, one for each `home`, and not inside it."""
    chosen = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(chosen) if chosen else Path(os.environ.get("HOME", "/")) / ".config"
    return base / "any2caption" / _short_digest(home)


def _short_digest(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:16]
