"""A request under way says how far it is, and ends when its visitor leaves."""

import threading

import pytest

from any2caption.errors import CancelledError, InputError
from any2caption.playground.pending import Pending
from any2caption.playground.views import progress
from any2caption.serving.following import STAGES


def stopped_at(step):
    """Work on a step until told to stop."""

    def ask(follow):
        while follow([step]):
            threading.Event().wait(0.01)
        raise CancelledError("the request was cancelled")

    return ask


def test_how_far_it_is_goes_only_forward():
    begun, end = threading.Event(), threading.Event()

    def ask(follow):
        for running in (["preprocess"], ["decoder"], []):
            assert follow(running)
        begun.set()
        end.wait(30)
        return "a caption"

    pending = Pending(ask)
    assert begun.wait(30)
    now, seconds = next(told := pending.told())
    assert STAGES[now] == "writing a draft"
    assert seconds >= 0
    end.set()
    list(told)
    assert pending.result() == "a caption"


def test_whoever_stops_listening_takes_the_request_back():
    pending = Pending(stopped_at("decoder"))
    told = pending.told()
    next(told)
    told.close()
    with pytest.raises(CancelledError):
        pending.result()


def test_leaving_ends_it():
    pending = Pending(stopped_at("preprocess"))
    pending.leave()
    with pytest.raises(CancelledError):
        pending.result()


def test_what_is_wrong_is_told_at_the_end():
    def ask(_follow):
        raise InputError("no camera path", file="a.txt")

    pending = Pending(ask)
    list(pending.told())
    with pytest.raises(InputError, match=r"a\.txt: no camera path"):
        pending.result()


def test_the_page_says_what_is_done_what_works_and_for_how_long():
    html = progress(1, 12.9)
    assert html.count("<li") == 3
    assert html.count(">done<") == 1
    assert '<li aria-current="step">Writing a draft' in html
    assert "12 s" in html
