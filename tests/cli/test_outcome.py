"""Every command ends with a documented exit code, and says why in one line."""

import ast
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

import any2caption
from any2caption import errors
from any2caption.cli.main import app
from any2caption.cli.terminal import console, extras, outcome

A2C = str(Path(sys.executable).parent / "a2c")
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def leaves(command=None, path=()):
    """Every command that does something, by its words."""
    command = command or get_command(app)
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from leaves(child, (*path, name))


LEAVES = dict(leaves())
FOR_PEOPLE = {("play",), ("registry", "ask")}  # pages


@pytest.mark.parametrize("leaf", LEAVES, ids=" ".join)
def test_a_usage_error_of_any_command_is_one_line_and_code_2(leaf, capsys):
    assert outcome.run(app, [*leaf, "--no-such-option"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    words = " ".join(("a2c", *leaf))
    assert told.err.startswith(f"{words}: No such option: --no-such-option")
    assert told.err.endswith(f"; see `{words} --help`\n")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("leaf", sorted(LEAVES.keys() - FOR_PEOPLE), ids=" ".join)
def test_any_command_can_speak_json(leaf):
    assert "--json" in {option for one in LEAVES[leaf].params for option in one.opts}


@pytest.mark.parametrize("group", [[], ["data"], ["model"]], ids=str)
def test_a_group_without_a_command_shows_its_help(group, capsys):
    assert outcome.run(app, group) == 2
    told = capsys.readouterr()
    assert "Commands" in told.out
    assert told.err == ""


CLASSES = {
    1: "GateRefused RolledBackError UngroundedError IntegrityError ConflictError",
    2: "ConfigError InputError NotFoundError",
    3: "UnavailableError InterruptedTrainingError",
}


@pytest.mark.parametrize(
    ("name", "code"), [(n, code) for code, names in CLASSES.items() for n in names.split()]
)
def test_each_error_has_the_code_that_is_documented(name, code):
    error = getattr(errors, name)("two\nlines")
    assert outcome.explained(error) == ("a2c: two lines", code)
    assert error.stage_exit_code == (75 if error.retryable else code)


def test_a_full_disk_is_infrastructure_and_names_the_file():
    full = OSError(28, "No space left on device", "/data/x")
    assert outcome.explained(full) == ("a2c: /data/x: No space left on device", 3)


def test_a_fault_of_the_command_itself_keeps_its_traceback(capsys):
    def broken(*_, **__):
        raise KeyError("oops")

    assert outcome.run(broken, []) == 70
    assert "Traceback" in capsys.readouterr().err


def third_party():
    """Every module of another package that the platform imports, with a file that does."""
    found = {}
    for file in Path(any2caption.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], file)
    own = {*sys.stdlib_module_names, "any2caption"}
    return {name: file for name, file in found.items() if name not in own}


def test_whatever_is_imported_is_a_base_dependency_or_has_an_extra_to_name():
    base = {re.match(r"[\w-]+", line)[0] for line in PROJECT["dependencies"]}
    # What comes with a base dependency, with Triton's own interpreter, or is read by mypy alone.
    known = {"PIL", "grpc", "google", "triton_python_backend_utils", "mypy_boto3_s3"}
    known |= {"markupsafe", "pydantic_core", "starlette", "markdown_it"}
    known |= {name.replace("-", "_") for name in base}
    unknown = {n: f.name for n, f in third_party().items() if n not in known}
    assert {n: f for n, f in unknown.items() if not extras.extras_of(n)} == {}


@pytest.mark.parametrize(
    ("module", "extra"),
    [("supervisor.xmlrpc", "control"), ("airflow", "control"), ("deepspeed", "train"),
     ("liger_kernel", "gpu"), ("llguidance", "train")],
)  # fmt: skip
def test_a_missing_module_names_its_extra(module, extra):
    told, code = outcome.explained(ModuleNotFoundError(name=module))
    assert code == 3
    assert f"pip install 'any2caption-platform[{extra}]'" in told
    assert len(told.splitlines()) == 1


BARE = """
import sys
from any2caption.cli.terminal.extras import extras_of

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        lacks = top != "numpy" and extras_of(top)
        return None if lacks else self.finder.find_spec(name, path, target)

extras_of("anything")  # reads what is installed while all of it can be imported
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from any2caption.cli.main import main
main()
"""


def bare(home, *arguments):
    """Run a command where nothing is installed that an extra brings."""
    return subprocess.run(
        [sys.executable, "-c", BARE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "A2C_HOME": str(home), "COLUMNS": "100"},
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("condition", "inspect", str(EXAMPLES / "camera" / "walk_through_kitchen.txt")),
        ("caption", "--local", "--text", "a quiet street, static camera", "--json"),
        ("condition", "convert", str(EXAMPLES / "camera" / "walk_through_kitchen.txt"),
         "--to", "tum", "--out", "{home}/path.txt"),
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
def test_a_base_installation_inspects_and_captions(tmp_path, arguments):
    done = bare(tmp_path, *(word.format(home=tmp_path) for word in arguments))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("up",), "control"),
        (("status",), "control"),
        (("data", "list"), "control"),
        (("train", "--recipe", "tiny", "--out", "x", "--snapshot", "latest"), "train"),
        (("model", "key"), "control"),
        (("caption", "--text", "x", "--url", "127.0.0.1:9"), None),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, tuple) else str(words),
)
def test_a_base_installation_says_what_is_missing(tmp_path, arguments, extra):
    done = bare(tmp_path, *arguments)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert extra is None or f"any2caption-platform[{extra}]" in done.stderr


def on_a_terminal(home, *arguments, **environment):
    """What a command writes to a terminal, bytes as they come."""
    main, other = pty.openpty()
    hidden = ("NO_COLOR", "FORCE_COLOR")
    child = subprocess.Popen(
        [A2C, *arguments],
        stdin=other, stdout=other, stderr=other, close_fds=True,
        env={**{k: v for k, v in os.environ.items() if k not in hidden}, "TERM": "xterm-256color",
             "A2C_HOME": str(home), **environment},
    )  # fmt: skip
    os.close(other)
    told = b""
    try:
        while block := os.read(main, 65536):
            told += block
    except OSError:  # the other end is closed
        pass
    child.wait(60)
    os.close(main)
    return told.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38;)[0-9;]*m")


def test_colours_are_for_terminals_that_want_them(tmp_path):
    assert COLOUR.search(on_a_terminal(tmp_path, "--help"))
    assert not COLOUR.search(on_a_terminal(tmp_path, "--help", NO_COLOR="1"))


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("bash", {"COMP_WORDS": "a2c cap", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "a2c cap"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "a2c cap", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_shells_complete_commands(shell, asked):
    done = subprocess.run(
        [A2C],
        env={**os.environ, "_A2C_COMPLETE": f"complete_{shell}", **asked},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "caption" in done.stdout, done.stderr


def test_work_that_lasts_says_so_and_short_work_does_not(monkeypatch):
    said = []
    monkeypatch.setattr(console, "say", said.append)
    monkeypatch.setattr(console, "_QUIET_SECONDS", 0.05)
    monkeypatch.setattr(console, "_EVERY_SECONDS", 0.05)
    with console.working("short", terminal=False):
        pass
    assert said == []
    with console.working("comparing", terminal=False):
        console.time.sleep(0.4)
    assert said[0] == "comparing …"
    assert said[1] == "comparing … 00:00"


def test_progress_tells_the_time_that_is_left(monkeypatch):
    clock = iter([0.0, 0.0, 10.0, 20.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    said = []
    monkeypatch.setattr(console, "say", said.append)
    with console.ProgressPrinter(terminal=False) as show:
        for step in (0, 25, 50):
            show({"stage": "finetune", "step": step, "total": 100})
    assert [line.endswith("left") for line in said] == [False, True, True]
    assert said[-1].endswith("00:20 left")
