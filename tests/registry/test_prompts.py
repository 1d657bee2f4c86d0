"""IRScore's prompts in MLflow's prompt registry: real server."""

import pytest

from any2caption.evaluation.figures import irscore
from any2caption.registry import prompts
from any2caption.registry.client import mlflow_client

pytestmark = pytest.mark.server


def test_a_text_is_registered_once_and_another_one_is_the_next_version(settings, monkeypatch):
    first = prompts.publish(settings)
    assert first == {one.name: 1 for one in irscore.PROMPTS}
    assert prompts.publish(settings) == first
    before = irscore.registered_as(irscore.GRADE)
    with mlflow_client(settings) as client:
        kept = client.load_prompt(before)
    assert kept.template == irscore.GRADE.messages()
    assert kept.tags["a2c.prompt_version"] == str(irscore.VERSION)
    other = (irscore.ANSWER, irscore.Prompt(irscore.GRADE.name, "You grade.", "Grade."))
    for one in (irscore, prompts):
        monkeypatch.setattr(one, "PROMPTS", other)
    assert prompts.publish(settings) == {one.name: 2 for one in other}
    with mlflow_client(settings) as client:
        assert client.load_prompt(irscore.registered_as(other[1])).template == other[1].messages()
        assert client.load_prompt(before, cache_ttl_seconds=0).version == 1
