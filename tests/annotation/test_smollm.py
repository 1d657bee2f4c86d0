"""A real language model behind the endpoint: of annotators, and of the writer `endpoint`."""

from contextlib import closing

import pytest

from any2caption.annotation.endpoint.annotator import PartAnswer
from any2caption.annotation.endpoint.opening import open_endpoint
from any2caption.captions.schema import PARTS
from any2caption.endpoints.question import Ask
from any2caption.grounding.endpoint import EndpointWriter
from any2caption.grounding.gather import gather
from any2caption.grounding.options import Options
from any2caption.grounding.words.content import missing_words
from any2caption.grounding.writers import answer
from any2caption.settings import Annotate, Writer
from any2caption.storage.memory import MemoryStore
from chat_server import MODEL, ChatModel, chat_server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def model(smol_weights):
    return ChatModel(smol_weights)


@pytest.mark.slow
def test_a_real_model_answers_a_question_under_its_schema(model):
    with chat_server(model) as url:
        settings = Annotate(base_url=url, model=MODEL)
        endpoint = open_endpoint(settings, MemoryStore("annotation"))
        try:
            question = Ask("You describe clips.", "A dog runs on a beach.", PartAnswer)
            answer, usage = endpoint.ask(question)
        finally:
            endpoint.close()
    assert answer.text.strip()
    assert usage.requests == 1
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    (body,) = model.asked
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["text"]


@pytest.mark.slow
def test_what_a_real_model_writes_of_a_request_is_held_to_its_facts(model):
    facts = gather("An old fisherman mends his nets, static camera.", [])
    model.asked.clear()
    with chat_server(model) as url:
        settings = Writer(base_url=url, model=MODEL, timeout=240, seconds=300)
        with closing(EndpointWriter(settings)) as writer:
            draft = writer.draft(facts)
    assert model.asked[0]["response_format"]["json_schema"]["schema"]["required"] == list(PARTS)
    assert draft.told["model"] == MODEL
    written = answer(facts, Options(writer="endpoint"), draft)
    assert written.writer == ("compose" if draft.fault else "endpoint")
    assert not missing_words(facts.text, " ".join(written.caption.model_dump().values()))
