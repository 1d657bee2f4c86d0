"""`a2c play`: what it refuses, and who answers."""

import sys

import pytest

from any2caption.cli import play
from any2caption.errors import ConfigError
from any2caption.playground.asking import Here
from any2caption.playground.compare import FILE
from any2caption.playground.request import Request
from any2caption.playground.server import serve
from any2caption.settings import Settings

NOBODY = "127.0.0.1:9"


def test_contradicting_options_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="--local asks no server"):
        play.play(address=NOBODY, local=True, home=tmp_path)
    with pytest.raises(ConfigError, match="--bundle goes with --local"):
        play.play(bundle=tmp_path, home=tmp_path)


def test_a_server_that_was_named_must_answer_and_else_this_process_does(capsys):
    with pytest.raises(ConfigError, match=f"--address {NOBODY}: no server answers there"):
        play._answerer(NOBODY, local=False, bundle=None, named=NOBODY)
    with play._answerer(NOBODY, local=False, bundle=None, named="") as answerer:
        assert isinstance(answerer, Here)
        assert answerer.writers == ("compose",)
        with pytest.raises(ConfigError, match="it needs --bundle"):
            answerer.ask(Request("a dog", choices={"writer": "model"}))
    assert f"no server answers at {NOBODY}" in capsys.readouterr().err


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "any2caption.playground.mounted", raising=False)
    options = {"host": "127.0.0.1", "port": 0, "token": "", "shelf": [], "keep": str}
    with pytest.raises(ConfigError, match=r"needs the extra play \(pip install '.\[play\]'\)"):
        serve([], ready=print, **options)


def test_verdicts_go_into_the_catalogue_of_the_stack_that_answers(tmp_path):
    settings = Settings(home=tmp_path, catalogue_url=f"sqlite:///{tmp_path / 'catalogue.db'}")
    told = {"request": "d" * 64, "verdict": "left", "why": "", "blind": True, "text": ""}
    side = {"writer": "compose", "release": 0, "where": "here"}
    told |= {"kinds": [], "left": side, "right": side}
    assert play._keeper(settings, stack_answers=True)(told) == "the catalogue, number 1"
    assert play._keeper(settings, stack_answers=False)(told) == str(tmp_path / FILE)
