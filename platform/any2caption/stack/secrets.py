"""The local stack's own keys: made once, kept in the state folder with mode 600."""

import base64
import json
import os
import secrets as random
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys that the services share. `stack_id` only marks the stack's processes."""

    stack_id: str
    jwt_secret: str
    fernet_key: str
    api_secret: str
    airflow_password: str
    s3_access_key: str
    s3_secret_key: str
    swift_hash_prefix: str
    swift_hash_suffix: str
    triton_key: str


def make() -> Secrets:
    """Draw fresh keys."""
    return Secrets(
        stack_id=random.token_hex(8),
        jwt_secret=random.token_hex(32),
        fernet_key=base64.urlsafe_b64encode(random.token_bytes(32)).decode(),
        api_secret=random.token_hex(32),
        airflow_password=random.token_urlsafe(12),
        s3_access_key="a2c:platform",  # the account:user form that Swift's tempauth expects
        s3_secret_key=random.token_hex(20),
        swift_hash_prefix=random.token_hex(8),
        swift_hash_suffix=random.token_hex(8),
        triton_key=random.token_hex(32),
    )


def load(home: Path) -> Secrets:
    """Return the keys of the stack under `home`; what is not there yet is made and kept."""
    path = home / "secrets.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    keys = Secrets(**{**asdict(make()), **kept})
    if asdict(keys) != kept:
        write_private(path, json.dumps(asdict(keys), indent=2))
    return keys


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
