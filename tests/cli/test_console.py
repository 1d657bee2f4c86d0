"""Progress for people, with and without a terminal; options and answers."""

from types import SimpleNamespace

import pytest

from any2caption.captions.schema import StructuredCaption
from any2caption.cli.call import as_json, parse_options
from any2caption.cli.terminal import console
from any2caption.errors import ConfigError


@pytest.fixture
def said(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(console, "say", lines.append)
    return lines


def line(stage: str, message: str = "", **more: object) -> dict[str, object]:
    return {"stage": stage, "message": message, **more}


def test_a_line_shows_elapsed_stage_step_loss():
    text = console.describe(line("finetune", "interpret", step=7, total=90, loss=1.25), 83.0)
    assert text == "01:23  finetune   7/90  loss 1.2500  interpret"


def test_without_a_terminal_steps_are_sparse_and_stages_are_all_there(said, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(clock)))
    with console.ProgressPrinter(terminal=False) as show:
        for step in range(20):
            show(line("finetune", step=step, total=20, loss=1.0))
        show(line("evaluate", step=1, total=2))
        show(line("evaluate", "gate passed"))
    assert 2 <= len([text for text in said if "finetune" in text]) <= 4
    assert any("evaluate" in text and "1/2" in text for text in said)
    assert said[-1].endswith("gate passed")


def test_the_time_left_is_counted_anew_for_each_count(said, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    with console.ProgressPrinter(terminal=False) as show:
        for stage, first, total in (
            ("finetune", 1, 20_000),
            ("finetune", 1, 100),
            ("evaluate", 32, 1232),
        ):
            show(line(stage, "begins"))
            for step in (first, first + 20):
                show(line(stage, step=step, total=total))
                now[0] += 20
    left = [text.split(" left")[0].split()[-1] for text in said if " left" in text]
    assert left == ["332:59", "01:19", "19:40"], "a second a step of what is left"


def test_a_retry_is_marked():
    assert "[retrying]" in console.describe(line("train", "was killed", status="retrying"), 0)


def test_options_are_typed_by_json():
    parsed = parse_options(["depth.scale=5000", "pose.layout=BODY_25", "camera.y_up=true"])
    assert parsed == {
        "depth": {"scale": 5000},
        "pose": {"layout": "BODY_25"},
        "camera": {"y_up": True},
    }


@pytest.mark.parametrize("bad", ["scale=1", "depth.scale", ".x=1", "depth.=1"])
def test_a_malformed_option_is_refused_with_an_example(bad):
    with pytest.raises(ConfigError, match=r"depth\.scale=5000"):
        parse_options([bad])


def test_the_machine_form_has_the_six_parts_and_the_servers_remarks():
    parts = dict.fromkeys(StructuredCaption.model_fields, "x")
    result = SimpleNamespace(
        caption=StructuredCaption(**parts), text="1. …", info={"release": 3, "warnings": []}
    )
    answer = as_json(result)
    assert list(answer["caption"]) == [
        "dense",
        "main_object",
        "background",
        "camera",
        "style",
        "action",
    ]
    assert answer["release"] == 3
