"""One playground and one browser for all tests of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from pages import BROWSER, blocks

ROOT = Path(__file__).parents[2]
WIDTHS = {"laptop": (1280, 800, "light"), "phone": (390, 844, "dark")}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The state folder of the playground under test."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home):
    """A playground that answers in its own process, started as the pages say."""
    (block,) = (one for one in blocks("docs/playground.md") if one.needs == BROWSER)
    assert block.text.split() == ["a2c", "play", "--local"]
    command = [str(Path(sys.executable).with_name("a2c")), *block.text.split()[1:], "--port", "0"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("A2C_PORT")}
    with subprocess.Popen(
        [*command, "--home", str(home)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            url = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
            yield url
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(params=["laptop", pytest.param("phone", marks=pytest.mark.slow)])
def page(request, browser, address, tmp_path):
    """A page of a visitor's own; it may ask nobody but the playground."""
    width, height, scheme = WIDTHS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        accept_downloads=True,
    )
    page = context.new_page()
    page.set_default_timeout(45_000)
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    refused = []  # what the page's own policy kept the browser from asking
    page.on("requestfailed", lambda one: refused.append(one.url) if one.failure == "csp" else None)
    page.goto(address)
    page.get_by_role("button", name="Write the caption").wait_for()
    yield page
    page.screenshot(path=tmp_path / f"{request.node.name}.png", full_page=True)
    own = (address, "data:", "blob:")
    elsewhere = [url for url in asked if not url.startswith(own) and url not in refused]
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert len(asked) > 3
    assert elsewhere == []
    assert wide <= width, "the page scrolls sideways"
