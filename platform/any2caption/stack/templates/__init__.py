"""Configuration files of the local stack's servers, filled in by `render`."""

from importlib.resources import files
from string import Template


def render(template: str, /, **values: object) -> str:
    """Return `template` with its `${…}` filled in; a value left out is a KeyError."""
    return Template((files(__package__) / template).read_text("utf-8")).substitute(values)
