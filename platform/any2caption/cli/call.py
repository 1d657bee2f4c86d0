"""`a2c caption`: a product team's call over gRPC."""

from pathlib import Path
from typing import Annotated, Any

import typer

from any2caption.cli.console import put, put_json, say
from any2caption.cli.stack import Home, Json


def caption(text: str = "", home: Home = None, json: Json = False) -> None:
    """Caption conditions."""
    put_json({}) if json else say(text)
