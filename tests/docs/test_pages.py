"""What the pages say to type works, and what is not run says what it needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "annotation"))
from api_server import KEY, ChatServer
from pages import (
    BROWSER,
    BY_HAND,
    CI,
    CLONE,
    GRPCURL,
    ROOT,
    SNAPSHOT,
    STACK,
    TRAINED,
    TRAINS,
    TYPED,
    VISION,
    WAITS,
    Shell,
    anchors,
    blocks,
    blocks_in,
    commands_in,
    links,
    pages,
    said_in,
)

from any2caption.cli.main import app
from any2caption.datasets.records import SourceRecord
from any2caption.evaluation.policies.load import read_policy

WARM = Path(__file__).with_name("warm.py")
DATA_TEAM = "docs/howto/data-team.md"
READY = [page for page in pages() if page != "CHANGELOG.md"]
RUN = [page for page in READY if any(one.runs for one in blocks(page)) and page != DATA_TEAM]


@pytest.fixture(scope="module")
def shims(tmp_path_factory):
    """A folder with `a2c` and `python` as a shell finds them."""
    folder = tmp_path_factory.mktemp("bin")
    socket = folder / "socket"
    for name in ("a2c", "python"):
        shim = folder / name
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {WARM} {socket} {name} "$@"\n')
        shim.chmod(0o755)
    with subprocess.Popen([sys.executable, WARM, socket], stdin=subprocess.PIPE) as server:
        until = time.monotonic() + 120
        while not socket.exists():
            assert server.poll() is None, "the warm process ended"
            assert time.monotonic() < until
            time.sleep(0.05)
        yield folder
        server.stdin.close()


def shell_in(folder, shims):
    """A shell in a folder that has what a clone has for the pages."""
    for name in ("examples", "bench"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").mkdir()
    (folder / ".venv/bin").symlink_to(shims)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("A2C_", "XDG_"))}
    environment |= {"PATH": f"{shims}:{environment['PATH']}", "NO_COLOR": "1",
                    "XDG_CONFIG_HOME": str(folder / "config")}  # fmt: skip
    return Shell(folder, environment)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory, shims):
    """A shell in which the page of the data team was followed from its first line to its last."""
    shell = shell_in(tmp_path_factory.mktemp("snapshot"), shims)
    for block in blocks(DATA_TEAM):
        if block.runs:
            shell.run(block)
    return shell


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_says_to_type_works(tmp_path, shims, page):
    shell = shell_in(tmp_path, shims)
    for block in blocks(page):
        if block.runs:
            shell.run(block)


def needing(what):
    """The blocks of all pages that need one thing."""
    return [one for page in READY for one in blocks(page) if one.needs == what]


def test_what_needs_a_snapshot_works_on_the_one_of_the_data_team(snapshot):
    for block in (found := needing(SNAPSHOT)):
        snapshot.run(block)
    assert len(found) >= 5


def test_what_needs_a_vision_language_server_works_with_one(tmp_path, shims):
    shell, source = shell_in(tmp_path, shims), tmp_path / "source"
    source.mkdir()
    shutil.copy(ROOT / "examples/images/dog.jpg", source)
    shown = {"kind": "image", "paths": ["dog.jpg"], "role": "reference"}
    record = {"id": "dog", "source": "examples", "licence": "CC0-1.0", "conditions": [shown]}
    (source / "manifest.jsonl").write_text(json.dumps(record))
    chat = ChatServer()
    chat.answer = lambda body: json.dumps(
        dict.fromkeys(body["response_format"]["json_schema"]["schema"]["required"], "A dog waits.")
    )
    with chat.serving():
        for block in (found := needing(VISION)):
            here = [("http://127.0.0.1:8000/v1", chat.url), ("KEY=...", f"KEY={KEY}")]
            shell.run(block, [*here, ("SOURCE", "source")])
    assert len(found) == 2
    assert {one["model"] for one in chat.requests} == {"qwen2-vl-7b"}
    assert len(chat.requests) > len(found)


def test_what_is_made_from_the_code_is_made_as_contributors_are_told(tmp_path, shims):
    shell = shell_in(tmp_path, shims)
    (tmp_path / "docs").mkdir()
    (block,) = needing(CLONE)
    shell.run(block)
    assert (tmp_path / "docs/manifest.md").read_text() == (ROOT / "docs/manifest.md").read_text()


def test_every_block_says_one_of_the_needs_that_somebody_has():
    told = {one.needs for page in READY for one in blocks(page)} - {""}
    run = {STACK, GRPCURL, WAITS, TRAINED, TRAINS, BROWSER, SNAPSHOT, VISION, CLONE, *CI}
    assert told == run | set(BY_HAND)


def test_every_block_says_its_language_and_what_it_needs():
    told = [one for page in READY for one in blocks(page) if one.language in TYPED]
    assert sum(one.runs for one in told) >= 18
    for broken in ("    a2c up\n", "```\na2c up\n```\n", "```bash needs a stack\na2c up\n```\n",
                   '```json title="needs: x"\n{}\n```\n', "```text\n$ a2c up\n```\n"):  # fmt: skip
        with pytest.raises(AssertionError, match=r"page\.md:1: "):
            list(blocks_in("page.md", broken))


def test_every_command_that_a_page_names_is_there():
    root = get_command(app)
    wrong = []
    for page in pages():
        text = (ROOT / page).read_text()
        found = [*said_in(text), *(one for block in blocks(page) for one in commands_in(block))]
        for said in found:
            try:
                known(root, said)
            except AssertionError as problem:
                wrong.append(f"{page}: {said}: {problem}")
    assert wrong == []


@pytest.mark.parametrize(
    "said",
    [
        "a2c upp",
        "a2c data shove",
        "a2c up --objct-store",
        "a2c registry show|shew",
        "make tee",
        "python bench/none.py",
        "python -m any2caption.none",
        "python bench/door.py --rquests 2",
        "a2c data --dry-run",
    ],
)
def test_a_command_that_is_not_there_would_be_seen(said):
    with pytest.raises(AssertionError):
        known(get_command(app), said)


def known(root, said):
    """Assert that a command of the text exists, with its options."""
    words = re.sub(r"[\[\]()…]", " ", said).split()
    if words[0] == "make":
        rules = re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        targets = " ".join(rules).split()
        assert words[1] in targets, "no target of the Makefile"
    elif words[0] == "python" and words[1] == "-m":
        assert find_spec(words[2]), "no such module"
    elif words[0] == "python" and words[1].endswith(".py"):
        assert (ROOT / words[1]).exists(), "no such file"
        source = (ROOT / words[1]).read_text()
        assert [one for one in words if one.startswith("--") and f'"{one}"' not in source] == []
    elif words[0] == "a2c":
        command = _command(root, words[1:])
        options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        options |= {"--help", "--install-completion", "--show-completion"}
        given = {w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)}
        assert given <= options, f"no option {given - options}"


def _command(command, words):
    """The command that these words name; every alternative of `show|verify` must be there."""
    for word in words:
        if not hasattr(command, "commands") or word.startswith("-"):
            break
        names = word.split("|")
        assert set(names) <= set(command.commands), f"no command {names}"
        command = command.commands[names[0]]
    return command


def test_messages_that_troubleshooting_quotes_are_in_the_code():
    sources = [file.read_text() for file in (ROOT / "platform").rglob("*.py")]
    code = re.sub(r'"\s*f?"', "", "\n".join(sources))
    page = (ROOT / "docs/troubleshooting.md").read_text()
    quoted = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert len(quoted) >= 15
    pieces = [one.strip() for message in quoted for one in message.split("…")]
    assert [one for one in pieces if one not in code] == []


def test_data_that_a_page_shows_is_read_as_it_says():
    shown = {one.language: one for page in READY for one in blocks(page)}
    assert {"json", "yaml"} <= set(shown)
    for page in READY:
        for block in blocks(page):
            if block.language == "json":
                SourceRecord.model_validate(json.loads(block.text))
            if block.language == "yaml":
                assert isinstance(yaml.safe_load(block.text), dict), block


def test_a_policy_that_a_page_shows_is_one(tmp_path):
    (block,) = (one for one in blocks("docs/gate.md") if one.language == "yaml")
    file = tmp_path / f"{yaml.safe_load(block.text)['name']}.yaml"
    file.write_text(block.text)
    assert read_policy(file).name == file.stem


def test_every_link_leads_to_a_file_and_a_heading():
    found = [(page, target) for page in pages() for target in links(page)]
    assert len(found) >= 50
    assert [one for one in found if not leads(*one)] == []
    assert not leads("README.md", "docs/nowhere.md")
    assert not leads("README.md", "docs/gate.md#nothing-of-the-kind")


def leads(page, target):
    """Whether a link of a page leads somewhere: addresses elsewhere are not asked."""
    if "://" in target or target.startswith("mailto:"):
        return True
    name, _, anchor = target.partition("#")
    file = (ROOT / page).parent / name if name else ROOT / page
    if file.resolve().is_relative_to(ROOT / "docs/reference"):  # made with the site, which asks
        return True
    return file.exists() and (not anchor or anchor in anchors(file))
