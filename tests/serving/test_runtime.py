"""Between Triton and the steps: one bad request is one error; status codes become our errors."""

import gc
import json
import sys
import threading
import types
import weakref

import numpy as np
import pytest

from any2caption.errors import (
    A2CError,
    CancelledError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from any2caption.serving.errors import is_dead_stub, plain_message, translated
from any2caption.serving.steps import runtime
from any2caption.serving.steps.cancellation import CancelFlags, new_token


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


class Refuses:
    """Refuses by an error that came out of another one, raised or returned."""

    def __init__(self, *, returned):
        self.returned = returned

    def run(self, batch):
        try:
            self._decode(batch[0]["X"])
        except InputError as error:
            if not self.returned:
                raise
            return [error]

    def _decode(self, array):
        try:
            array.reshape(2, 2)
        except ValueError as error:
            raise InputError("bad picture") from error


@pytest.mark.parametrize("returned", [True, False])
def test_nothing_of_a_refused_request_is_kept_until_the_garbage_collector_comes(returned):
    def ask():
        arrays = {"X": np.zeros(3)}
        (answer,) = runtime.answers(Refuses(returned=returned), [arrays])
        assert str(answer) == "bad picture"
        return weakref.ref(arrays["X"])

    gc.disable()
    try:
        assert ask()() is None
    finally:
        gc.enable()


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


class Waiting:
    """Two requests at a time; one waits until the test lets it go, a third fails."""

    concurrency = 2
    held, closed = threading.Event(), threading.Event()

    def __init__(self, _bundle, _release, _parameters):
        pass

    def run(self, batch):
        (arrays,) = batch
        if arrays["X"][0] == 0:
            assert self.held.wait(30)
        return [{"Y": arrays["X"] * 2}]

    def close(self):
        self.closed.set()


class Sent:
    """A request, and what was answered."""

    def __init__(self, value):
        self.value, self.answer, self.answered = value, None, threading.Event()

    def is_cancelled(self):
        if self.value is None:
            raise OSError("the server is gone")
        return False

    def parameters(self):
        return "{}"

    def get_response_sender(self):
        return self

    def send(self, response, flags):
        self.answer, self.flags = response, flags
        self.answered.set()


class Tensor:
    def __init__(self, name, array):
        self.name, self.array = name, array

    def as_numpy(self):
        return self.array


class TritonError(Exception):
    INVALID_ARG, INTERNAL, CANCELLED, UNAVAILABLE, NOT_FOUND = range(5)


@pytest.fixture
def waiting(monkeypatch):
    """A step that answers two requests at a time, as Triton would start it."""
    backend = types.SimpleNamespace(
        Tensor=Tensor,
        TritonError=TritonError,
        InferenceResponse=lambda tensors=(), error=None: error or tensors,
        TRITONSERVER_RESPONSE_COMPLETE_FINAL=1,
        get_input_tensor_by_name=lambda request, name: Tensor(name, np.array([request.value])),
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", backend)
    monkeypatch.setattr(runtime.np, "__version__", "1.26.4")
    model = runtime.StepModel()
    model.step_class = Waiting
    parameters = {"bundle": {"string_value": "b"}, "release": {"string_value": "1"}}
    config = {"name": "waits-r1", "input": [{"name": "X"}], "parameters": parameters}
    model.initialize({"model_config": json.dumps(config)})
    yield model
    Waiting.held.set()
    model.finalize()


def test_a_slow_request_does_not_delay_the_next_one(waiting):
    slow, good = Sent(0), Sent(21)
    assert waiting.execute([slow]) is None
    assert waiting.execute([good]) is None
    assert good.answered.wait(10)
    assert int(good.answer[0].array[0]) == 42
    assert good.flags == 1
    assert not slow.answered.is_set()
    Waiting.held.set()
    assert slow.answered.wait(10)
    waiting.finalize()
    assert Waiting.closed.is_set()


def test_a_request_on_a_thread_is_answered_whatever_happens(waiting):
    broken = Sent(None)
    waiting.execute([broken])
    assert broken.answered.wait(10)
    assert broken.answer.args == ("OSError: the server is gone", TritonError.INTERNAL)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), TritonError.INVALID_ARG),
        (CancelledError("x"), TritonError.CANCELLED),
        (UnavailableError("x"), TritonError.UNAVAILABLE),
        (NotFoundError("x"), TritonError.NOT_FOUND),
        (A2CError("x"), TritonError.INTERNAL),
    ],
)
def test_each_error_has_its_status(error, code):
    backend = types.SimpleNamespace(TritonError=TritonError)
    assert runtime._triton_error(backend, error).args == ("x", code)
