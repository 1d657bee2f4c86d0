"""The local stack's own keys: made once, kept in the state folder with mode 600."""

import base64
import json
import secrets as random
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path

from any2caption.storage.atomic import write_atomically
from any2caption.storage.locks import file_lock


def _hex(count: int) -> str:
    return field(default_factory=partial(random.token_hex, count))


def _password(count: int) -> str:
    return field(default_factory=partial(random.token_urlsafe, count))


def _fernet() -> str:
    return base64.urlsafe_b64encode(random.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The stack's keys, each drawn when it is not given: a new field needs a default, no more.

    `stack_id` only marks the stack's processes.
    """

    stack_id: str = _hex(8)
    jwt_secret: str = _hex(32)
    fernet_key: str = field(default_factory=_fernet)
    api_secret: str = _hex(32)
    airflow_password: str = _password(12)
    mlflow_password: str = _password(18)
    mlflow_form_key: str = _hex(32)  # signs the forms of MLflow's pages
    mlflow_webhook_key: str = field(default_factory=_fernet)  # encrypts webhooks' secrets
    alias_secret: str = _hex(32)  # MLflow signs its webhook on aliases with it
    triton_key: str = _hex(32)
    s3_access_key: str = "a2c:platform"  # the account:user form that Swift's tempauth expects
    s3_secret_key: str = _hex(20)
    swift_hash_prefix: str = _hex(8)
    swift_hash_suffix: str = _hex(8)


_NAMES = {one.name for one in fields(Secrets)}


def file_of(home: Path) -> Path:
    """Where the keys of the stack under `home` are kept."""
    return home / "secrets.json"


def load(home: Path) -> Secrets:
    """Return the keys of the stack under `home`; those that it lacks are drawn once and kept."""
    path = file_of(home)
    if path.exists():
        saved = json.loads(path.read_text())
        if saved.keys() >= _NAMES:
            return _of(saved)
    home.mkdir(parents=True, exist_ok=True)
    with file_lock(home / "secrets.lock"):  # somebody else may be drawing them just now
        saved = json.loads(path.read_text()) if path.exists() else {}
        keys = _of(saved)
        write_private(path, json.dumps({**saved, **asdict(keys)}, indent=2))
    return keys


def _of(saved: dict[str, str]) -> Secrets:
    return Secrets(**{name: value for name, value in saved.items() if name in _NAMES})


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    write_atomically(path, text, mode=0o600)
