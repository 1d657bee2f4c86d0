"""Know a source that has not changed since its last ingest, from its listing alone.

What an ingest gives depends on the source's files (path, size, etag), the options, the deletions,
the parsers and this package's version. Their digest names the run; under it lie the run's result
and the digests of its media. While all those media are in the store, the result holds.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from any2caption import __version__
from any2caption.datasets.digest_set import Digests
from any2caption.datasets.ingest.engine import IngestOptions
from any2caption.datasets.ingest.probe import parser_version
from any2caption.datasets.snapshots import withdrawal
from any2caption.errors import NotFoundError
from any2caption.storage import ObjectStore
from any2caption.storage.content import MEDIA_PREFIX

PREFIX = "cache/runs/"
_FORM = 1


def run_key(source: ObjectStore, prefix: str, options: IngestOptions, threshold: float) -> str:
    """Return the digest of all that an ingest depends on; lists the source once."""
    options_text = json.dumps(
        [
            *(_FORM, __version__, parser_version(), threshold, source.uri, prefix),
            *(str(getattr(source, "endpoint_url", None)), asdict(options.source)),
            *(options.licences, sorted(options.removed), options.near_bits, options.strict_camera),
        ]
    )
    digest = hashlib.sha256(options_text.encode())
    start = f"{prefix.rstrip('/')}/" if prefix else ""
    for info in source.list(start):
        line = f"{info.key}\0{info.size}\0{info.etag}\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def recall(
    store: ObjectStore, key: str, still_good: Callable[[dict[str, Any]], bool]
) -> dict[str, Any] | None:
    """Return the result of the run `key` if all that it left is still there."""
    try:
        result = dict(json.loads(store.get(f"{PREFIX}{key}.json")))
        media = store.get(f"{PREFIX}{key}.media")
    except (NotFoundError, ValueError):
        return None
    identity = str(result.get("snapshot", ""))
    if not store.exists(f"snapshots/{identity}/snapshot.json") or withdrawal(store, identity):
        return None
    if not still_good(result):
        return None
    there = Digests.of(info.key.rpartition("/")[2] for info in store.list(MEDIA_PREFIX))
    return result if there >= Digests.from_bytes(media) else None


def remember(store: ObjectStore, key: str, result: dict[str, Any], media: Digests) -> None:
    """Keep a run's result; the media first, so that a half-written one is not found."""
    store.put(f"{PREFIX}{key}.media", media.to_bytes())
    store.put(f"{PREFIX}{key}.json", json.dumps(result).encode())
