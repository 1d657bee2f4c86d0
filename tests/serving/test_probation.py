"""Which failures under callers' traffic speak against a release."""

import pytest

from any2caption.serving.control import Counts
from any2caption.serving.releases.probation import FAILURES, failing

BEFORE = {"decoder-r7": Counts(1000, 500, 10), "previs-r6": Counts(5, 5, 500)}


def after(step, requests, failures, release=7):
    old = BEFORE.get(f"{step}-r{release}", Counts(0, 0, 0))
    new = Counts(old.requests + requests, old.executions, old.failures + failures)
    return {**BEFORE, f"{step}-r{release}": new}


@pytest.mark.parametrize("step", ["vision_encoder", "decoder", "previs"])
def test_a_step_that_fails_a_good_part_of_its_requests_is_named(step):
    said = failing(BEFORE, after(step, 30, 10), 7)
    assert said == f"{step}-r7 failed 10 of 40 requests"


@pytest.mark.parametrize(
    ("step", "requests", "failures"),
    [
        ("decoder", 0, FAILURES - 1),  # too few to judge
        ("decoder", 100, 20),  # cancelled requests count as failures
        ("decoder", 0, 0),
        ("preprocess", 0, 100),  # what callers sent wrongly
    ],
)
def test_what_may_be_the_callers_doing_takes_no_release_back(step, requests, failures):
    assert not failing(BEFORE, after(step, requests, failures), 7)


def test_failures_before_the_switch_and_of_other_releases_do_not_count():
    assert not failing(BEFORE, after("decoder", 100, 0), 7)
    assert not failing(BEFORE, after("previs", 0, 100, release=6), 7)
