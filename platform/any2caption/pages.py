"""HTML pages from templates beside the modules that fill them; what comes from data is escaped."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def style() -> str:
    """Return the style that reports share; it names no other file."""
    return files("any2caption").joinpath("report.css").read_text(encoding="utf-8")


def render(package: str, template: str, **values: Any) -> str:
    """Fill a template of a package; a value that it names and does not get is an error."""
    return _environment(package).get_template(template).render(values)


@cache
def _environment(package: str) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
