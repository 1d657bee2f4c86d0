"""People vote in a real browser, by keyboard, on what a report holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.catalogue import PREFERENCES, Catalogue
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import publish
from any2caption.errors import InputError, IntegrityError, NotFoundError
from any2caption.evaluation.people import tally
from any2caption.playground.people.server import KEYS, study
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.storage.digest import file_digest

pytestmark = pytest.mark.server
MODEL, OTHER = "b" * 64, "c" * 64


def caption(words):
    return StructuredCaption(**dict.fromkeys(PARTS, words))


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A state folder with version 3, judged on four records."""
    settings = Settings(home=tmp_path_factory.mktemp("judged"))
    records = [
        Record(
            id=f"r{n}",
            source="s",
            licence="CC0-1.0",
            split="test",
            prompt=f"<b>request {n}",
            conditions=(),
            caption=caption(f"gold {n}"),
            qa=(),
        )
        for n in range(4)
    ]
    snapshot = publish(open_store(settings.object_store), records).id
    texts = {
        one.id: {
            "gold": render(one.caption),
            "model": render(caption(f"what the new one says of {one.id}")),
            "champion": render(caption(f"what the old one says of {one.id}")),
        }
        for one in records
    }
    report = settings.home / "report.json"
    report.write_text(json.dumps({"snapshot": snapshot, "outcomes": [], "texts": texts}))
    catalogue = Catalogue(settings.catalogue_url)
    catalogue.migrate()
    catalogue.record_verdict(
        "run",
        policy="tiny",
        passed=True,
        version=3,
        digest=MODEL,
        champion_digest=OTHER,
        snapshot_id=snapshot,
        captions_digest="t" * 64,
        report=str(report.with_suffix(".html")),
        report_digest=file_digest(report),
    )
    return settings, catalogue, report


def a2c(*arguments):
    return [str(Path(sys.executable).with_name("a2c")), "registry", *arguments]


def test_people_vote_blind_by_keyboard_and_the_catalogue_has_it(browser, judged, tmp_path):
    settings, catalogue, _ = judged
    home = ["--home", str(settings.home)]
    asked = study(settings, catalogue, 3, "ada")
    with subprocess.Popen(
        a2c("ask", "3", "--rater", "ada", *home), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            page = browser.new_page(viewport={"width": 800, "height": 900})
            page.goto(process.stdout.readline().strip())
            seen = []
            for key in ("1", "2", "3"):
                expect(page.get_by_text(f"{len(seen) + 1} of 4")).to_be_visible()
                whole = page.content()
                assert all(word not in whole for word in (MODEL[:8], OTHER[:8], "champion"))
                assert "<b>request" not in page.get_by_text("request").first.inner_html()
                seen.append((page.locator("section").first.inner_text(), key))
                page.screenshot(path=tmp_path / f"{key}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth") <= 800
                page.keyboard.press(key)
            page.get_by_label("Why, if you like").fill("1 is the number of it")  # typed, no vote
            page.get_by_role("button", name="both are wrong").focus()
            page.keyboard.press("Enter")
            expect(page.get_by_text("You have answered all 4")).to_be_visible()
            page.close()
        finally:
            process.terminate()
            process.wait(30)
    rows = catalogue.preferences(asked.name)
    assert [row.item for row in rows] == [pair.record for pair in asked.pairs]
    assert [row.verdict for row in rows] == list(PREFERENCES)
    assert rows[3].reason == "1 is the number of it"
    for row, (left, _) in zip(rows, seen, strict=False):
        assert row.left_by == (MODEL if "new one" in left else OTHER)
        assert row.blind
    told = subprocess.run(
        a2c("votes", "3", "--json", *home), capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout)["votes"] == 4 == tally(rows, MODEL).votes


def test_what_cannot_be_asked_is_named(judged):
    settings, catalogue, report = judged
    with pytest.raises(NotFoundError, match="version 9 was never evaluated"):
        study(settings, catalogue, 9, "ada")
    with pytest.raises(InputError, match="say who votes"):
        study(settings, catalogue, 3, " ")
    kept = report.read_text()
    report.write_text(kept + " ")
    with pytest.raises(IntegrityError, match="not the report that was judged"):
        study(settings, catalogue, 3, "ada")
    report.write_text(kept)
    assert set(KEYS.values()) == set(PREFERENCES)
