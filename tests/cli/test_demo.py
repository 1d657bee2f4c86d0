"""The demo answers before it trains, and ends with both answers and what the check did."""

from types import SimpleNamespace

from typer.testing import CliRunner

from any2caption.captions.schema import PARTS
from any2caption.captions.text import render
from any2caption.cli import call, demo, stack
from any2caption.cli.main import app
from any2caption.conditions.fact import Source
from any2caption.grounding.answer import Finding, Grounded, Sentence
from any2caption.serving.client import CaptionResult


def answer(writer, said):
    parts = dict.fromkeys(PARTS, (Sentence(said, (Source("text"),)),))
    findings = (Finding("camera", "contradicted", "camera 1 pans right", "It pans left.", said),)
    grounded = Grounded(parts, writer, findings if writer == "model" else ())
    return CaptionResult(grounded.caption, render(grounded.caption), grounded.as_info())


def test_the_first_answer_is_shown_before_training_and_both_at_the_end(tmp_path, monkeypatch):
    happened = []

    def asked(_settings, _examples, video=None, asked=None):
        happened.append((asked["writer"], video is not None))
        return answer(asked["writer"], f"Words of {asked['writer']}.")

    def followed(*_, **__):
        happened.append("trained")
        return SimpleNamespace(
            lifecycle="l1", seconds=1.0, trained=True, report="report.html", carried={}
        )

    def started(*_, serving):
        happened.append("serves")
        serving()
        happened.append("is up")

    monkeypatch.setattr(stack, "bring_up", started)
    monkeypatch.setattr(call, "example_request", asked)
    monkeypatch.setattr(demo, "follow", followed)
    done = CliRunner().invoke(app, ["demo", "--home", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert happened == ["serves", ("compose", False), "is up", "trained", ("model", True)]
    first, _, end = done.stdout.partition("life cycle l1")
    assert "Words of compose." in first
    assert "Words of model." not in first
    assert "Words of compose." in end
    assert "Words of model." in end
    assert "camera, contradicted: camera 1 pans right" in end
    assert "was: It pans left." in end
