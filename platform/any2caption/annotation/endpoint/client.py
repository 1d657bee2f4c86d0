"""Any OpenAI-compatible endpoint: paced, retried, cached, counted, and held to a JSON Schema.

Broken connections, 429 and 5xx are tried again by the `openai` client, which honours Retry-After.
The answer's JSON is looked for behind reasoning and between sentences (`answers`); one that is no
JSON, breaks the schema or was cut off is shown to the model with the reason and asked again, twice
at most. Valid answers are cached, so the same question is paid for once.
"""

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from any2caption.annotation.accounting import Meter, Prices, Usage
from any2caption.annotation.endpoint.answers import candidates, text_of
from any2caption.annotation.endpoint.question import Answer, Ask
from any2caption.annotation.endpoint.rate_limit import Pace
from any2caption.annotation.endpoint.responses import ResponseCache
from any2caption.errors import ConfigError, InputError, UnavailableError
from any2caption.settings import Annotate
from any2caption.storage import ObjectStore

TRIES = 3
_TOLD = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request."""

    text: str
    usage: Usage
    model: str
    fault: str = ""


@dataclass
class Endpoint:
    """Asks one model; safe to use from several threads. `meter` counts what this process spent."""

    settings: Annotate
    cache: ResponseCache
    pace: Pace
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        from openai import OpenAI

        # A key is given whatever OPENAI_API_KEY says: keys are never sent where they don't belong.
        self._client = OpenAI(
            base_url=self.settings.base_url,
            api_key=self.settings.api_key.get_secret_value() or "none",
            timeout=self.settings.timeout,
            max_retries=self.settings.retries,
        )

    @property
    def prices(self) -> Prices:
        """What tokens cost here."""
        return Prices(self.settings.input_price, self.settings.output_price)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, ask: Ask[Answer]) -> tuple[Answer, Usage]:
        """Return the model's answer and what it cost (when it was given, if it was cached).

        Raises:
            InputError: no valid answer came; says what was wrong with the last one.
            ConfigError: the endpoint refuses key, model or request; trying again cannot help.
            UnavailableError: the endpoint did not answer for long enough.
        """
        digest = ask.digest(self.settings.base_url, self.settings.model)
        known = self._known(ask, digest)
        if known is not None:
            return known
        messages = ask.messages(with_schema=self.settings.structured != "json_schema")
        spent, reason = Usage(), ""
        for _ in range(TRIES):
            self.pace.wait(ask.estimate() + ask.max_tokens)
            reply = self._request(ask, messages)
            answer, reason = _validate(ask, reply)
            usage = reply.usage if answer else reply.usage + Usage(invalid=1)
            spent += usage
            self.meter.add(usage)
            if answer is not None:
                self.cache.put(digest, reply.text, spent, reply.model)
                return answer, spent
            messages = [
                *messages[:2],
                {"role": "assistant", "content": reply.text or "(nothing)"},
                {"role": "user", "content": f"That answer is not valid: {reason}. Answer again."},
            ]
        raise InputError(f"no valid answer in {TRIES} tries: {reason}", field=ask.answer.__name__)

    def _known(self, ask: Ask[Answer], digest: str) -> tuple[Answer, Usage] | None:
        cached = self.cache.get(digest)
        if cached is None:
            return None
        answer, _ = _validate(ask, Reply(cached[0], cached[1], ""))
        if answer is None:
            return None
        self.meter.add(Usage(cached=1))
        return answer, cached[1]

    def _request(self, ask: Ask[Answer], messages: list[dict[str, Any]]) -> Reply:
        import openai

        options: dict[str, Any] = {}
        if self.settings.structured == "json_schema":
            schema = {"name": ask.answer.__name__, "schema": ask.schema(), "strict": True}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.settings.structured == "json_object":
            options["response_format"] = {"type": "json_object"}
        address = self.settings.base_url.partition("?")[0]  # a key may stand behind it
        where = f"{address} (model {self.settings.model})"
        try:
            raw = self._client.chat.completions.with_raw_response.create(
                model=self.settings.model,
                messages=messages,  # type: ignore[arg-type]  # built by `Ask.messages`
                temperature=0,
                max_tokens=ask.max_tokens,
                **options,
            )
            completion = raw.parse()
        # Not `from error`: what a server says may repeat the key, and a log shows the whole chain.
        except openai.APIConnectionError as error:  # also a time-out
            raise UnavailableError(f"{where} does not answer: {self._told(error)}") from None
        except openai.APIStatusError as error:
            raise _status_error(int(error.status_code), self._told(error), where) from None
        except (openai.OpenAIError, ValueError) as error:
            told = self._told(error)
            raise UnavailableError(f"{where} gave no chat completion: {told}") from None
        return _reply(completion, raw.retries_taken, where)

    def _told(self, error: Exception) -> str:
        """Return the beginning of an error on one line, without the key."""
        said = " ".join(str(error).split())
        key = self.settings.api_key.get_secret_value()
        return (said.replace(key, "***") if key else said)[:_TOLD]


def open_endpoint(settings: Annotate, store: ObjectStore) -> Endpoint:
    """Open the endpoint that the settings name; nothing is contacted yet.

    Raises:
        ConfigError: base URL or model are not set, or `openai` is not installed here.
    """
    if not settings.base_url.startswith(("http://", "https://")) or not settings.model:
        raise ConfigError(
            "an endpoint needs A2C_ANNOTATE_BASE_URL (http://… or https://…) and "
            "A2C_ANNOTATE_MODEL; without one use the annotator `rules`"
        )
    pace = Pace(settings.requests_per_minute, settings.tokens_per_minute)
    try:
        return Endpoint(settings, ResponseCache(store), pace)
    except ImportError as error:
        raise ConfigError("the annotator `endpoint` needs the package openai") from error


def _validate(ask: Ask[Answer], reply: Reply) -> tuple[Answer | None, str]:
    if reply.fault:
        return None, reply.fault
    reason = ""
    for text in candidates(reply.text):
        try:
            return ask.answer.model_validate_json(text, context=dict(ask.context)), ""
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            told = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'answer'}: {item['msg']}" for item in found
            )
            reason = reason or told[:_TOLD]
    return None, reason


def _reply(completion: Any, retries: int, where: str) -> Reply:
    choices = getattr(completion, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise UnavailableError(f"{where} gave no chat completion: it has no choices")
    choice, told = choices[0], getattr(completion, "usage", None)
    usage = Usage(
        requests=1,
        retries=retries,
        input_tokens=_count(told, "prompt_tokens"),
        output_tokens=_count(told, "completion_tokens"),
        unreported=0 if told else 1,
    )
    text, fault = text_of(choice.message.content)
    if getattr(choice.message, "refusal", None):
        fault = f"the model refused: {str(choice.message.refusal)[:_TOLD]}"
    elif choice.finish_reason == "length":
        fault = "the answer was cut off; be shorter"
    elif choice.finish_reason == "content_filter":
        fault = "the endpoint's content filter held the answer back"
    return Reply(text, usage, str(completion.model or ""), fault)


def _count(told: Any, name: str) -> int:
    """Tokens as the endpoint tells them; 0 where it tells something else."""
    value = getattr(told, name, None)
    return value if isinstance(value, int) else 0


def _status_error(code: int, told: str, where: str) -> ConfigError | UnavailableError:
    if code == 429 or code >= 500 or code in {408, 409}:  # noqa: PLR2004 - HTTP's own numbers
        return UnavailableError(f"{where} answered HTTP {code} to every try: {told}")
    hints = {
        401: "check A2C_ANNOTATE_API_KEY",
        403: "the key may not use this model",
        404: "check A2C_ANNOTATE_BASE_URL and A2C_ANNOTATE_MODEL",
    }
    hint = hints.get(code, "if it knows no JSON Schema, set A2C_ANNOTATE_STRUCTURED=json_object")
    return ConfigError(f"{where} refused the request with HTTP {code}: {told}; {hint}")
