"""`a2c`: the local stack, the life cycle, and a product team's call."""

import sys

import typer

from any2caption.cli import model, stack
from any2caption.cli.annotate import annotate
from any2caption.cli.call import caption
from any2caption.cli.condition import condition
from any2caption.cli.data import data
from any2caption.cli.demo import demo
from any2caption.cli.lifecycle import approve, corpus, lifecycle
from any2caption.cli.play import play
from any2caption.cli.registry import registry
from any2caption.cli.train import train

app = typer.Typer(
    name="a2c",
    help="Any2Caption: any mix of conditions → a six-part caption → a video.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command(rich_help_panel="Local stack")(stack.up)
app.command(rich_help_panel="Local stack")(stack.status)
app.command(rich_help_panel="Local stack")(stack.doctor)
app.command(rich_help_panel="Local stack")(stack.down)
app.command(rich_help_panel="Local stack")(stack.logs)
app.command(rich_help_panel="Local stack")(stack.password)
app.command(rich_help_panel="Models")(train)
app.command(rich_help_panel="Models")(model.promote)
app.command(rich_help_panel="Models")(model.rollback)
app.command(rich_help_panel="Models")(approve)
app.command(rich_help_panel="Calls")(caption)
app.command(rich_help_panel="Calls")(play)
app.command(rich_help_panel="Life cycle")(demo)
app.add_typer(condition, name="condition", rich_help_panel="Calls")
app.add_typer(registry, name="registry", rich_help_panel="Models")
app.add_typer(model.model, name="model", rich_help_panel="Models")
app.add_typer(lifecycle, name="lifecycle", rich_help_panel="Life cycle")
app.add_typer(data, name="data", rich_help_panel="Data")
app.add_typer(annotate, name="annotate", rich_help_panel="Data")
app.add_typer(corpus, name="corpus", rich_help_panel="Life cycle")


@app.command()
def version(json: stack.Json = False) -> None:
    """Print the platform's version."""
    from any2caption import __version__
    from any2caption.cli.terminal.console import put, put_json

    if json:
        put_json({"version": __version__})
    else:
        put(__version__)


def main() -> None:
    """Run the command line; see `outcome` for how it ends."""
    from any2caption.cli.terminal.outcome import run

    sys.exit(run(app))
