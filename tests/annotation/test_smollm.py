"""The client of endpoints and the annotator's questions against a real language model."""

import sys
from pathlib import Path

import pytest

from any2caption.annotation.endpoint.annotator import PartAnswer
from any2caption.annotation.endpoint.opening import open_endpoint
from any2caption.endpoints.question import Ask
from any2caption.settings import Annotate
from any2caption.storage.memory import MemoryStore

sys.path.insert(0, str(Path(__file__).parents[1]))

from chat_server import MODEL, ChatModel, chat_server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def model(smol_weights):
    return ChatModel(smol_weights)


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
