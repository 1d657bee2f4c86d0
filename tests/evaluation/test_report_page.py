"""The report in a real browser: nothing is cut, nothing lies beside the page."""

import re

import pytest
from made_report import made_report

from any2caption.evaluation.reports import report_html

pytestmark = pytest.mark.server
# What reaches beyond the window, and what shows only a part of what is in it.
CUT = """() => [...document.querySelectorAll('body *')].filter(one => {
  const box = one.getBoundingClientRect(), shown = getComputedStyle(one).overflowX;
  return box.right > innerWidth + 1 || box.left < -1
    || (shown !== 'visible' && one.scrollWidth > one.clientWidth + 1)
    || getComputedStyle(one).textOverflow === 'ellipsis';
}).map(one => `${one.tagName} ${one.textContent.slice(0, 60)}`)"""

SECTIONS = {
    "Against the champion": "all",
    "Closed loop": "shuffled",
    "IRScore": "background",
    "CLIP-T": "gold",
}
"""Sections that reports of other tests lack, and a row of each."""


def unwieldy(record):
    """Names and texts as long as data of others may have, and many slots."""
    questions = [
        qa.model_copy(update={"slot": f"stated_something_long_{index}_{qa.slot}"})
        for index, qa in enumerate(record.qa)
    ]
    prompt = f"{record.prompt} {'Donaudampfschifffahrtsgesellschaft' * 4} {'and so on ' * 40}"
    return record.model_copy(update={"prompt": prompt, "qa": (*record.qa, *questions)})


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        report = made_report(patch, alter=unwieldy, slips=0.3)
    for one in report["samples"]:
        one["record"] = "r" * 200
    path.write_text(report_html.page(report), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_of_the_report_is_cut(browser, address, tmp_path, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(address)
    page.screenshot(path=tmp_path / f"{width}.png")
    assert "\n".join(page.evaluate(CUT)) == ""
    assert page.locator(".sample figure > *:first-child").count() > 20  # conditions are drawn
    assert page.locator("mark").count() > 50
    for section, row in SECTIONS.items():
        shown = page.locator(f"h2:has-text('{section}') ~ div.card >> nth=0")
        assert shown.locator("tr", has_text=row).first.is_visible()
        page.get_by_role("heading", name=section).scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / f"{width} {section}.png")
    assert {url for url in asked if not url.startswith(("data:", "file:"))} == set()
    page.close()


def test_good_is_green_whatever_the_direction(browser, address):
    page = browser.new_page()
    page.goto(address)
    more_green = (
        "one => one.style.background.match(/\\d+/g)[1] - one.style.background.match(/\\d+/)"
    )
    rows = page.locator("tr", has=page.locator("span.cell"))
    right = rows.filter(has_text="all that the inputs determine").first.locator("span.cell")
    control = rows.filter(has_text="control: another record's conditions").locator("span.cell")
    assert float(right.inner_text()) > 0.6
    assert float(control.inner_text()) < 0.4
    assert right.evaluate(more_green) > 0
    assert control.evaluate(more_green) > 0
    for sign, name in (("+", "good"), ("-", "bad")):
        other_way = page.locator("tr").filter(has_not_text="control: ")
        told = other_way.locator(f"span.{name}").all_inner_texts()
        assert told
        assert all(re.match(rf"\{sign}0\.\d+", one) for one in told)
    page.close()
