"""The endpoint: real HTTP, the real client, and every way in which a server lets one down."""

import base64
import json
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.annotation.endpoint.annotator import PartAnswer, PromptAnswer
from any2caption.annotation.endpoint.opening import PREFIX, open_endpoint
from any2caption.endpoints.pictures import encode
from any2caption.endpoints.question import Ask
from any2caption.endpoints.rate_limit import Pace
from any2caption.endpoints.usage import Meter, Prices, Usage
from any2caption.errors import ConfigError, InputError, UnavailableError
from any2caption.settings import Annotate
from any2caption.storage.memory import MemoryStore

from .api_server import INPUT_TOKENS, OUTPUT_TOKENS

PICTURE = encode(np.zeros((20, 30, 3), dtype=np.uint8))


@pytest.fixture
def store():
    return MemoryStore("annotation")


@pytest.fixture
def endpoint(annotate_settings, store):
    one = open_endpoint(annotate_settings, store)
    yield one
    one.close()


def question(user="Describe it.", **changes):
    return Ask("You describe.", user, PartAnswer, (PICTURE,), **changes)


def test_the_request_has_schema_pictures_as_data_urls_and_no_randomness(endpoint, chat):
    answer, usage = endpoint.ask(question())
    assert answer.text == "Answer to other."
    assert usage == Usage(requests=1, input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)
    (body,) = chat.requests
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny-vl", 0, 800)
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["required"] == ["text"]
    assert schema["schema"]["additionalProperties"] is False
    url = body["messages"][1]["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) == PICTURE


@pytest.mark.parametrize("mode", ["json_object", "prompt"])
def test_an_endpoint_without_json_schema_is_told_the_schema_in_words(
    annotate_settings, store, chat, mode
):
    one = open_endpoint(annotate_settings.model_copy(update={"structured": mode}), store)
    chat.script.append(("text", '```json\n{"text": "in a fence"}\n```'))
    assert one.ask(question())[0].text == "in a fence"
    assert "JSON Schema" in chat.requests[0]["messages"][1]["content"][-1]["text"]
    wanted = {"type": "json_object"} if mode == "json_object" else None
    assert chat.requests[0].get("response_format") == wanted


def test_the_same_question_is_paid_for_once(endpoint, chat, annotate_settings, store):
    first, usage = endpoint.ask(question())
    again, known = endpoint.ask(question())
    later = open_endpoint(annotate_settings, store)
    third, _ = later.ask(question())
    assert first == again == third
    assert usage == known
    assert len(chat.requests) == 1
    assert endpoint.meter.total == usage + Usage(cached=1)
    assert later.meter.total == Usage(cached=1)


@pytest.mark.parametrize(
    "other",
    [
        question("Something else."),
        question(max_tokens=10),
        Ask("You describe.", "Describe it.", PartAnswer, (PICTURE + b"x",)),
        Ask("You describe.", "Describe it.", PromptAnswer, (PICTURE,)),
        Ask("You describe.", "Describe it.", PartAnswer, (PICTURE,), context={"kinds": ["pose"]}),
    ],
)
def test_another_question_has_another_digest(other):
    assert question().digest("u", "m") != other.digest("u", "m")
    assert question().digest("u", "m") != question().digest("u", "m2")
    assert question().digest("u", "m") == question().digest("u", "m")


def test_a_damaged_cache_entry_counts_as_none(endpoint, chat, store):
    endpoint.ask(question())
    (entry,) = store.list(PREFIX)
    for damage in (b"", b"{", b"[]", b'{"schema": "other"}', json.dumps({"text": 1}).encode()):
        store.put(entry.key, damage)
        assert endpoint.ask(question())[0].text == "Answer to other."
    document = json.loads(store.get(entry.key))
    store.put(entry.key, json.dumps({**document, "text": '{"wrong": 1}'}).encode())
    assert endpoint.ask(question())[0].text == "Answer to other."
    assert len(chat.requests) == 7


def test_retry_after_is_honoured_and_retries_are_counted(endpoint, chat):
    chat.script.extend([("status", 429, {"Retry-After": "0.4"}), ("status", 500, {})])
    _, usage = endpoint.ask(question())
    assert usage.retries == 2
    assert chat.times[1] - chat.times[0] >= 0.4
    assert len(chat.requests) == 3


@pytest.mark.parametrize("step", [("status", 429, {"Retry-After": "0.01"}), ("status", 503, {})])
def test_an_endpoint_that_stays_busy_is_worth_another_try_later(endpoint, chat, step):
    chat.script.extend([step] * 3)
    with pytest.raises(UnavailableError, match=f"HTTP {step[1]} to every try"):
        endpoint.ask(question())
    assert len(chat.requests) == 3


def test_a_slow_answer_is_given_up_and_asked_again(annotate_settings, store, chat):
    one = open_endpoint(annotate_settings.model_copy(update={"timeout": 0.3}), store)
    chat.script.append(("sleep", 1.0))
    answer, usage = one.ask(question())
    assert answer.text
    assert usage.retries == 1
    chat.script.extend([("sleep", 1.0)] * 3)
    with pytest.raises(UnavailableError, match="does not answer"):
        one.ask(question("Slow."))


def test_a_server_that_sends_byte_by_byte_is_given_up_all_the_same(annotate_settings, store, chat):
    hasty = annotate_settings.model_copy(update={"timeout": 0.5, "retries": 0})
    chat.script.append(("drip", 1, 0.05))  # it would take half a minute
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"does not answer: no answer within 0\.5 s"):
        open_endpoint(hasty, store).ask(question())
    assert time.monotonic() - began < 3
    assert chat.left.wait(5), "the connection is closed, so that the server can stop"


def test_an_answer_without_an_end_is_cut_off(endpoint, chat):
    chat.script.append(("endless",))
    with pytest.raises(UnavailableError, match="answered more than 4 MB"):
        endpoint.ask(question())


def test_a_redirect_is_followed_by_nobody(endpoint, chat):
    chat.script.append(("redirect", f"{chat.url}/chat/completions"))
    with pytest.raises(ConfigError, match=r"redirect \(HTTP 307\), and nothing is sent elsewhere"):
        endpoint.ask(question())
    assert len(chat.requests) == 1


def test_a_broken_connection_is_tried_again(endpoint, chat):
    chat.script.append(("drop",))
    assert endpoint.ask(question())[1].retries == 1


def test_a_server_that_is_not_there_is_unavailable(annotate_settings, store):
    gone = annotate_settings.model_copy(update={"base_url": "http://127.0.0.1:9/v1", "retries": 0})
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9"):
        open_endpoint(gone, store).ask(question())


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (("text", "no json at all"), "JSON"),
        (("text", '{"text": ""}'), "at least 1 character"),
        (("text", '{"text": "a", "more": 1}'), "more: Extra inputs"),
        (("text", '{"other": "a"}'), "text: Field required"),
        (("text", "[1, 2]"), "object"),
        (("finish", "length"), "cut off"),
        (("finish", "content_filter"), "content filter"),
        (("refusal", "I cannot"), "refused: I cannot"),
    ],
)
def test_an_invalid_answer_is_shown_to_the_model_and_asked_again(endpoint, chat, step, reason):
    chat.script.append(step)
    answer, usage = endpoint.ask(question())
    assert answer.text == "Answer to other."
    assert (usage.requests, usage.invalid) == (2, 1)
    assert usage.input_tokens == 2 * INPUT_TOKENS  # the invalid answer was paid for, too
    assert reason in chat.requests[1]["messages"][-1]["content"]


def test_an_answer_that_stays_invalid_fails_the_record_and_is_not_cached(endpoint, chat, store):
    chat.script.extend([("text", "nonsense")] * 3)
    with pytest.raises(InputError, match="no valid answer in 3 tries"):
        endpoint.ask(question())
    assert endpoint.meter.total.invalid == 3
    assert list(store.list(PREFIX)) == []


@pytest.mark.parametrize("raw", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{}]}'])
def test_a_server_that_speaks_something_else_is_named(endpoint, chat, raw):
    chat.script.append(("raw", raw))
    with pytest.raises(UnavailableError, match="no chat completion"):
        endpoint.ask(question())


def test_a_key_or_model_that_is_refused_is_the_users_to_mend(annotate_settings, store, chat):
    wrong = Annotate(base_url=chat.url, api_key="other", model="m", retries=2)
    with pytest.raises(ConfigError, match=r"401.*A2C_ANNOTATE_API_KEY"):
        open_endpoint(wrong, store).ask(question())
    chat.script.extend([("status", 400, {})] * 2)  # also without a schema
    with pytest.raises(ConfigError, match="A2C_ANNOTATE_STRUCTURED"):
        open_endpoint(annotate_settings, store).ask(question())
    assert len(chat.requests) == 3  # neither was tried again


def test_a_server_that_refuses_a_json_schema_is_asked_in_words_from_then_on(endpoint, chat):
    chat.script.append(("status", 400, {}))
    assert endpoint.ask(question())[0].text == "Answer to other."
    endpoint.ask(question("Another."))
    assert ["response_format" in body for body in chat.requests] == [True, False, False]
    assert "JSON Schema" in chat.requests[2]["messages"][1]["content"][-1]["text"]


@pytest.mark.parametrize("code", [400, 401, 503])
def test_a_server_that_repeats_the_key_does_not_bring_it_into_a_log(chat, store, code):
    key = "sk-of-this-test"
    wrong = Annotate(base_url=f"{chat.url}?token=geheim7", api_key=key, model="m", retries=0)
    chat.script.extend([("repeat the key", code)] * 2)
    with pytest.raises((ConfigError, UnavailableError), match=r"Bearer \*\*\* is not") as caught:
        open_endpoint(wrong, store).ask(question())
    logged = "".join(traceback.format_exception(caught.value))
    assert key not in logged
    assert "geheim7" not in logged


def test_the_key_is_in_no_message_no_cache_and_no_repr(endpoint, store, annotate_settings, chat):
    endpoint.ask(question())
    kept = b"".join(store.get(info.key) for info in store.list())
    assert b"sk-local" not in kept
    assert "sk-local" not in repr(annotate_settings)
    assert "sk-local" not in repr(endpoint)


def test_an_answer_without_a_token_count_is_counted_as_such(endpoint, chat):
    chat.script.append(("no usage",))
    assert endpoint.ask(question())[1] == Usage(requests=1, unreported=1)


def test_missing_settings_are_named(store):
    with pytest.raises(ConfigError, match=r"A2C_ANNOTATE_BASE_URL.*A2C_ANNOTATE_MODEL"):
        open_endpoint(Annotate(base_url="", model=""), store)


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("A2C_ANNOTATE_BASE_URL", "http://x/v1")
    monkeypatch.setenv("A2C_ANNOTATE_API_KEY", "secret")
    found = Annotate()
    assert found.base_url == "http://x/v1"
    assert found.api_key.get_secret_value() == "secret"
    assert "secret" not in found.model_dump_json()


def test_requests_are_spread_over_the_minute(annotate_settings, store, chat):
    paced = annotate_settings.model_copy(update={"requests_per_minute": 600})
    one = open_endpoint(paced, store)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: one.ask(question(f"Number {n}.")), range(5)))
    gaps = np.diff(sorted(chat.times))
    assert sum(gaps) >= 0.3  # 4 gaps of 0.1 s, as the server sees them
    assert one.meter.total.requests == 5


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 5000), min_size=2, max_size=20),
    st.integers(1, 600),
    st.integers(100, 100_000),
)
def test_no_window_of_a_minute_holds_more_than_the_limits(tokens, requests, limit):
    now = [0.0]
    pace = Pace(
        requests, limit, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s)
    )
    starts = []
    for count in tokens:
        pace.wait(count)
        starts.append(now[0])
    for first, start in enumerate(starts):
        inside = [n for n, at in enumerate(starts) if n >= first and at < start + 60 - 1e-6]
        assert len(inside) <= requests + 1
        assert sum(tokens[n] for n in inside[:-1]) <= limit * (1 + 1e-6)


def test_without_limits_nobody_waits():
    began = time.monotonic()
    assert Pace().wait(10**9) == 0
    assert time.monotonic() - began < 0.1


def test_costs_add_up_and_an_unknown_price_is_no_zero():
    usage = Usage(requests=1, input_tokens=1_000_000, output_tokens=100_000)
    assert Prices(2, 10).cost(usage + usage) == 6.0
    assert Prices().cost(usage) is None
    assert Prices(2, 10).bill(usage)["cost"] == 3.0
    meter = Meter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: meter.add(Usage(requests=1)), range(500)))
    assert meter.total.requests == 500


SAID = '{"text": "A square rests on two halves."}'


@pytest.mark.parametrize(
    "content",
    [
        SAID,
        f"```json\n{SAID}\n```",
        f'<think>\nPerhaps {{"text": "a draft"}}.\n</think>\n\n{SAID}',
        f"So I look at the picture.\n</think>\n\n{SAID}",
        f"<reasoning>{{</reasoning>{SAID}",
        f"<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>{SAID}",
        f"This is it:\n\n```json\n{SAID}\n```\nTell me if it should be longer.",
        f"{SAID}\n\n{SAID}",
        f'First {{"text": "a draft"}}, then {SAID}',
        f'{SAID} and {{"another": "object"}}',
        f"[{SAID}]",
        f"<think>The answer is {SAID}</think>",
        [{"type": "text", "text": SAID}],
        [{"type": "reasoning", "text": '{"text": "a draft"}'}, {"type": "text", "text": SAID}],
        [{"type": "text", "text": SAID[:9]}, {"type": "text", "text": SAID[9:]}],
    ],
)
def test_an_answer_is_found_whatever_stands_around_it(endpoint, chat, content):
    chat.script.append(("text", content))
    assert endpoint.ask(question())[0].text == "A square rests on two halves."
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the answer is empty"),
        (None, "the answer is empty"),
        (7, "the answer is int, not text"),
        ({"text": "no parts"}, "the answer is dict, not text"),
        ([], "no part of text"),
        ([None, 3, {"type": "image_url"}], "no part of text"),
        ("{" * 5000, "answer: Invalid JSON"),
        ("I can't.", "answer: Invalid JSON"),
        ('{"caption": "x"}', "text: Field required"),
    ],
)
def test_without_an_answer_the_model_is_asked_again_and_told_why(endpoint, chat, content, reason):
    chat.script.extend([("text", content)] * 3)
    with pytest.raises(InputError, match=reason) as caught:
        endpoint.ask(question())
    assert "\n" not in str(caught.value)
    assert len(chat.requests) == 3
    assert reason in chat.requests[1]["messages"][-1]["content"]
