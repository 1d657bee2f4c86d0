"""MkDocs hook: the reference, generated from the code, and the pages that lie outside `docs`.

Generated while the site is built, so it can't say anything else than the code does.
"""

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "examples" / "tour.ipynb"
OUTSIDE = {"contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md",
           "changelog.md": "CHANGELOG.md"}  # fmt: skip
LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Put pages that the plan does not name yet behind its explanations."""
    (explained,) = (one["Explanation"] for one in config.nav if "Explanation" in one)
    named = str(config.nav)
    for file in sorted((ROOT / "docs").rglob("*.md")):
        name = file.relative_to(ROOT / "docs").as_posix()
        if f"'{name}'" not in named:
            explained.append({file.read_text().partition("\n")[0].strip("# "): name})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages and those of the repository's root."""
    for name, make in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content="\n".join(make())))
    files.append(File.generated(config, "tour.md", content="\n".join(tour())))
    for name, source in OUTSIDE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links to files outside the site into their names; those of pages added here stay."""
    where = page.file.src_uri
    base = ROOT if where in OUTSIDE else (ROOT / "docs" / where).parent

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = (base / target).resolve()
        for name, source in OUTSIDE.items():
            if place == ROOT / source:
                return f"[{text}]({_relative(where, name)}{anchor})"
        if where in OUTSIDE and place.is_relative_to(ROOT / "docs"):
            return f"[{text}]({place.relative_to(ROOT / 'docs')}{anchor})"
        if place.exists() and not place.is_relative_to(ROOT / "docs"):
            return text
        return match[0]

    return LINK.sub(link, markdown)


def _relative(where: str, name: str) -> str:
    return "../" * where.count("/") + name


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a Markdown table."""
    names = list(heads)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"
    yield ""


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def conditions() -> Iterator[str]:
    """Every kind: formats, roles, limits, options."""
    from any2caption.conditions.registry import KINDS

    yield "# Conditions\n"
    yield "Formats are told by content, not by name. Anything else is refused by name.\n"
    for kind in KINDS.values():
        yield f"## {kind.name}\n"
        yield f"{kind.summary}.\n"
        yield f"Formats: {', '.join(kind.formats)}.\n"
        if kind.roles:
            yield f"Roles: {', '.join(kind.roles)}.\n"
        limits = {n: getattr(kind.limits, n) for n in kind.limits.__dataclass_fields__}
        told = [f"{name.replace('_', ' ')} {v:,}" for name, v in limits.items() if v is not None]
        yield f"Limits: {', '.join(told)}.\n"
        if kind.options:
            rows = [
                (f"`{o.name}`", ", ".join(o.choices) or o.type, o.summary) for o in kind.options
            ]
            yield from table(("option", "values", "says"), rows)


def captions() -> Iterator[str]:
    """Facts and who states them, the caption's schema, choices."""
    from any2caption.captions.schema import PARTS, StructuredCaption
    from any2caption.conditions import fact
    from any2caption.conditions.registry import KINDS
    from any2caption.grounding.options import CHOICES, Options

    yield "# Facts and captions\n\n## Facts\n"
    yield "A fact is one thing that an input states, with its source. Its aspect is one of "
    yield f"{', '.join(f'`{one}`' for one in fact.ASPECTS)}. [How](../captions.md) they are used.\n"
    yield (inspect.getdoc(fact.Fact) or "") + "\n"
    stated = ((f"`{k.name}`", _stated(k.facts)) for k in KINDS.values() if k.facts is not None)
    yield from table(("condition", "what it states"), stated)
    yield "## The caption\n"
    yield from table(("part", "label"), ((f"`{name}`", label) for name, label in PARTS.items()))
    yield "As JSON Schema:\n\n```json"
    yield json.dumps(StructuredCaption.model_json_schema(), indent=1, ensure_ascii=False)
    yield "```\n"
    yield "## Choices of a request\n"
    rows = ((f"`{n}`", ", ".join(c), f"`{getattr(Options(), n)}`") for n, c in CHOICES.items())
    yield from table(("choice", "values", "default"), rows)


def _first(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0]


def _stated(facts: Callable[..., Any]) -> str:
    return re.sub(r" \(`_\w+`\)", "", _first(facts).removeprefix("Yield "))


def _fields(kind: type) -> Iterator[str]:
    """The fields of a dataclass with what is said below each."""
    (body,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - what a class's source is
    rows = []
    for field, after in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            said = after.value if isinstance(after, ast.Expr) else None
            text = inspect.cleandoc(str(said.value)) if isinstance(said, ast.Constant) else ""
            rows.append((f"`{ast.unparse(field.target)}`", ast.unparse(field.annotation), text))
    yield from table(("field", "type", "says"), rows)


def python() -> Iterator[str]:
    """What a program calls: the two callers, what they are given and what they answer."""
    from any2caption.serving import client, in_process

    yield "# Python\n"
    yield "Both answer the same way, `CaptionClient` over gRPC, `InProcess` in this process. "
    yield "The [product team's page](../howto/product-team.md) has them at work.\n"
    for kind in (client.CaptionClient, in_process.InProcess):
        yield from _called(kind)
    yield f"## `ConditionInput`\n\n{inspect.getdoc(client.ConditionInput)}\n"
    yield from _fields(client.ConditionInput)
    yield f"## `CaptionResult`\n\n{inspect.getdoc(client.CaptionResult)}\n"
    yield from _fields(client.CaptionResult)
    found = inspect.getmembers(client.CaptionResult, lambda one: isinstance(one, property))
    yield from table(("property", "says"), ((f"`{name}`", _first(one)) for name, one in found))


def _called(kind: type) -> Iterator[str]:
    yield f"## `{kind.__name__}{_signature(kind, skip=0)}`\n\n{inspect.getdoc(kind)}\n"
    for name, one in vars(kind).items():
        if inspect.isfunction(one) and not name.startswith("_"):
            yield f"`{name}{_signature(one, skip=1)}`\n\n```text\n{inspect.getdoc(one)}\n```\n"


def _signature(thing: Callable[..., Any], *, skip: int) -> str:
    found = inspect.signature(thing)
    text = str(found.replace(parameters=list(found.parameters.values())[skip:]))
    text = re.sub(r"\*<class '([\w.]+)'>", r"\1", text)
    return re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", text)


def metrics() -> Iterator[str]:
    """What an evaluation measures, and the checks of whole captions."""
    from any2caption.evaluation import metrics as module
    from any2caption.evaluation.whole import CHECKS

    yield "# Metrics\n"
    yield (inspect.getdoc(module) or "").partition("\n\n")[2] + "\n"
    yield from table(
        ("metric", "in reports"), ((f"`{n}`", one.title) for n, one in module.METRICS.items())
    )
    yield "## Checks of whole captions\n"
    yield "A rate is the share of captions that pass; [the gate](../gate.md) has bounds for them.\n"
    yield from table(("check", "counts"), ((f"`{name}`", said) for name, said in CHECKS.items()))


def server() -> Iterator[str]:
    """Inputs and outputs of the two ensembles."""
    from any2caption.serving.contract import ensembles

    yield "# Server inputs and outputs\n"
    yield "KServe v2 over gRPC, at the door. Every input is optional, but one must be there.\n"
    for ensemble in ensembles():
        for what, tensors in (("inputs", ensemble.inputs), ("outputs", ensemble.outputs)):
            yield f"## `{ensemble.name}`: {what}\n"
            rows = ((f"`{t.name}`", t.dtype, list(t.dims)) for t in tensors)
            yield from table(("tensor", "type", "shape"), rows)


def commands() -> Iterator[str]:
    """Every command with its options."""
    from typer.main import get_command

    from any2caption.cli.main import app
    from any2caption.cli.terminal import outcome

    yield "# Command line\n"
    yield from (inspect.getdoc(outcome) or "").splitlines()[2:-2]
    yield ""
    yield from _command(get_command(app), "a2c")


def _command(command: Any, words: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, child in sorted(command.commands.items()):
            yield from _command(child, f"{words} {name}")
        return
    yield f"## `{words}`\n"
    yield re.sub(r"\[/?\w*\]", "", command.help or "").replace("<", "&lt;") + "\n"
    rows = []
    for one in command.params:
        names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
        default = "" if one.default in {None, "", False} or callable(one.default) else one.default
        rows.append((names, getattr(one, "help", "") or "", default))
    yield from table(("argument or option", "says", "default"), rows)


def errors() -> Iterator[str]:
    """Every error with its exit code."""
    from any2caption import errors as module

    yield "# Exit codes and errors\n"
    yield "`a2c` ends with these; a stage's own process (`python -m any2caption.…`) ends with 75 "
    yield "instead where trying again can help, which schedulers read.\n"
    found = [one for _, one in inspect.getmembers(module, inspect.isclass)]
    rows = (
        (f"`{one.__name__}`", one.exit_code, "yes" if one.retryable else "", inspect.getdoc(one))
        for one in sorted(found, key=lambda one: (one.exit_code, one.__name__))
    )
    yield from table(("error", "exit code", "try again", "means"), rows)


def settings() -> Iterator[str]:
    """Every setting with its variable and default."""
    from pydantic_settings import BaseSettings

    from any2caption.settings import Settings

    yield "# Settings\n"
    yield "Environment variables. An empty address means the local stack's own service.\n"
    groups: list[tuple[str, Any]] = [("The platform", Settings)]
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            groups.append((name.capitalize(), field.annotation))
    for title, group in groups:
        prefix = group.model_config.get("env_prefix", "")
        yield f"## {title}\n"
        rows = []
        for name, field in group.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
                continue
            default = field.get_default(call_default_factory=True)
            shown = "" if name.endswith(("key", "python")) or default is None else default
            rows.append((f"`{prefix}{name.upper()}`", field.description or "", shown))
        yield from table(("variable", "says", "default"), rows)


def policies() -> Iterator[str]:
    """Every gate policy as it is written."""
    from any2caption.evaluation import policies as package

    yield "# Gate policies\n"
    for file in sorted(Path(package.__path__[0]).glob("*.yaml")):
        yield f"## {file.stem}\n\n```yaml"
        yield file.read_text().rstrip()
        yield "```\n"


def dags() -> Iterator[str]:
    """Every DAG's own documentation."""
    yield "# DAGs\n"
    for file in sorted((ROOT / "dags").glob("*.py")):
        document = ast.get_docstring(ast.parse(file.read_text())) or ""
        title, _, rest = document.partition("\n")
        yield f"## {title.strip('# .')}\n\n`{file.stem}`\n"
        yield rest.strip() + "\n"


def tour() -> Iterator[str]:
    """The notebook as a page: its text, its code, what it printed."""
    for cell in json.loads(TOUR.read_text())["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield text + "\n"
            continue
        yield f"```python\n{text}\n```\n"
        for output in cell["outputs"]:
            yield f"```text\n{''.join(output['text'])}```\n"
    yield "As a notebook: `examples/tour.ipynb`."


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "conditions": conditions,
    "captions": captions,
    "server": server,
    "python": python,
    "metrics": metrics,
    "commands": commands,
    "errors": errors,
    "settings": settings,
    "policies": policies,
    "dags": dags,
}
