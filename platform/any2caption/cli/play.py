"""`a2c play`: the page to try requests on."""

from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from any2caption.cli.stack import Bundle, Home, Json, Local
from any2caption.cli.terminal.console import put, put_address, say
from any2caption.errors import ConfigError

if TYPE_CHECKING:
    from any2caption.playground.asking import Answerer
    from any2caption.playground.compare import Keep
    from any2caption.settings import Settings


def play(
    address: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Ask this server (default: the local stack's).")
    ] = "",
    local: Local = False,
    bundle: Bundle = None,
    against: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Another server, to compare captions with.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 7860,
    token: Annotated[
        str,
        typer.Option(
            envvar="A2C_PLAY_TOKEN",
            help="What visitors need; one is made where others can reach the page.",
        ),
    ] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Open the playground: assemble a request, see what was understood, edit and compare captions.

    Without a stack it answers in this process.
    """
    from any2caption.playground.asking import Served
    from any2caption.playground.server import checked_token, serve
    from any2caption.playground.shelf import examples
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    if local and address:
        raise ConfigError("--local asks no server: leave out --address")
    if bundle is not None and not local:
        raise ConfigError("--bundle goes with --local: a server has its release's bundle")
    token = checked_token(host, token)
    answerer = _answerer(settings.triton_url, local=local, bundle=bundle, named=address)
    say(f"captions by {answerer.name}; end with Ctrl-C")
    with ExitStack() as stack:
        answerers = [stack.enter_context(answerer)]
        if against:
            answerers.append(stack.enter_context(_served(against, "--against")))
        serve(
            answerers,
            host=host,
            port=port,
            token=token,
            shelf=examples(),
            keep=_keeper(settings, stack_answers=isinstance(answerer, Served) and not address),
            ready=put_address if json else put,
        )


def _answerer(url: str, *, local: bool, bundle: Path | None, named: str) -> "Answerer":
    """Return the server that was named, else the local stack's where it answers, else this process.

    Raises:
        ConfigError: the server that was named does not answer.
    """
    from any2caption.playground.asking import Here, Served

    if named:
        return _served(named, "--address")
    if not local:
        served = Served(url)
        if served.answers():
            return served
        served.close()
        say(f"no server answers at {url} (`a2c up` starts one)")
    return Here(bundle)


def _keeper(settings: "Settings", *, stack_answers: bool) -> "Keep":
    """Return what keeps verdicts: the local stack's catalogue where it answers, else a file."""
    from any2caption.playground.compare import in_catalogue, in_file

    if not stack_answers or find_spec("sqlalchemy") is None:
        return in_file(settings.home)
    from any2caption.datasets.catalogue import Catalogue

    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    return in_catalogue(catalogue)


def _served(address: str, option: str) -> "Answerer":
    from any2caption.playground.asking import Served

    served = Served(address)
    if not served.answers():
        served.close()
        raise ConfigError(f"{option} {address}: no server answers there")
    return served
