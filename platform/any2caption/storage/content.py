"""Content-addressed media: the key is the SHA-256 of the bytes, so equal files are kept once."""

import hashlib
import re

from any2caption.errors import InputError, IntegrityError
from any2caption.storage.base import ObjectStore

MEDIA_PREFIX = "media/sha256/"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def media_key(sha256: str) -> str:
    """Return the key of a media object, `media/sha256/ab/<digest>`."""
    if not _DIGEST.fullmatch(sha256):
        raise InputError(f"{sha256[:80]!r} is not a SHA-256 digest", field="sha256")
    return f"{MEDIA_PREFIX}{sha256[:2]}/{sha256}"


def put_content(store: ObjectStore, data: bytes) -> str:
    """Store the bytes unless they are there, and return their SHA-256."""
    sha256 = digest_of(data)
    key = media_key(sha256)
    if not store.exists(key):
        store.put(key, data)
    return sha256


def get_content(store: ObjectStore, sha256: str) -> bytes:
    """Return the bytes with this digest; IntegrityError when the stored object is not they."""
    key = media_key(sha256)
    data = store.get(key)
    found = digest_of(data)
    if found != sha256:
        raise IntegrityError(
            f"{store.uri}: {key} holds {len(data)} bytes with SHA-256 {found}; "
            "the object is damaged: delete it and ingest its source again"
        )
    return data
