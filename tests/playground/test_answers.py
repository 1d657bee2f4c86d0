"""An answer on the page: sources, repairs, locks, verdicts; and who may see the page."""

import json
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.conditions.fact import Fact, Source
from any2caption.datasets.catalogue import PREFERENCES, Catalogue
from any2caption.errors import InputError
from any2caption.grounding.check import check
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.playground.compare import (
    FILE,
    VERDICTS,
    Side,
    in_catalogue,
    in_file,
    judged,
    paired,
)
from any2caption.playground.edits import asking_again, edited, kept, objections
from any2caption.playground.request import Request
from any2caption.playground.server import Guard, checked_token, is_loopback
from any2caption.playground.views import answer, problem, sides
from any2caption.serving.client import CaptionResult

PATH = Fact("camera", "pans right", Source("camera 1", frames=(0, 23)), {"keys": ["pan_right"]})


def result_of(grounded):
    """An answer as a client gets it."""
    return CaptionResult(grounded.caption, render(grounded.caption), grounded.as_info())


def facts_of(text):
    """The facts of a text and of a path that pans right."""
    read = gather(text, [])
    return Facts(text, (*read.found, PATH), notes=read.notes)


def test_repaired_sentence_is_struck_through_beside_its_replacement():
    facts = facts_of("A dog runs.")
    wrong = compose(facts).caption.model_copy(update={"camera": "The camera pans left."})
    result = result_of(check(wrong, facts, writer="model"))
    html = answer(result, Request(facts.text), where="here", sent=facts.text)
    assert "<del>The camera pans left.</del> <ins>The camera pans right.</ins>" in html
    assert '<span class="chip repaired">repaired</span>' in html
    assert "The sentence before contradicted the request" in html
    assert "From camera 1, frames 0–23." in html


def test_what_users_write_is_text_on_the_page():
    text = 'A dog <img src=x onerror="alert(1)"> runs.'
    html = answer(
        result_of(compose(facts_of(text))), Request(text), where="here", sent=text
    ) + problem(text)
    assert "<img" not in html
    assert "&lt;img" in html


def test_every_input_has_its_tone_and_words_say_it_too():
    facts = facts_of("A dog runs.")
    html = answer(result_of(compose(facts)), Request(facts.text), where="here", sent=facts.text)
    assert '<span class="chip tone0">prompt</span>' in html
    assert '<span class="chip tone1">camera 1</span>' in html
    assert "From prompt, “A dog" in html
    assert "Nobody stated this." in html


def test_locked_parts_stay_and_only_new_words_join_the_prompt():
    facts = facts_of("A dog runs.")
    first = result_of(compose(facts))
    request = Request(
        "A dog runs", locked={"camera": first.caption.camera, "style": "Black and white film"}
    )
    assert asking_again(request, first.caption).text == "A dog runs Black and white film."
    again = kept(first, request.locked)
    assert again.caption.style == "Black and white film"
    assert again.caption.dense == first.caption.dense
    assert again.provenance["style"][0]["sources"] == [{"input": "your edit"}]


def test_edit_against_the_path_is_objected_to():
    facts = facts_of("A dog runs.")
    good = compose(facts).caption
    assert objections(good, facts) == []
    (line,) = objections(good.model_copy(update={"camera": "The camera pans left."}), facts)[:1]
    assert line.startswith("Camera caption: contradicted")
    with pytest.raises(InputError, match="Style caption: is empty"):
        edited({**good.model_dump(), "style": " "})


def pair_of(*, blind):
    """Two answers of different length."""
    caption = StructuredCaption(**dict.fromkeys(PARTS, "A dog runs."))
    result = CaptionResult(caption, render(caption), {"writer": "compose", "release": 3})
    short, long = (Side("here", {"writer": "compose", "length": one}) for one in ("short", "long"))
    return paired(Request("a dog"), (short, result), (long, replace(result)), blind=blind)


def test_blind_pair_hides_who_wrote_it_until_the_verdict(tmp_path):
    pair = pair_of(blind=True)
    hidden, shown = (sides(pair, "a dog", reveal=reveal) for reveal in (False, True))
    for word in ("length", "release", "compose", "Composed"):
        assert word not in hidden
    assert "length short" in shown
    orders = {pair_of(blind=True).left[0].choices["length"] for _ in range(40)}
    assert orders == {"short", "long"}
    assert {pair_of(blind=False).left[0].choices["length"] for _ in range(9)} == {"short"}
    with pytest.raises(InputError, match="choose left, right"):
        judged(pair, "", "")


def test_verdicts_are_kept_in_a_file_without_a_stack(tmp_path):
    pair, keep = pair_of(blind=True), in_file(tmp_path)
    for verdict in VERDICTS:
        where = keep(judged(pair, verdict, " clearer "))
    assert where == str(tmp_path / FILE)
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert [one["verdict"] for one in lines] == list(VERDICTS)
    assert lines[0]["why"] == "clearer"
    assert lines[0]["left"]["release"] == 3


def test_verdicts_are_kept_in_the_catalogue_of_a_stack(tmp_path):
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")
    catalogue.migrate()
    assert VERDICTS == PREFERENCES
    pair, keep = pair_of(blind=True), in_catalogue(catalogue)
    told = [judged(pair, verdict, "clearer") for verdict in VERDICTS]
    assert [keep(one) for one in told] == [f"the catalogue, number {n}" for n in (1, 2, 3, 4)]
    rows = catalogue.preferences()
    assert [row.verdict for row in rows] == list(VERDICTS)
    assert {row.item for row in rows} == {told[0]["request"]}
    assert (rows[0].blind, rows[0].reason, rows[0].study) == (True, "clearer", None)
    assert rows[0].left_by == "compose, release 3, here"
    assert rows[0].details["left"]["caption"] == told[0]["left"]["caption"]
    catalogue.close()


def client(token="", base="http://127.0.0.1:7860", *, loopback=True):
    """A client of a page behind the guard."""
    page = Starlette(routes=[Route("/", lambda _: PlainTextResponse("the page"))])
    return TestClient(Guard(page, token=token, loopback=loopback), base_url=base)


def test_nobody_comes_in_without_the_token():
    visitor = client("secret", "http://10.0.0.5:7860", loopback=False)
    assert visitor.get("/").status_code == 401
    assert visitor.get("/?token=other").status_code == 401
    assert visitor.get("/", cookies={"a2c_play": "other"}).status_code == 401
    visitor.cookies.clear()
    assert visitor.get("/?token=secret").text == "the page"
    assert visitor.get("/").text == "the page"


def test_other_pages_and_other_names_are_refused():
    assert client().get("/").text == "the page"
    assert client().get("/", headers={"origin": "http://evil.org"}).status_code == 403
    assert client(base="http://evil.org:7860").get("/").status_code == 403
    assert "default-src 'self'" in client().get("/").headers["content-security-policy"]


def test_a_token_is_made_where_others_can_reach_the_page():
    assert checked_token("127.0.0.1", "") == checked_token("localhost", "") == ""
    assert checked_token("::1", "mine") == "mine"
    assert len(checked_token("0.0.0.0", "")) > 20  # noqa: S104
    assert not is_loopback("example.org")
