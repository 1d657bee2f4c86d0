"""Pages from templates beside the modules that fill them, as HTML or as Markdown.

Pages of a file of their own extend `page.html`, so that reports, statistics and cards look alike;
they ask nothing of the network.
"""

from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(package: str, template: str, **values: Any) -> str:
    """Fill a template of a package; a value that it names and does not get is an error.

    What comes from data is escaped.
    """
    return _environment(package, html=True).get_template(template).render(values)


def markdown(package: str, template: str, **values: Any) -> str:
    """Fill a Markdown template; it escapes what comes from data with the filter `cell`."""
    return _environment(package, html=False).get_template(template).render(values)


def page_of(title: str, text: str) -> str:
    """Return Markdown (tables too, no HTML in it) as a page; front matter is left out."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("table_open", lambda *_, **__: '<div class="card"><table>\n')
    reader.add_render_rule("table_close", lambda *_, **__: "</table></div>\n")
    if text.startswith("---\n"):
        text = text.partition("\n---\n")[2]
    return render("any2caption", "document.html", title=title, content=reader.render(text))


def cell(value: object) -> str:
    """Return text that Markdown shows as it is, on one line, in a table too."""
    text = escape(" ".join(str(value).split()), quote=False)
    return "".join(f"\\{one}" if one in _MARKS else one for one in text)


_MARKS = "\\`*_[]|~"


@cache
def _environment(package: str, *, html: bool) -> "Environment":
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader("any2caption", "")]),
        autoescape=html,  # noqa: S701 - Markdown escapes with `cell`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not html,
    )
    style = files("any2caption").joinpath("report.css").read_text(encoding="utf-8")
    environment.globals["style"] = style
    environment.filters["cell"] = cell
    return environment
