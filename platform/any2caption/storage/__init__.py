"""Object storage: S3 (any S3-compatible server) and local folders behind one small interface."""

from any2caption.storage.base import ObjectInfo, ObjectStore
from any2caption.storage.content import digest_of, get_content, media_key, put_content
from any2caption.storage.open import open_store

__all__ = [
    "ObjectInfo",
    "ObjectStore",
    "digest_of",
    "get_content",
    "media_key",
    "open_store",
    "put_content",
]
