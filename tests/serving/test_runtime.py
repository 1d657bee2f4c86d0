"""Between Triton and the steps: one bad request is one error; status codes become our errors."""

import json

import numpy as np
import pytest

from any2caption.errors import A2CError, InputError, NotFoundError, UnavailableError
from any2caption.serving import runtime
from any2caption.serving.cancellation import CancelFlags, new_token
from any2caption.serving.errors import is_dead_stub, plain_message, translated


class Doubler:
    def __init__(self):
        self.batches = []

    def run(self, batch):
        self.batches.append(len(batch))
        if any(arrays["X"][0] < 0 for arrays in batch):
            raise ValueError("negative")
        if any(arrays["X"][0] == 99 for arrays in batch):
            raise InputError("too large", file="x.txt", field="X")
        return [{"Y": arrays["X"] * 2} for arrays in batch]


def batch(*values):
    return [{"X": np.array([value])} for value in values]


def test_good_batch_is_one_run():
    step = Doubler()
    assert [int(a["Y"][0]) for a in runtime.answers(step, batch(1, 2, 3))] == [2, 4, 6]
    assert step.batches == [3]
    assert runtime.answers(step, []) == []


def test_bad_request_fails_alone():
    first, bad, refused, last = runtime.answers(Doubler(), batch(1, -1, 99, 4))
    assert int(first["Y"][0]) == 2
    assert int(last["Y"][0]) == 8
    assert str(bad) == "Doubler: ValueError: negative"
    assert isinstance(refused, InputError)
    assert str(refused) == "x.txt: X: too large"


class Patient(Doubler):
    def run(self, batch, cancelled=()):
        self.seen = [left() for left in cancelled]
        if len(batch) > 1:
            raise ValueError("one by one")
        return [
            InputError("gone") if left() else arrays
            for arrays, left in zip(batch, cancelled, strict=True)
        ]


def test_a_step_that_asks_learns_which_client_has_left():
    flags = [lambda: False, lambda: True, lambda: False]
    first, gone, last = runtime.answers(Patient(), batch(1, 2, 3), flags)
    assert int(first["X"][0]) == 1
    assert isinstance(gone, InputError)
    assert int(last["X"][0]) == 3
    assert len(runtime.answers(Doubler(), batch(1, 2), flags[:2])) == 2, "others are not told"


class Request:
    def __init__(self, parameters, *, cancelled=False):
        self.text, self.gone = parameters, cancelled

    def parameters(self):
        return self.text

    def is_cancelled(self):
        return self.gone


def test_a_request_is_cancelled_by_triton_or_by_the_doors_flag(tmp_path, monkeypatch):
    flags = CancelFlags(tmp_path)
    token = new_token()
    monkeypatch.setenv("A2C_CANCEL_FOLDER", str(tmp_path))
    asked = runtime.StepModel._cancelled(Request(json.dumps({"a2c_token": token})))
    assert not asked()
    flags.set(token)
    assert asked()
    for parameters in ("", "{}", json.dumps({"a2c_token": "../x"}), json.dumps({"a2c_token": 1})):
        assert not runtime.StepModel._cancelled(Request(parameters))()
        assert runtime.StepModel._cancelled(Request(parameters, cancelled=True))()


def test_strings_keep_null_bytes_and_order():
    array = runtime.strings(b"\x00a\x00", "ü")
    assert array.shape == (2,)
    assert runtime.text(array) == [b"\x00a\x00", "ü".encode()]
    assert runtime.strings("a", batched=True).shape == (1, 1)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        ("StatusCode.INVALID_ARGUMENT", "a.png: width: 0", InputError),
        ("StatusCode.UNAVAILABLE", "failed to connect", UnavailableError),
        ("StatusCode.DEADLINE_EXCEEDED", "Deadline Exceeded", UnavailableError),
        ("StatusCode.NOT_FOUND", "Request for unknown model: 'x' is not found", UnavailableError),
        ("StatusCode.NOT_FOUND", "no such thing", NotFoundError),
        ("StatusCode.INTERNAL", "Stub process 'x_0_0' is not healthy.", UnavailableError),
        ("StatusCode.INTERNAL", "boom", A2CError),
    ],
)
def test_status_codes_become_the_platforms_errors(status, message, kind):
    error = translated(status, message)
    assert type(error) is kind
    assert message in str(error)


def test_chain_of_ensembles_is_dropped_from_messages():
    chain = "in ensemble 'any2video', in ensemble 'any2caption', a.png: width: 0"
    assert plain_message(chain) == "a.png: width: 0"
    assert is_dead_stub(translated("StatusCode.INTERNAL", "Stub process 'x' is not healthy"))
