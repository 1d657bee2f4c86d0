"""Take the picture of the README: the playground with a caption, as a browser shows it.

    python docs/pictures/playground.py

Needs Chromium (`requirements/system.sh python3.11 test`).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
OUT = Path(__file__).with_suffix(".png")
SIZE = {"width": 1120, "height": 1010}


def take(page: Page, address: str) -> None:
    """Load an example whose inputs disagree, ask, and show where a sentence comes from."""
    page.goto(address)
    page.get_by_role("button", name="Words against a camera path").click()
    page.get_by_role("button", name="Remove camera 1").wait_for()
    page.get_by_role("button", name="Write the caption").click()
    page.get_by_role("heading", name="Action caption").wait_for()
    page.get_by_role("region", name="Camera caption").locator(".said").hover()
    page.wait_for_timeout(500)
    page.screenshot(path=OUT)


def main() -> None:
    """Start a playground of its own, and end it."""
    command = [str(Path(sys.executable).with_name("a2c")), "play", "--local", "--port", "0"]
    with (
        TemporaryDirectory() as home,
        subprocess.Popen(
            [*command, "--home", home], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process,
        sync_playwright() as playwright,
    ):
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox"] if os.getuid() == 0 else [],
            )
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.set_default_timeout(90_000)
            take(page, address)
            browser.close()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
