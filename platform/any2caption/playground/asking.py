"""Who answers: the served ensembles at an address, or this process."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

from any2caption.closing import Closing
from any2caption.errors import A2CError, CancelledError, ConfigError
from any2caption.playground.request import Request
from any2caption.serving.client import CaptionClient, CaptionResult
from any2caption.serving.control import TritonControl
from any2caption.serving.following import Follow
from any2caption.settings import Writer

_TURN_SECONDS = 0.5  # between two looks whether a visitor still waits for a turn


class Answerer(Protocol):
    """One place that writes captions."""

    @property
    def name(self) -> str:
        """Return what people call it: its address, or "this process"."""

    @property
    def writers(self) -> tuple[str, ...]:
        """Return the writers that can be asked for, the default first."""

    def ask(
        self,
        request: Request,
        choices: Mapping[str, str] | None = None,
        follow: Follow | None = None,
    ) -> CaptionResult:
        """Caption a request; `choices` go before the request's own.

        `follow` is told which steps work on it, and ends it by returning False.

        Raises:
            CancelledError: `follow` ended it.
            A2CError: what is wrong with the request, or that nobody answers.
        """

    def __enter__(self) -> Self:
        """Use it in a `with`."""

    def __exit__(self, *_: object) -> None:
        """Close it."""


class Served(Closing):
    """The door at an address."""

    writers = ("auto", "compose", "model", "endpoint")

    def __init__(self, address: str) -> None:
        self.name = address
        self._client = CaptionClient(address)

    def answers(self) -> bool:
        """Return whether a server answers there that has captions."""
        control = TritonControl(self.name)
        try:
            return control.model_ready("any2caption")
        except A2CError:
            return False
        finally:
            control.close()

    def ask(
        self,
        request: Request,
        choices: Mapping[str, str] | None = None,
        follow: Follow | None = None,
    ) -> CaptionResult:
        """Ask over gRPC."""
        asked = _asked(request, choices)
        return self._client.caption_files(
            asked.said(), asked.elements(), follow=follow, **asked.asked()
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class Here(Closing):
    """This process: the facts write, or a bundle's model. One request at a time."""

    name = "this process"
    writers: tuple[str, ...]

    def __init__(self, bundle: Path | None = None) -> None:
        from any2caption.serving.in_process import InProcess

        self._steps = InProcess(bundle)
        self._one = threading.Lock()
        others = [*(["model"] if bundle else []), *(["endpoint"] if Writer().base_url else [])]
        self.writers = ("auto", "compose", *others) if others else ("compose",)

    def ask(
        self,
        request: Request,
        choices: Mapping[str, str] | None = None,
        follow: Follow | None = None,
    ) -> CaptionResult:
        """Answer as the server would."""
        asked = _asked(request, choices)
        if asked.choices.get("writer") == "model" and "model" not in self.writers:
            raise ConfigError("writer model: in this process it needs --bundle DIR")
        while not self._one.acquire(timeout=_TURN_SECONDS):
            if follow is not None and not follow(()):
                raise CancelledError("the request was cancelled")
        try:
            return self._steps.caption_files(
                asked.said(), asked.elements(), follow=follow, **asked.asked()
            )
        finally:
            self._one.release()

    def close(self) -> None:
        """End the steps."""
        self._steps.close()


def _asked(request: Request, choices: Mapping[str, str] | None) -> Request:
    return replace(request, choices={**request.choices, **(choices or {})})
