"""One question to an endpoint, as plain data: what is asked, what is shown, what must come back."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from any2caption.storage import digest_of

Answer = TypeVar("Answer", bound=BaseModel)

PICTURE_TOKENS = 370
"""Upper bound at one token per 28×28 pixels (Qwen2-VL): a 512×512 picture or a 1024×256 strip."""
_CHARACTERS_PER_TOKEN = 4
_PNG = b"\x89PNG"


@dataclass(frozen=True, slots=True)
class Ask(Generic[Answer]):
    """A question whose answer is a JSON object of the schema `answer`.

    `pictures` are encoded PNG or JPEG files, each behind its name in `names` if there are any;
    `context` is what the schema's checks need to know.
    """

    system: str
    user: str
    answer: type[Answer]
    pictures: tuple[bytes, ...] = ()
    max_tokens: int = 800
    context: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def digest(self, endpoint: str, model: str) -> str:
        """Name the question by everything that can change its answer."""
        content = {
            "endpoint": endpoint,
            "model": model,
            "system": self.system,
            "user": self.user,
            "schema": self.schema(),
            "pictures": [digest_of(picture) for picture in self.pictures],
            **({"names": list(self.names)} if self.names else {}),
            "max_tokens": self.max_tokens,
            "context": {key: self.context[key] for key in sorted(self.context)},
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=sorted)
        return digest_of(text.encode())

    def schema(self) -> dict[str, Any]:
        """Return the answer's JSON Schema."""
        return self.answer.model_json_schema()

    def messages(self, *, with_schema: bool) -> list[dict[str, Any]]:
        """Return the chat messages: pictures as data URLs, in order, before the text.

        The schema in words, where it is wanted, comes last.
        """
        user = self.user
        if with_schema:
            user += (
                "\nAnswer with one JSON object and nothing else. It follows this JSON Schema: "
                + json.dumps(self.schema())
            )
        content: list[dict[str, Any]] = []
        for name, picture in zip_longest(self.names, self.pictures):
            if name:
                content.append({"type": "text", "text": name})
            content.append({"type": "image_url", "image_url": {"url": data_url(picture)}})
        content.append({"type": "text", "text": user})
        return [{"role": "system", "content": self.system}, {"role": "user", "content": content}]

    def estimate(self) -> int:
        """Return about how many tokens the question has, without those of its answer."""
        characters = len(self.system) + len(self.user) + len(json.dumps(self.schema()))
        return characters // _CHARACTERS_PER_TOKEN + PICTURE_TOKENS * len(self.pictures)


def data_url(picture: bytes) -> str:
    """Return an encoded PNG or JPEG as a data URL."""
    kind = "png" if picture.startswith(_PNG) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
