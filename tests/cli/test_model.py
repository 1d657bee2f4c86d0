"""`a2c promote` and `a2c rollback`: what was not rolled out is never told as done."""

import os
import pwd
from contextlib import closing
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from any2caption.cli import model
from any2caption.cli.main import app
from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import UnavailableError
from any2caption.registry import commands
from any2caption.stack import environment

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


def test_a_promotion_killed_before_its_release_is_ended_when_it_is_sent_again(
    monkeypatch, tmp_path
):
    with closing(Catalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")) as ledger:
        ledger.migrate()
        ledger.promote("any2caption", 2, None, "ann", "first")  # and then nothing
        published = []
        monkeypatch.setattr(commands, "run_promote", lambda *_, **__: STAYS)
        monkeypatch.setattr(
            model, "airflow", lambda _: Mock(publish=lambda *p: published.append(p))
        )
        promote = ["promote", "2", "--approver", "ann", "--home", str(tmp_path)]
        monkeypatch.setenv("A2C_CATALOGUE_URL", f"sqlite:///{tmp_path / 'catalogue.db'}")
        assert CliRunner().invoke(app, promote).exit_code == 0
        assert published == [("champion", {"version": 2})]
        release = ledger.record_release("any2caption", 2, digest="d" * 64).number
        target = environment.load_settings(tmp_path).triton_url
        ledger.record_deployment(release, target=target, status="live")
        assert CliRunner().invoke(app, promote).exit_code == 0
        assert len(published) == 1  # it answers: nothing is left to do


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
