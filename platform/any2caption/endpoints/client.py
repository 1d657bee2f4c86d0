"""Any OpenAI-compatible endpoint: paced, retried, bounded, counted, and held to a JSON Schema.

The answer's JSON is looked for behind reasoning and between sentences (`answers`); one that is no
JSON, breaks the schema or was cut off is shown to the model with the reason and asked again, twice
at most. A server that refuses a JSON Schema is asked without one. With a cache valid answers are
kept, so the same question is paid for once.
"""

import json
import logging
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

import httpx2
from pydantic import ValidationError

from any2caption.closing import Closing
from any2caption.endpoints.answers import candidates, text_of
from any2caption.endpoints.faults import AnswerError, RefusedError, SilentError
from any2caption.endpoints.question import Answer, Ask
from any2caption.endpoints.rate_limit import Pace
from any2caption.endpoints.transport import NO_LIMITS, Limits, Posted, Transport
from any2caption.endpoints.usage import Meter, Usage
from any2caption.errors import ConfigError
from any2caption.settings import ChatServer

TRIES = 3
_TOLD = 300
_BAD_REQUEST = 400
_UNKNOWN_FORMAT = frozenset({400, 422, 501})
"""What servers answer to a `response_format` that they do not know."""
_WORDS = {"string_too_short": "empty", "empty": "empty", "language": "language", "long": "long"}

_LOG = logging.getLogger(__name__)


class Cache(Protocol):
    """Keeps valid answers by the digest of their question."""

    def get(self, digest: str) -> tuple[str, Usage] | None:
        """Return an answer's text and what it cost when it was given."""

    def put(self, digest: str, text: str, usage: Usage, model: str) -> None:
        """Keep an answer; `model` is what the endpoint says it was."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request; `fault` says what is wrong with it, `word` in one word."""

    text: str
    usage: Usage
    model: str
    fault: str = ""
    word: str = ""


@dataclass
class Endpoint(Closing):
    """Asks one model; safe to use from several threads. `meter` counts what this process spent.

    `most` is how many requests it sends in all, tries included; then it refuses over the `budget`.
    """

    settings: ChatServer
    key: str = field(repr=False)
    cache: Cache | None = None
    pace: Pace = field(default_factory=Pace)
    tries: int = TRIES
    places: int = 64
    most: float = inf
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        address = self.settings.base_url.partition("?")[0]  # a key may stand behind it
        self._where = f"{address} (model {self.settings.model})"
        self._structured: str = self.settings.structured
        try:
            base = httpx2.URL(self.settings.base_url)
        except httpx2.InvalidURL:
            told = f"{self.settings.variable('base_url')}: not an address"
            raise ConfigError(told) from None
        self._transport = Transport(
            str(base.copy_with(path=f"{base.path.rstrip('/')}/chat/completions")),
            self.key,
            where=self._where,
            timeout=self.settings.timeout,
            retries=self.settings.retries,
            places=self.places,
            most=self.most,
        )

    @property
    def sent(self) -> int:
        """Requests that were sent, answered or not."""
        return self._transport.sent

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def ask(self, ask: Ask[Answer], limits: Limits = NO_LIMITS) -> tuple[Answer, Usage]:
        """Return the model's answer and what it cost (when it was given, if it was cached).

        Raises:
            AnswerError: no valid answer came; says what was wrong with the last one.
            RefusedError: the endpoint refuses key, model or request, or the limits do; trying
                again cannot help.
            SilentError: the endpoint did not answer for long enough.
            CancelledError: the caller has left.
        """
        digest = ask.digest(self.settings.base_url, self.settings.model)
        known = self._known(ask, digest)
        if known is not None:
            return known
        spent, failed = Usage(), None
        messages: list[dict[str, Any]] = []
        for _ in range(self.tries):
            needs = ask.estimate() + ask.max_tokens
            if spent.tokens + needs > limits.tokens:
                raise failed or RefusedError(
                    "budget",
                    f"about {needs:,} tokens are needed, {limits.tokens:,.0f} are allowed",
                )
            self.pace.wait(needs)
            reply = self._request(ask, messages, limits)
            answer, failed = _validate(ask, reply)
            usage = reply.usage if answer else reply.usage + Usage(invalid=1)
            spent += usage
            self.meter.add(usage)
            if answer is not None:
                if self.cache is not None:
                    self.cache.put(digest, reply.text, spent, reply.model)
                return answer, spent
            messages = [
                {"role": "assistant", "content": reply.text or "(nothing)"},
                {
                    "role": "user",
                    "content": f"That answer is not valid: {failed.reason}. Answer again.",
                },
            ]
        assert failed is not None  # noqa: S101 - it was asked at least once
        said = f"no valid answer in {self.tries} tries: {failed.reason}"
        raise AnswerError(failed.word, said, field=ask.answer.__name__)

    def _known(self, ask: Ask[Answer], digest: str) -> tuple[Answer, Usage] | None:
        cached = None if self.cache is None else self.cache.get(digest)
        if cached is None:
            return None
        answer, _ = _validate(ask, Reply(cached[0], cached[1], ""))
        if answer is None:
            return None
        self.meter.add(Usage(cached=1))
        return answer, cached[1]

    def _request(self, ask: Ask[Answer], more: list[dict[str, Any]], limits: Limits) -> Reply:
        structured = self._structured
        posted = self._transport.post(self._body(ask, more, structured), limits)
        if posted.status in _UNKNOWN_FORMAT and structured == "json_schema":
            told = self._transport.told(_error_of(posted.body))
            again = self._transport.post(self._body(ask, more, "prompt"), limits)
            if again.status < _BAD_REQUEST:
                _LOG.warning("%s takes no JSON Schema, asked in words: %s", self._where, told)
                self._structured = "prompt"
            posted = again
        if posted.status >= _BAD_REQUEST:
            raise self._refusal(posted)
        return self._reply(posted)

    def _body(
        self, ask: Ask[Answer], more: list[dict[str, Any]], structured: str
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [*ask.messages(with_schema=structured != "json_schema"), *more],
            "temperature": 0,
            "max_tokens": ask.max_tokens,
        }
        if structured == "json_schema":
            schema = {"name": ask.answer.__name__, "schema": ask.schema(), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _refusal(self, posted: Posted) -> RefusedError:
        variable = self.settings.variable
        hints = {
            401: f"check {variable('api_key')}",
            403: "the key may not use this model",
            404: f"check {variable('base_url')} and {variable('model')}",
        }
        known = f"if it knows no JSON Schema, set {variable('structured')}=json_object"
        told = self._transport.told(_error_of(posted.body))
        said = f"{self._where} refused the request with HTTP {posted.status}: {told}"
        return RefusedError("refused", f"{said}; {hints.get(posted.status, known)}")

    def _reply(self, posted: Posted) -> Reply:
        try:
            completion = json.loads(posted.body)
            choice = completion["choices"][0]
            message = dict(choice["message"])
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            told = self._transport.told(posted.body.decode(errors="replace"))
            said = f"{self._where} gave no chat completion: {told}"
            raise SilentError("garbled", said) from None
        counted = completion.get("usage") or {}
        usage = Usage(
            requests=1,
            retries=posted.retries,
            input_tokens=_count(counted, "prompt_tokens"),
            output_tokens=_count(counted, "completion_tokens"),
            unreported=0 if counted else 1,
        )
        text, fault = text_of(message.get("content"))
        word = "empty" if fault else ""
        if refusal := message.get("refusal"):
            word, fault = "refused", f"the model refused: {str(refusal)[:_TOLD]}"
        elif choice.get("finish_reason") == "length":
            word, fault = "cut", "the answer was cut off; be shorter"
        elif choice.get("finish_reason") == "content_filter":
            word, fault = "filtered", "the endpoint's content filter held the answer back"
        return Reply(text, usage, str(completion.get("model") or ""), fault, word)


def _validate(ask: Ask[Answer], reply: Reply) -> tuple[Answer | None, AnswerError]:
    """Return the answer, or None and what is wrong with what came."""
    name = ask.answer.__name__
    if reply.fault:
        return None, AnswerError(reply.word, reply.fault, field=name)
    failed = None
    for text in candidates(reply.text):
        try:
            return ask.answer.model_validate_json(text, context=dict(ask.context)), _FINE
        except ValidationError as error:
            failed = failed or AnswerError(*_what(error, text), field=name)
    return None, failed or AnswerError("prose", "the answer is no JSON", field=name)


_FINE = AnswerError("", "", field="")


def _what(error: ValidationError, text: str) -> tuple[str, str]:
    """Return what is wrong with an answer, in one word and in a line."""
    found = error.errors(include_url=False, include_input=False)
    told = "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'answer'}: {item['msg']}" for item in found
    )
    kind = found[0]["type"]
    if kind == "json_invalid":
        return ("half" if "{" in text else "prose"), told[:_TOLD]
    return _WORDS.get(kind, "schema"), told[:_TOLD]


def _error_of(body: bytes) -> str:
    """Return the message in a server's error document, else the whole of it."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return body.decode(errors="replace")


def _count(told: Any, name: str) -> int:
    """Tokens as the endpoint tells them; 0 where it tells something else."""
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, int) else 0
