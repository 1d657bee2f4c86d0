"""The command line: light, explains itself, one line per error, JSON alone on standard output."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from any2caption.cli.main import app

A2C = Path(sys.executable).parent / "a2c"
DECIDES = {
    *("up", "down", "train", "lifecycle run", "annotate run"),
    *("approve", "promote", "rollback", "registry reconcile", "registry subscribe"),
    *("data ingest", "data remove"),
}
"""Commands that change what others see, or work for long: what they would do can be asked first."""


def leaves(command, words=()):
    """Every command of the tree that does something, with the words that name it."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(words), command
    for name, one in (below or {}).items():
        yield from leaves(one, (*words, name))


LEAVES = dict(leaves(get_command(app)))


def a2c(
    home: Path, *arguments: str, seconds: float = 60, **extra: str
) -> subprocess.CompletedProcess[str]:
    hidden = ("A2C_", "AWS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    return subprocess.run(
        [str(A2C), *arguments],
        env={**environment, "A2C_HOME": str(home), "COLUMNS": "100", **extra},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def test_help_is_fast_and_names_every_command(tmp_path):
    began = time.perf_counter()
    done = a2c(tmp_path, "--help")
    seconds = time.perf_counter() - began
    assert done.returncode == 0
    for leaf in LEAVES:
        assert leaf.split()[0] in done.stdout
    assert seconds < 3.0  # 0.4 s on a quiet machine; the bar is 1 s there


@pytest.mark.parametrize("leaf", LEAVES)
def test_each_command_explains_itself_and_each_of_its_options(leaf):
    done = CliRunner().invoke(app, [*leaf.split(), "--help"])
    assert done.exit_code == 0, done.output
    assert "Usage: " in done.output
    command = LEAVES[leaf]
    assert command.help
    silent = [
        one.name
        for one in command.params
        if not getattr(one, "help", None) and "|" not in (one.metavar or "")
    ]
    assert silent == [], f"a2c {leaf}: options without a word of help"


@pytest.mark.parametrize("leaf", LEAVES)
def test_each_command_speaks_to_programs(leaf):
    options = {name for one in LEAVES[leaf].params for name in one.opts}
    assert "--json" in options


def test_what_changes_what_others_see_can_be_asked_first():
    asked = {
        leaf
        for leaf, command in LEAVES.items()
        if any("--dry-run" in one.opts for one in command.params)
    }
    assert asked == DECIDES


def test_the_command_line_loads_nothing_heavy():
    code = (
        "import sys, any2caption.cli.main; "
        "print([m for m in ('torch','airflow','mlflow','boto3','av','numpy','tritonclient') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_is_one_line_on_stderr_with_its_exit_code_and_no_output(tmp_path):
    done = a2c(tmp_path, "caption", "--image", "nowhere.png", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "a2c: --image nowhere.png: no such file or folder\n"


def test_an_unknown_role_is_refused_with_the_roles_there_are(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    done = a2c(tmp_path, "caption", "--image", f"{picture}:hero")
    assert done.returncode == 2
    assert "unknown role 'hero'" in done.stderr
    assert "first_frame" in done.stderr


def test_an_option_for_a_kind_that_was_not_given_is_refused(tmp_path):
    done = a2c(tmp_path, "caption", "--text", "x", "--option", "depth.scale=5000")
    assert done.returncode == 2
    assert "--depth" in done.stderr


def test_a_folder_is_signed_and_verified_by_hand(tmp_path):
    folder, home = tmp_path / "bundle", tmp_path / "home"
    folder.mkdir()
    (folder / "weights").write_text("w")
    kept = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    made = a2c(home, "model", "key", **kept)
    assert "config/any2caption/" in made.stdout
    unsigned = a2c(home, "model", "verify", str(folder), **kept)
    assert unsigned.returncode == 1
    assert f"`a2c model sign {folder}`" in unsigned.stderr
    assert a2c(home, "model", "sign", str(folder), **kept).stdout == f"{folder}: 1 files signed\n"
    assert "1 files as signed, digest" in a2c(home, "model", "verify", str(folder), **kept).stdout
    (folder / "weights").write_text("x")
    altered = a2c(home, "model", "verify", str(folder), **kept)
    assert (altered.returncode, altered.stdout) == (1, "")
    assert altered.stderr == f"a2c: {folder / 'weights'}: changed since it was signed\n"


def test_a_server_that_is_not_there_is_worth_another_try(tmp_path):
    done = a2c(tmp_path, "caption", "--text", "x", "--url", "127.0.0.1:9", "--timeout", "5")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_a_life_cycle_without_a_stack_says_how_to_start_one(tmp_path):
    done = a2c(tmp_path, "lifecycle", "run", "--source", "file:///x", A2C_PORT_AIRFLOW="9")
    assert done.returncode == 3
    assert "`a2c up` starts it" in done.stderr


def test_status_for_machines_is_json_and_nothing_else(tmp_path):
    done = a2c(tmp_path, "status", "--json")
    assert done.returncode == 1  # nothing runs
    assert {row["state"] for row in json.loads(done.stdout)} == {"stopped"}


def test_down_on_nothing_is_no_error(tmp_path):
    done = a2c(tmp_path, "down")
    assert done.returncode == 0
    assert "nothing was running" in done.stderr


def test_the_synthetic_corpus_is_made_once_and_its_address_printed(tmp_path):
    first = a2c(tmp_path, "corpus", "make", "--scenes", "4")
    assert first.returncode == 0, first.stderr
    again = a2c(tmp_path, "corpus", "make", "--scenes", "4")
    assert again.stdout == first.stdout
    assert "there already" in again.stderr
    folder = Path(first.stdout.strip().removeprefix("file://"))
    assert (folder / "manifest.jsonl").exists()


def test_logs_of_an_unknown_service_list_the_services(tmp_path):
    done = a2c(tmp_path, "logs", "nope")
    assert done.returncode == 2
    assert "airflow-scheduler" in done.stderr


def test_logs_show_the_last_lines(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mlflow.log").write_text("one\ntwo\nthree\n")
    done = a2c(tmp_path, "logs", "mlflow", "-n", "2")
    assert done.stdout == "two\nthree\n"
