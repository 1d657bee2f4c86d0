"""The key pair that signs bundles and releases.

The private part lies outside the state folder and outside MLflow, so that whoever can write there
can still not sign; the serving side is given the public part alone.
"""

import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from any2caption.errors import ConfigError, NotFoundError
from any2caption.settings import Settings
from any2caption.storage.atomic import fresh_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the two parts lie: PEM files of one P-256 key."""

    private: Path
    public: Path

    @classmethod
    def of(cls, settings: Settings | None = None) -> "Keys":
        """Return the settings' keys; without settings, those of this process's environment."""
        settings = settings or Settings()
        return cls(settings.signing_key, settings.verify_key)

    def variables(self) -> dict[str, str]:
        """Return the environment in which a child process finds these keys."""
        return {"A2C_SIGNING_KEY": str(self.private), "A2C_VERIFY_KEY": str(self.public)}

    def for_signing(self) -> Path:
        """Return the private part's file; a missing pair is made.

        Raises:
            ConfigError: others can read the private part, it is not an elliptic curve key, or the
                public part belongs to another key.
        """
        # In this order: whoever makes a pair writes the private part first.
        if self.public.exists() and not self.private.exists():
            raise ConfigError(
                f"{self.public} is there without its private part {self.private}: give the "
                "private part by A2C_SIGNING_KEY, or remove the public one to start afresh"
            )
        if not self.private.exists():
            _create(self.private, _fresh_pem(), 0o600)
        if stat.S_IMODE(self.private.stat().st_mode) & stat.S_IRWXO:
            raise ConfigError(f"{self.private}: others can read this key; chmod 600 it")
        public = _public_pem(_load(self.private))
        _create(self.public, public, 0o644)
        if self.public.read_bytes() != public:
            raise ConfigError(f"{self.public} is not the public part of {self.private}")
        return self.private

    def for_verifying(self) -> Path:
        """Return the public part's file.

        Raises:
            NotFoundError: it is not there.
        """
        if not self.public.is_file():
            raise NotFoundError(
                f"{self.public}: no public key to check signatures with; set A2C_VERIFY_KEY, or "
                "make the pair where bundles are made: `a2c model key`"
            )
        return self.public


def _fresh_pem() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load(file: Path) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{file}: not a private key in PEM without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{file}: not an elliptic curve key")
    return key


def _public_pem(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _create(file: Path, content: bytes, mode: int) -> None:
    """Write a file whole unless it is there; of several writers at once the first one counts."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError), fresh_file(file, mode=mode, replace=False) as fresh:
        fresh.write_bytes(content)
