"""The documentation builds, its links lead somewhere, and it loads nothing from elsewhere."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from any2caption.cli.main import app
from any2caption.conditions.registry import KINDS
from any2caption.errors import UnavailableError
from any2caption.settings import Settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*?\bsrc=["']?([^"'\s>]+)"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|icon|preconnect|preload))[^>]*?\bhref=["']?"""
    r"""([^"'\s>]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [BIN / "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=400,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    # Strict: a link or an anchor that leads nowhere is an error.
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_of_the_plan_is_there_and_loads_nothing_from_elsewhere(site):
    pages = [*site.rglob("*.html")]
    assert len(pages) >= 25
    loaded = {
        (file.name, one)
        for file in pages
        for found in LOADED.findall(file.read_text())
        if (one := "".join(found)).startswith(("http:", "https:", "//"))
    }
    assert loaded == set()
    for file in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import\s*)[\"']?(?:https?:)?//", file.read_text()), file


def test_a_page_that_loads_from_elsewhere_would_be_seen():
    html = '<script defer src="https://a/b.js"></script><link rel="stylesheet" href=//c/d.css>'
    assert ["".join(one) for one in LOADED.findall(html)] == ["https://a/b.js", "//c/d.css"]


def test_the_reference_has_what_the_code_has(site):
    def text(name):
        return (site / "reference" / name / "index.html").read_text()

    for kind in KINDS:
        assert f'id="{kind}"' in text("conditions")
    for name in get_command(app).commands:
        assert f"a2c {name}" in text("commands")
    for name, field in Settings.model_fields.items():
        if not hasattr(field.annotation, "model_fields"):
            assert f"A2C_{name.upper()}" in text("settings")
    assert UnavailableError.__name__ in text("errors")
    assert "any2video" in text("server")
    for file in (ROOT / "dags").glob("*.py"):
        assert file.stem in text("dags")


@pytest.mark.parametrize("script", sorted((ROOT / "docs/pictures").glob("*.py")))
def test_scripts_that_make_the_pictures_find_what_they_draw_with(script):
    made = runpy.run_path(str(script), run_name="not run")
    assert callable(made["main"])
    assert made["OUT"].exists()


def test_every_page_is_reached_from_the_first(site):
    first = (site / "index.html").read_text()
    for file in (ROOT / "docs").rglob("*.md"):
        name = file.relative_to(ROOT / "docs").with_suffix("").as_posix()
        assert name == "index" or f'href="{name}/"' in first, name
