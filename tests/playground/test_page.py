"""The page in a real browser, on a laptop in light and on a phone in dark."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from any2caption.playground.compare import FILE

pytestmark = pytest.mark.server
expect.set_options(timeout=45_000)
EXAMPLES = Path(__file__).parents[2] / "examples"


def tab(page, name):
    """Go to a tab; on a phone some are behind the menu beside them."""
    wanted = page.get_by_role("tab", name=name, exact=True)
    if wanted.is_visible():
        wanted.click()
        return
    page.locator(".overflow-menu > button").click()
    page.locator(".overflow-dropdown").get_by_text(name, exact=True).click()


def accessible(page):
    """Nothing that axe calls serious or critical is wrong with what is shown."""
    page.wait_for_timeout(500)  # transitions of colours
    page.mouse.move(1, 1)
    found = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in {"serious", "critical"}]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in grave] == []


def load(page, title, last):
    """Load an example; `last` is its last condition."""
    page.get_by_role("button", name=title).click()
    page.get_by_role("button", name=f"Remove {last}").wait_for()


def write(page):
    """Ask for the caption and wait for it."""
    tab(page, "Request")
    page.get_by_role("button", name="Write the caption").click()
    page.get_by_role("heading", name="Action caption").wait_for()


def test_request_is_assembled_from_files_names_and_a_built_path(page, tmp_path):
    page.locator("#prompt textarea").fill("@rex waits in a kitchen")
    page.locator("#files input[type=file]").set_input_files(
        [EXAMPLES / "images" / "dog.jpg", *sorted((EXAMPLES / "pose" / "balancing").iterdir())]
    )
    page.get_by_role("button", name="Remove pose 1").wait_for()
    page.get_by_text("two people").first.wait_for()
    label = page.locator("#files label").first.bounding_box()
    icon = page.locator("#files .icon-wrap").first.bounding_box()
    beside = label["x"] + label["width"] <= icon["x"]
    assert beside or label["y"] + label["height"] <= icon["y"], "the label covers the icon"
    # The error stands at the prompt until a condition has the name.
    alert = page.get_by_role("alert").filter(has_text="@rex is the name of no condition")
    alert.wait_for()
    card = page.locator(".a2c-card").filter(has_text="picture 1")
    card.get_by_label("Name, for @name").fill("not a name")
    card.get_by_role("button", name="Apply to picture 1").click()
    card.get_by_role("alert").filter(has_text="one word").wait_for()
    card.get_by_label("Name, for @name").fill("@rex")
    card.get_by_role("button", name="Apply to picture 1").click()
    page.get_by_role("heading", name="picture 1 (@rex)").wait_for()
    alert.wait_for(state="detached")

    tab(page, "Camera")
    page.get_by_role("button", name="Add the movement").click()
    moves = page.get_by_label("Movements, one a line")
    page.wait_for_function("document.querySelector('#moves textarea').value.includes('dolly in')")
    moves.fill(moves.input_value() + "\npan lft")
    page.get_by_role("button", name="Show the path").click()
    page.get_by_role("alert").filter(has_text="line 2").wait_for()
    moves.fill("dolly in 1.5 m in 3 s\n+ pan left 20° in 3 s\npedestal up in 2 s")
    page.get_by_role("button", name="Show the path").click()
    words = "dollies in while panning left, then pedestals up"
    page.get_by_text(f"Read back as: {words}").wait_for()
    accessible(page)
    line = page.locator(".turns line").last
    before = line.get_attribute("x1")
    page.get_by_label("Turn").press("End")
    assert line.get_attribute("x1") != before
    page.get_by_role("button", name="Add the path to the request").click()
    page.get_by_text("The path was added").wait_for()

    tab(page, "Request")
    page.get_by_role("button", name="Remove camera 1").wait_for()
    page.screenshot(path=tmp_path / "assembled.png", full_page=True)
    accessible(page)
    page.get_by_role("button", name="Remove pose 1").click()
    page.get_by_role("button", name="Remove pose 1").wait_for(state="detached")


def test_regions_are_drawn_on_a_picture_of_the_request(page, tmp_path):
    load(page, "First frame and a push-in", "camera 1")
    tab(page, "Regions")
    page.get_by_label("Name of the region").fill("dog")
    picture = page.locator("#mark img")
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    side = min(box["width"], box["height"])
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    page.mouse.click(left + 0.2 * side, top + 0.1 * side)
    page.wait_for_timeout(1500)
    page.mouse.click(left + 0.8 * side, top + 0.9 * side)
    page.wait_for_function("document.querySelector('#regions textarea').value.includes('dog:')")
    line = page.get_by_label("Regions, one a line").input_value()
    assert [float(one) for one in line.split()[1:]] == pytest.approx([0.2, 0.1, 0.8, 0.9], abs=0.02)
    accessible(page)
    page.screenshot(path=tmp_path / "regions.png", full_page=True)
    page.get_by_role("button", name="Add the regions to the request").click()
    page.get_by_text("The regions were added").wait_for()

    tab(page, "Request")
    page.get_by_role("button", name="Remove region 1").wait_for()


def test_what_was_understood_is_shown_with_conflicts_and_how_to_say_otherwise(page, tmp_path):
    load(page, "Words against a camera path", "camera 1")
    tab(page, "Understood")
    shown = page.locator("#understood")
    shown.get_by_text("camera 1 was followed").wait_for()
    assert shown.get_by_role("img", name="dollies in while trucking left").first.is_visible()
    assert shown.get_by_role("img", name="Six moments of a plain scene").is_visible()
    assert "a large dog in the middle" in shown.inner_text()
    accessible(page)
    page.screenshot(path=tmp_path / "understood.png", full_page=True)

    tab(page, "Request")
    load(page, "A room by its depth", "depth 1")
    tab(page, "Understood")
    shown.get_by_text("surfaces from about one metre").wait_for()
    tab(page, "Request")
    page.get_by_label("Options, as name=value").fill("scale=100")
    page.get_by_role("button", name="Apply to depth 1").click()
    tab(page, "Understood")
    shown.get_by_text("surfaces from about ten metres").wait_for()


def test_every_sentence_says_where_it_comes_from(page, tmp_path):
    load(page, "Words against a camera path", "camera 1")
    write(page)
    answer = page.locator("#answer")
    said = answer.get_by_role("region", name="Camera caption").locator(".said")
    tip = said.get_by_role("tooltip")
    assert not tip.is_visible()
    said.focus()
    assert "camera 1, frames 0–15" in tip.inner_text()
    assert said.locator(".chip").inner_text() == "camera 1"  # told without colour, too
    invented = answer.get_by_role("region", name="Style caption").locator(".said")
    assert "invented" in invented.inner_text()
    assert "writer" not in answer.locator(".legend").inner_text()
    assert {"prompt", "region 1", "camera 1"} <= set(
        answer.locator(".legend .chip").all_inner_texts()
    )
    accessible(page)
    page.screenshot(path=tmp_path / "caption.png", full_page=True)


def test_parts_are_edited_locked_and_used(page, tmp_path):
    load(page, "First frame and a push-in", "camera 1")
    write(page)
    tab(page, "Edit and use")
    style = page.get_by_role("textbox", name="Style caption")
    camera = page.get_by_role("textbox", name="Camera caption")
    expect(camera).to_have_value(re.compile("dollies in"))
    # Against the path: the check says so.
    path_words = camera.input_value()
    camera.fill("The camera dollies out.")
    page.get_by_role("button", name="Hold my edits to the request").click()
    page.locator("#verdict").get_by_text("contradicted").first.wait_for()
    camera.fill(path_words)
    style.fill("Black and white film.")
    page.get_by_label("Lock style caption").check()
    page.get_by_role("button", name="Write the parts that are not locked").click()
    page.get_by_text("Written again.", exact=True).wait_for()
    expect(style).to_have_value("Black and white film.")
    dense = page.get_by_role("textbox", name="Dense caption")
    expect(dense).to_have_value(re.compile("lack and white film"))

    page.get_by_role("button", name="Show the prompt").click()
    prompt = page.locator("#generator-prompt")
    prompt.get_by_text("Nothing was cut.").wait_for()
    assert "image:first_frame" in prompt.inner_text()
    page.get_by_label("The prompt as a generator reads it").click()
    page.get_by_role("option", name="clip (CLIP)").click()
    prompt.get_by_text("Cut, because it did not fit").wait_for()
    page.get_by_role("button", name="Render a preview clip").click()
    page.locator("video").wait_for()
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    copied = page.locator("#copy textarea")
    assert "a2c caption" in copied.input_value()
    page.locator("#way").get_by_text("grpcurl").click()
    page.wait_for_function("document.querySelector('#copy textarea').value.includes('ModelInfer')")
    accessible(page)
    page.screenshot(path=tmp_path / "edit.png", full_page=True)

    tab(page, "Request")
    page.get_by_role("button", name="Save or load this request").click()
    page.get_by_role("button", name="Make a file of the request").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="request.zip").or_(
            page.locator("a[download='request.zip']")
        ).first.click()
    saved = tmp_path / "request.zip"
    download.value.save_as(saved)
    told = json.loads(zipfile.ZipFile(saved).read("request.json"))
    assert told["locked"] == {"style": "Black and white film."}
    load(page, "A performance by its pose", "pose 1")
    page.locator("input[type=file][accept='.zip']").set_input_files(saved)
    page.get_by_text("The request was loaded.").wait_for()
    page.get_by_role("button", name="Remove camera 1").wait_for()
    expect(page.locator("#prompt textarea")).to_have_value(told["text"])


def test_how_far_a_request_is_and_that_it_stops(browser, tmp_path):
    """The steps wait for files, so that each can be looked at."""
    environment = os.environ | {"SLOW": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("slow.py")],
        env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
            page.goto(process.stdout.readline().strip())
            page.locator("#prompt textarea").fill("A dog runs.")
            stop = page.get_by_role("button", name="Stop", exact=True)
            assert not stop.first.is_visible()
            asking(page, "Reading the inputs")
            accessible(page)
            page.screenshot(path=tmp_path / "reading.png", full_page=True)
            stop.first.click()
            page.get_by_text("Stopped.").wait_for()
            expect(stop.first).not_to_be_visible()
            assert (tmp_path / "left").exists(), "the steps were told"

            asking(page, "Reading the inputs")
            for step, following in (("preprocess", "Writing a draft"), ("decoder", "Holding the")):
                (tmp_path / step).touch()
                page.locator(".stages [aria-current]").filter(has_text=following).wait_for()
            assert page.locator("#answer").get_by_role("region").count() == 0
            page.screenshot(path=tmp_path / "checking.png", full_page=True)
            (tmp_path / "check").touch()
            page.get_by_role("heading", name="Action caption").wait_for()
            process.terminate()
            process.wait(30)  # with the page still open
        finally:
            process.kill()
            page.close()


def asking(page, stage):
    """Ask for the caption and wait until it is told which step works, and for how long."""
    page.get_by_role("button", name="Write the caption").click()
    now = page.locator(".stages [aria-current]").filter(has_text=stage)
    now.filter(has_text=re.compile(r"\b[1-9]\d* s")).wait_for()


def test_two_captions_are_compared_blind_and_the_verdict_is_kept(page, home, tmp_path):
    load(page, "A performance by its pose", "pose 1")
    tab(page, "Compare")
    page.get_by_role("button", name="Write both").click()
    pair = page.locator("#pair")
    pair.get_by_role("heading", name="Caption on the right").or_(
        pair.get_by_text("Caption on the right")
    ).first.wait_for()
    assert "length" not in pair.inner_text()
    accessible(page)
    page.screenshot(path=tmp_path / "blind.png", full_page=True)
    page.get_by_role("button", name="Record").click()
    page.get_by_role("alert").filter(has_text="choose left").wait_for()
    page.locator("#better").get_by_text("right", exact=True).click()
    page.get_by_role("button", name="Record").click()
    page.get_by_text("Recorded in").wait_for()
    assert "length long" in pair.inner_text()
    kept = json.loads((home / FILE).read_text().splitlines()[-1])
    assert (kept["verdict"], kept["blind"], kept["kinds"]) == ("right", True, ["pose"])
    assert {kept["left"]["choices"]["length"], kept["right"]["choices"]["length"]} == {
        "medium",
        "long",
    }


def test_browser_may_ask_nobody_else(page):
    blocked = page.evaluate(
        "fetch('http://127.0.0.1:9/').then(() => 'asked', (error) => String(error))"
    )
    assert "asked" not in blocked
    seen = page.evaluate(
        """() => new Promise((done) => {
            document.addEventListener('securitypolicyviolation', (one) => done(one.blockedURI));
            const image = new Image();
            image.src = 'http://127.0.0.1:9/a.png';
        })"""
    )
    assert seen == "http://127.0.0.1:9/a.png"
