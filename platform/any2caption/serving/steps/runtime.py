"""The only code that talks to Triton's Python backend: tensors to arrays, errors to responses.

A step works on a batch of requests and answers each with arrays or with an error, so that one bad
request never hurts the others. `triton_python_backend_utils` exists only inside a stub process.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import (
    A2CError,
    CancelledError,
    InputError,
    NotFoundError,
    UnavailableError,
    UngroundedError,
)
from any2caption.serving import server_version
from any2caption.serving.steps import cancellation
from any2caption.serving.steps.idle_memory import IdleMemory
from any2caption.serving.steps.progress import StepLog

Arrays = dict[str, NDArray[Any]]
Cancelled = Callable[[], bool]

_LOG = logging.getLogger(__name__)


class Step(Protocol):
    """What a model of the repository does.

    A step whose `run` also has a parameter `cancelled` gets one function a request, which says
    whether its client has left; a step that works for long asks it now and then.

    A step with an attribute `concurrency` above 1 is asked for that many requests at the same time,
    each alone on a thread of its own; others get batches. A step with a method `close` is closed at
    the end.
    """

    def __init__(self, bundle: Path | None, release: str, parameters: Mapping[str, str]) -> None:
        """Load what the step needs; `bundle` is None in the release that has no model."""

    def run(self, batch: Sequence[Arrays]) -> Sequence[Arrays | A2CError]:
        """Answer each request of the batch, in order."""


class StepModel:
    """Adapter from a `Step` to Triton's `TritonPythonModel`; subclasses set `step_class`."""

    step_class: type[Step]

    def initialize(self, arguments: Mapping[str, str]) -> None:
        """Check the runtime and load the step; an exception here refuses the model.

        Raises:
            RuntimeError: NumPy 2 under a Triton whose backend would answer with empty tensors.
        """
        server, numpy = server_version.version(), np.__version__
        if int(numpy.partition(".")[0]) > 1 and not server_version.takes_numpy_2(server):
            raise RuntimeError(f"numpy {numpy}: Triton {server} needs numpy<2 (empty outputs)")
        config = json.loads(arguments["model_config"])
        self.name = str(config["name"]).partition("-r")[0]
        parameters = {
            key: str(value["string_value"]) for key, value in config.get("parameters", {}).items()
        }
        self.inputs = [tensor["name"] for tensor in config["input"]]
        bundle = Path(parameters["bundle"]) if parameters["bundle"] else None
        self.step = self.step_class(bundle, parameters["release"], parameters)
        self.concurrency = int(getattr(self.step, "concurrency", 1))
        self._places = threading.Semaphore(self.concurrency)
        self._threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="request")
        self._memory = IdleMemory()

    def finalize(self) -> None:
        """Let requests end and the step give back what it holds."""
        self._threads.shutdown(wait=True)
        self._memory.close()
        close = getattr(self.step, "close", None)
        if close is not None:
            close()

    def execute(self, requests: Sequence[Any]) -> list[Any] | None:
        """Answer a batch here, or each request on its thread (None: answers are sent later).

        Waits while all threads are taken, so that what waits stays in the server's queue.
        """
        self._memory.busy()
        try:
            if self.concurrency == 1:
                return self._responses(requests)
            for request in requests:
                self._places.acquire()
                self._threads.submit(self._answer_alone, request)
            return None
        finally:
            self._memory.busy()

    def _answer_alone(self, request: Any) -> None:
        backend = sys.modules["triton_python_backend_utils"]
        try:
            (response,) = self._responses([request])
        except Exception as error:  # noqa: BLE001 - a request without a response never ends
            _LOG.exception("step failed")
            failed = A2CError(f"{type(error).__name__}: {error}")
            response = backend.InferenceResponse(error=_triton_error(backend, failed))
        try:
            final = backend.TRITONSERVER_RESPONSE_COMPLETE_FINAL
            request.get_response_sender().send(response, flags=final)
        finally:
            self._memory.busy()
            self._places.release()

    def _responses(self, requests: Sequence[Any]) -> list[Any]:
        """Answer a batch; a cancelled request is not computed."""
        backend = sys.modules["triton_python_backend_utils"]
        responses: list[Any] = [None] * len(requests)
        batch, places, flags, tokens = [], [], [], []
        for place, request in enumerate(requests):
            cancelled = self._cancelled(request)
            if cancelled():
                gone = backend.TritonError("cancelled", backend.TritonError.CANCELLED)
                responses[place] = backend.InferenceResponse(error=gone)
                continue
            batch.append(self._arrays(backend, request))
            places.append(place)
            flags.append(cancelled)
            tokens.append(_token(request))
        with ExitStack() as said:
            for token in filter(None, tokens):
                said.enter_context(StepLog(_folder()).working(token, self.name))
            answered = answers(self.step, batch, flags)
        for place, answer in zip(places, answered, strict=True):
            if isinstance(answer, A2CError):
                response = backend.InferenceResponse(error=_triton_error(backend, answer))
            else:
                tensors = [backend.Tensor(name, array) for name, array in answer.items()]
                response = backend.InferenceResponse(tensors)
            responses[place] = response
        return responses

    @staticmethod
    def _cancelled(request: Any) -> Cancelled:
        """Return the function that says whether a request's client has left."""
        token = _token(request)
        if not token:
            return lambda: bool(request.is_cancelled())
        flags = cancellation.CancelFlags(_folder())
        return lambda: flags.is_set(token) or bool(request.is_cancelled())

    def _arrays(self, backend: Any, request: Any) -> Arrays:
        tensors = {name: backend.get_input_tensor_by_name(request, name) for name in self.inputs}
        return {name: tensor.as_numpy() for name, tensor in tensors.items() if tensor is not None}


def _token(request: Any) -> str:
    """Return the token by which door and steps know a request; empty where no door gave one."""
    token = json.loads(request.parameters() or "{}").get(cancellation.PARAMETER)
    known = os.environ.get(cancellation.FOLDER_VARIABLE) and cancellation.is_token(token)
    return str(token) if known else ""


def _folder() -> Path:
    return Path(os.environ[cancellation.FOLDER_VARIABLE])


def answers(
    step: Step, batch: Sequence[Arrays], cancelled: Sequence[Cancelled] = ()
) -> list[Arrays | A2CError]:
    """Run a batch; if it fails as a whole, run its requests one by one and fail only the bad."""
    if not batch:
        return []
    try:
        return [_bare(answer) for answer in step.run(batch, **told(step, cancelled))]
    except Exception as error:  # noqa: BLE001 - the boundary to the server: every request gets an answer
        if len(batch) > 1:
            each = [[one] for one in cancelled] or [[]] * len(batch)
            return [answers(step, [one], flag)[0] for one, flag in zip(batch, each, strict=True)]
        if isinstance(error, A2CError):
            return [_bare(error)]
        _LOG.exception("step failed")
        return [A2CError(f"{type(step).__name__}: {type(error).__name__}: {error}")]


def told(step: Step, cancelled: Sequence[Cancelled]) -> dict[str, Sequence[Cancelled]]:
    """Return what a step's `run` is told beside its batch."""
    return {"cancelled": cancelled} if "cancelled" in signature(step.run).parameters else {}


def _bare(answer: Arrays | A2CError) -> Arrays | A2CError:
    """Take an error that is an answer off the frames it came through.

    They lead back to the caller's, which holds the answer: until the garbage collector came by, the
    circle would keep the request and the shared memory that its files lie in.
    """
    if isinstance(answer, A2CError):
        answer.__traceback__ = answer.__cause__ = answer.__context__ = None
    return answer


def _triton_error(backend: Any, error: A2CError) -> Any:
    kind = backend.TritonError
    codes = {
        InputError: kind.INVALID_ARG,
        UngroundedError: kind.INVALID_ARG,  # the door says FAILED_PRECONDITION
        NotFoundError: kind.NOT_FOUND,
        CancelledError: kind.CANCELLED,
        UnavailableError: kind.UNAVAILABLE,
    }
    return kind(str(error), codes.get(type(error), kind.INTERNAL))


def text(array: NDArray[Any]) -> list[bytes]:
    """Return a string tensor's elements as bytes, in order."""
    return [bytes(element) for element in array.reshape(-1)]


def strings(*values: str | bytes, batched: bool = False) -> NDArray[np.object_]:
    """Return a string tensor of shape [n], or [1, n] for a model that batches."""
    array = np.empty(len(values), dtype=np.object_)
    array[:] = [value.encode() if isinstance(value, str) else value for value in values]
    return array[None] if batched else array
