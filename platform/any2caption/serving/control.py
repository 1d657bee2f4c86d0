"""Triton's control plane over gRPC: health, loading, unloading, what is there."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from any2caption.closing import Closing
from any2caption.errors import UnavailableError
from any2caption.serving.errors import RETRY_HEADER, BusyError, translated

if TYPE_CHECKING:
    from any2caption.settings import Settings

LOAD_SECONDS = 300.0
KEY_NAME = "a2c-key"
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class ModelState:
    """One version of one model as the server's index says."""

    name: str
    version: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a model answered requests, and in how many executions."""

    requests: int
    executions: int
    failures: int


def key_header(key: str) -> dict[str, str]:
    """Return the header by which Triton knows who may call it; none without a key."""
    return {f"triton-grpc-protocol-{KEY_NAME}": key} if key else {}


class TritonControl(Closing):
    """A client of the server at `url` (its gRPC address); use as a context manager.

    Triton itself answers nobody without the `key`; the door in front of it asks for none.
    """

    def __init__(self, url: str, key: str = "") -> None:
        import tritonclient.grpc as triton

        self.url, self.key = url, key
        self._error = triton.InferenceServerException
        self._client: Any = triton.InferenceServerClient(url)
        if key:
            self._client.register_plugin(_key_plugin(key))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @contextmanager
    def _translated(self, model: str = "") -> Iterator[None]:
        try:
            yield
        except self._error as error:
            if (seconds := _retry_after(error)) is not None:
                raise BusyError(f"{self.url}: {error.message()}", seconds) from error
            raise translated(str(error.status()), error.message(), model=model) from error

    def ready(self, *, timeout: float = 5.0) -> bool:
        """Whether the server is up; of a model ask `model_ready`."""
        try:
            return bool(self._client.is_server_ready(client_timeout=timeout))
        except self._error:
            return False

    def wait_ready(self, seconds: float) -> None:
        """Wait until the server is ready; UnavailableError after `seconds`."""
        limit = time.monotonic() + seconds
        while not self.ready():
            if time.monotonic() > limit:
                raise UnavailableError(f"{self.url}: Triton is not ready after {seconds:.0f} s")
            time.sleep(_PAUSE)

    def load(self, name: str, *, timeout: float = LOAD_SECONDS) -> None:
        """Load or reload a model from its files; the former version serves until this is ready."""
        with self._translated(name):
            self._client.load_model(name, client_timeout=timeout)

    def unload(self, name: str, *, timeout: float = LOAD_SECONDS) -> None:
        """Unload a model after its running requests; what is not loaded is not an error."""
        with self._translated(name):
            self._client.unload_model(name, client_timeout=timeout)

    def model_ready(self, name: str, version: str = "") -> bool:
        """Whether a model (of a version) is ready."""
        try:
            return bool(self._client.is_model_ready(name, version, client_timeout=10.0))
        except self._error:
            return False

    def index(self) -> list[ModelState]:
        """Return what the server knows of its repository."""
        with self._translated():
            answer = self._client.get_model_repository_index(client_timeout=30.0)
        return [
            ModelState(model.name, model.version, model.state, model.reason)
            for model in answer.models
        ]

    def counts(self) -> dict[str, Counts]:
        """Return the inference statistics by model name (all versions added up)."""
        with self._translated():
            answer = self._client.get_inference_statistics(client_timeout=30.0)
        found: dict[str, Counts] = {}
        for model in answer.model_stats:
            old = found.get(model.name, Counts(0, 0, 0))
            found[model.name] = Counts(
                old.requests + model.inference_count,
                old.executions + model.execution_count,
                old.failures + model.inference_stats.fail.count,
            )
        return found

    def infer(
        self,
        name: str,
        inputs: list[Any],
        *,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send tritonclient inputs to a model, return its result; errors are the platform's."""
        with self._translated(name):
            return self._client.infer(name, inputs, client_timeout=timeout, headers=headers)

    def wait_gone(self, names: set[str], seconds: float) -> None:
        """Wait until no version of these models is loaded or unloading."""
        limit = time.monotonic() + seconds
        while True:
            left = {m.name for m in self.index() if m.name in names and _occupied(m)}
            if not left:
                return
            if time.monotonic() > limit:
                raise UnavailableError(f"{', '.join(sorted(left))}: still unloading")
            time.sleep(_PAUSE)

    def wait_only_version(self, name: str, version: str, seconds: float) -> None:
        """Wait until `version` is the only loaded version of a model."""
        limit = time.monotonic() + seconds
        while True:
            loaded = {m.version: m.state for m in self.index() if m.name == name and _occupied(m)}
            if loaded == {version: "READY"}:
                return
            if time.monotonic() > limit:
                raise UnavailableError(f"{name}: versions {loaded} are loaded, not just {version}")
            time.sleep(_PAUSE)


def _retry_after(error: Exception) -> float | None:
    """Return the seconds that a full door names; tritonclient keeps gRPC's error as context."""
    trailing: Any = getattr(error.__context__, "trailing_metadata", tuple)() or ()
    text = dict(trailing).get(RETRY_HEADER, "")
    return int(text) / 1000 if text.isdigit() else None


def _key_plugin(key: str) -> Any:
    """Return the tritonclient plugin that adds the key to every call."""
    from tritonclient.grpc import InferenceServerClientPlugin

    class KeyPlugin(InferenceServerClientPlugin):  # type: ignore[misc]
        def __call__(self, request: Any) -> None:
            request.headers = {**(request.headers or {}), **key_header(key)}

    return KeyPlugin()


def connect(settings: "Settings") -> TritonControl:
    """Return a client of Triton itself, behind the door, with the key that it asks for."""
    return TritonControl(settings.triton_inner_url, settings.triton_key.get_secret_value())


def _occupied(model: ModelState) -> bool:
    return model.state in {"READY", "LOADING", "UNLOADING"}


def array_input(name: str, array: Any) -> Any:
    """Return a tritonclient input of a NumPy array."""
    import tritonclient.grpc as triton
    from tritonclient.utils import np_to_triton_dtype

    tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array)
    return tensor


def bytes_input(name: str, elements: list[bytes]) -> Any:
    """Return a tritonclient input of n byte strings."""
    import numpy as np
    import tritonclient.grpc as triton

    array = np.empty(len(elements), dtype=np.object_)
    array[:] = elements
    tensor = triton.InferInput(name, [len(elements)], "BYTES")
    tensor.set_data_from_numpy(array)
    return tensor
