"""`a2c promote` and `a2c rollback`: what was not rolled out is never told as done."""

import os
import pwd

import pytest
from typer.testing import CliRunner

from any2caption.cli import model
from any2caption.cli.main import app
from any2caption.errors import UnavailableError
from any2caption.registry import commands

DONE = {"model": "any2caption", "version": 2, "previous": 1, "changed": True}
STAYS = {**DONE, "changed": False}


@pytest.mark.parametrize(
    ("command", "function"),
    [(["promote", "2"], "run_promote"), (["rollback", "--reason", "worse"], "run_rollback")],
)
def test_a_champion_that_nobody_rolls_out_is_an_error(monkeypatch, tmp_path, command, function):
    monkeypatch.setattr(commands, function, lambda *_, **__: DONE)

    def down(_):
        raise UnavailableError("Airflow does not answer")

    monkeypatch.setattr(model, "airflow", down)
    arguments = [*command, "--approver", "ann", "--home", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UnavailableError)
    assert "trigger the DAG release with version 2" in str(result.exception)


@pytest.mark.parametrize(
    ("command", "function"),
    [(["promote", "2"], "run_promote"), (["rollback", "--reason", "worse"], "run_rollback")],
)
def test_who_decides_is_known_where_the_environment_does_not_say(
    monkeypatch, tmp_path, command, function
):
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    asked = {}
    monkeypatch.setattr(commands, function, lambda *_, **given: asked.update(given) or STAYS)
    result = CliRunner().invoke(app, [*command, "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert asked["approver"] == pwd.getpwuid(os.getuid()).pw_name
