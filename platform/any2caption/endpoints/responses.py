"""The response cache: valid answers in the object store, named by the digest of their question."""

import json
from dataclasses import dataclass
from typing import Any

from any2caption.endpoints.usage import Usage
from any2caption.errors import NotFoundError
from any2caption.storage import ObjectStore

SCHEMA = "a2c.response/1"


@dataclass(frozen=True, slots=True)
class ResponseCache:
    """Keeps each answer once under `prefix`, a key that ends in "/".

    A damaged entry counts as none and is written again.
    """

    store: ObjectStore
    prefix: str

    def get(self, digest: str) -> tuple[str, Usage] | None:
        """Return an answer's text and what it cost when it was given."""
        try:
            document: dict[str, Any] = json.loads(self.store.get(self._key(digest)))
            if document["schema"] != SCHEMA or document["question"] != digest:
                return None
            return str(document["text"]), Usage(**document["usage"])
        except NotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, digest: str, text: str, usage: Usage, model: str) -> None:
        """Keep an answer; `model` is what the endpoint says it was."""
        document = {
            "schema": SCHEMA,
            "question": digest,
            "model": model,
            "text": text,
            "usage": usage.document(),
        }
        self.store.put(self._key(digest), json.dumps(document, ensure_ascii=False).encode())

    def _key(self, digest: str) -> str:
        return f"{self.prefix}{digest[:2]}/{digest}.json"
