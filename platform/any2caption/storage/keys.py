"""Object keys: `/`-separated relative paths that cannot leave the store they are used in."""

import re

from any2caption.errors import InputError

MAX_KEY_BYTES = 1024  # S3's own limit
_FORBIDDEN = re.compile(r"[\x00-\x1f\\]")
_BAD = {"", ".", ".."}


def check_key(key: str) -> str:
    """Return the key unchanged, or raise InputError when it is empty, absolute or could escape.

    Manifests from outside name files by such keys, so this is also the check of untrusted paths.
    """
    reason = _flaw(key)
    if reason:
        raise InputError(f"{key[:200]!r} {reason}", field="key")
    return key


def check_prefix(prefix: str) -> str:
    """Return a listing prefix unchanged; it may be empty or end anywhere inside a key."""
    if prefix:
        check_key(prefix.rstrip("/"))
    return prefix


def join_key(prefix: str, key: str) -> str:
    """Return `prefix/key`, or the key alone when the prefix is empty."""
    return f"{prefix.rstrip('/')}/{key}" if prefix else key


def _flaw(key: str) -> str:
    parts = key.split("/")
    if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        return f"is longer than {MAX_KEY_BYTES} bytes"
    if _FORBIDDEN.search(key):
        return "has a backslash or a control character"
    if "://" in key:
        return "is a URL, not a path relative to the manifest"
    if key.startswith("/") or key[1:2] == ":":
        return "is an absolute path; use a relative one"
    return "is empty or has an empty, '.' or '..' component" if _BAD & set(parts) else ""
