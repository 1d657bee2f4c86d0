"""What the pages say to type: the blocks with what they need, the commands, a shell to run them."""

import itertools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
TYPED = ("bash", "console", "python")
SHOWN = ("json", "yaml", "mermaid", "text")
NEEDS = re.compile(r'title="needs: ([^"]+)"')
STACK = "the stack (a2c up)"
GRPCURL = "the stack, grpcurl and Triton's proto files"
WAITS = "the stack, and a promotion that waits"
TRAINED = "the stack, and a trained version"
TRAINS = "the stack, and 10 to 20 minutes on two cores"
"""Blocks that say one of these are run by `tests/lifecycle`, which has it."""
BROWSER = "a browser; ends with Ctrl-C"
"""What `tests/playground` starts."""
SNAPSHOT = "a snapshot (see the data team)"
VISION = "a vision-language server"
CLONE = "a clone to write into"
CI = ("a clone; takes 6 GB of disk", "a clone (make setup); CI runs the same and more")
"""What continuous integration starts with."""
BY_HAND = (
    "a Docker engine",
    "a Kubernetes cluster and helm",
    "a clone, and an environment of your own",
    "a clone that runs a stack",
    "a language model's server, and a clone",
    "GPUs, and Qwen2-VL, Qwen2.5-VL or Qwen3-VL weights in a folder",
    "shards in an object store, and nodes with GPUs",
    "a source in a bucket, and a vision-language server",
    "an annotation run, and a source with captions and clips in a bucket",
    "a version that was judged; ends with Ctrl-C",
    "the package of SmolLM2 (make setup); writes 1 GB",
    "the stack, a version that passed, and a champion before it",
)
"""What no test has: these blocks are run by people."""
LEFT_OUT = "…"
_TIMEOUT = 400


@dataclass(frozen=True)
class Block:
    """A block of a page: `needs` is empty where it runs as it stands."""

    page: str
    line: int
    language: str
    needs: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def runs(self):
        return self.language in TYPED and not self.needs


def pages():
    """Every page of the repository; what lies in the package are templates of pages."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = (name for name in listed.stdout.split() if (ROOT / name).exists())
    return sorted(name for name in found if not name.startswith("platform/"))


def _tokens(text):
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def blocks_in(page, text):
    """The blocks of a page; one that does not say what it is fails by name."""
    for token in _tokens(text):
        if token.type not in {"fence", "code_block"}:
            continue
        language, _, rest = token.info.strip().partition(" ")
        needs = NEEDS.fullmatch(rest)
        block = Block(page, token.map[0] + 1, language, needs[1] if needs else "", token.content)
        assert language in TYPED + SHOWN, (
            f"{block}: a block needs a fence and a language: {', '.join(TYPED)} are run, "
            f"{', '.join(SHOWN)} are shown"
        )
        assert needs or not rest, f'{block}: behind the language stands title="needs: …" or nothing'
        assert not needs or language in TYPED, f"{block}: this is shown, so it needs nothing"
        typed = re.search(r"^(\$ |a2c |python |make )", block.text, re.MULTILINE)
        assert language != "text" or not typed, f"{block}: a command is bash or console"
        yield block


def blocks(page):
    """The blocks of a page of the repository."""
    return list(blocks_in(page, (ROOT / page).read_text()))


def said_in(text):
    """Commands in the running text, between backticks."""
    for token in _tokens(text):
        if token.type == "code_inline":
            said = token.content.removeprefix(".venv/bin/")
            if re.match(r"(a2c|make|python) [\w-]", said):
                yield said


def commands_in(block):
    """The `a2c` commands that a block types."""
    if block.language == "python" or block.language in SHOWN:
        return
    for line in re.sub(r"\\\n\s*", " ", block.text).splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        for one in re.findall(r"(?:^|[\s(/])(a2c [^|;&)#>]+)", line):
            yield re.sub(r'"[^"]*"', "…", one)


class Shell:
    """A folder and an environment in which the blocks of a page run one after the other."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def run(self, block, replace=()):
        """Run a block; what it exports stays. Of a console the output is held to what is shown."""
        text = block.text
        for old, new in replace:
            text = text.replace(old, new)
        if block.language == "python":
            self._bash(block, f"python -c {_quoted(text)}")
        elif block.language == "console":
            self._console(block, text)
        else:
            self._bash(block, text)

    def _bash(self, block, text):
        kept = self.folder / "exported"
        script = f"test ! -e {kept} || source {kept}\n{text}\nexport -p > {kept}\n"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_TIMEOUT,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _console(self, block, text):
        for typed in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n", typed)[0]
            out = self._bash(block, command)
            place = 0
            for part in re.split(rf"^{LEFT_OUT}\n", typed[len(command) :], flags=re.MULTILINE):
                found = out.find(part, place)
                assert found >= 0, f"{block} shows\n{part}\nbut it was\n{out}"
                place = found + len(part)


def _quoted(text):
    return "'" + text.replace("'", "'\"'\"'") + "'"


def links(page):
    """Where the links and pictures of a page lead."""
    for token in _tokens((ROOT / page).read_text()):
        if token.type in {"link_open", "image"}:
            yield token.attrGet("href") or token.attrGet("src")
        if token.type in {"html_block", "html_inline"}:
            yield from re.findall(r'\b(?:href|src|srcset)="([^"]+)"', token.content)


def anchors(file):
    """The anchors of a page's headings, as GitHub makes them."""
    tokens = list(_tokens(file.read_text()))
    for token, after in itertools.pairwise(tokens):
        if token.type == "heading_open":
            yield re.sub(r"[^\w\- ]", "", after.content.lower()).replace(" ", "-")
