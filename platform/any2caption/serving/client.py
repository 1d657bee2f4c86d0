"""The caller's side: files in, a structured caption (and a video) out, over gRPC. No torch here.

    with CaptionClient("127.0.0.1:8001") as client:
        result = client.caption("a person walks", {"pose": [Path("walk/")], "camera": ["path.txt"]})
        print(result.caption.camera)

A path is a condition: a file, or a folder whose files are its frames. Several plain files of depth
or pose are the frames of one condition. `ConditionInput` adds a role and options. Who writes, how
freely, how long and how the caption is checked are keywords: `client.caption(…, writer="compose")`.
"""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay

from any2caption.captions.schema import StructuredCaption
from any2caption.closing import Closing
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.registry import KINDS
from any2caption.errors import A2CError, InputError, UnavailableError
from any2caption.grounding.answer import Length, Mode, Policy
from any2caption.grounding.options import Options, Writer
from any2caption.serving import following
from any2caption.serving.control import TritonControl, bytes_input
from any2caption.serving.errors import BusyError

DEFAULT_SECONDS = 120.0
_LEAST_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class ConditionInput:
    """A condition's path with what cannot be read from the files."""

    path: Path
    role: str | None = None
    options: Mapping[str, str | float | int | bool] = field(default_factory=dict)


class Asked(TypedDict, total=False):
    """What may be asked of a caption; see `grounding.options`."""

    writer: Writer
    mode: Mode
    length: Length
    policy: Policy
    generator: str


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """An answer: `info` holds release, assumptions, warnings and the caption's papers.

    The papers are empty where a server of an earlier version answered.

    `video` are MP4 bytes if asked for, `report` is the video generator's: what it understood, what
    it assumed, the path it filmed.
    """

    caption: StructuredCaption
    text: str
    info: dict[str, Any]
    video: bytes | None = None
    report: dict[str, Any] | None = None

    @property
    def writer(self) -> str:
        """Who wrote the caption: `compose`, `model` or `endpoint`."""
        return str(self.info.get("writer", ""))

    @property
    def prompt(self) -> dict[str, Any] | None:
        """The prompt as the generator that was named reads it; see `captions.compiler`."""
        return self.info.get("prompt")

    @property
    def provenance(self) -> dict[str, list[dict[str, Any]]]:
        """Part → its sentences, each with `text`, `origin` and `sources`."""
        return cast("dict[str, list[dict[str, Any]]]", self.info.get("provenance", {}))

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What the check found: `part`, `fault`, `why`, the sentence `before` and `after`."""
        return list(self.info.get("findings", []))

    @property
    def conflicts(self) -> list[str]:
        """Where inputs disagree, and which was followed."""
        return list(self.info.get("conflicts", []))

    @property
    def invented(self) -> list[dict[str, str]]:
        """The sentences that nobody stated: `part` and `text`."""
        return list(self.info.get("invented", []))

    @property
    def notes(self) -> list[str]:
        """What else the user should know."""
        return list(self.info.get("notes", []))


Given = Path | str | ConditionInput


@dataclass(frozen=True, slots=True)
class FileElement:
    """One file on the wire: its bytes, and the description that goes with it."""

    data: bytes
    info: dict[str, Any]


def read_files(kind: str, given: Sequence[Given]) -> list[FileElement]:
    """Read a kind's files and describe each.

    Raises:
        InputError: an unknown kind, or a path that cannot be read.
    """
    if kind not in KINDS or kind == "text":
        kinds = ", ".join(name for name in KINDS if name != "text")
        raise InputError(f"unknown kind of condition; accepted are {kinds}", field=kind)
    conditions = [
        one if isinstance(one, ConditionInput) else ConditionInput(Path(one)) for one in given
    ]
    together = KINDS[kind].joins_parts and all(Path(one.path).is_file() for one in conditions)
    elements = []
    for index, condition in enumerate(conditions):
        for part in read_parts(Path(condition.path)):
            info = {
                "name": part.name,
                "condition": 0 if together else index,
                "role": condition.role,
                "options": dict(condition.options),
            }
            elements.append(FileElement(part.data, info))
    return elements


def encoded(
    text: str, elements: Mapping[str, Sequence[FileElement]], asked: Asked
) -> dict[str, list[bytes]]:
    """Return a request's inputs by name, each with its elements.

    Raises:
        InputError: there is nothing to caption, or an unknown choice.
    """
    inputs = {"TEXT": [text.encode()]} if text else {}
    for kind, files in elements.items():
        if files:
            name = kind.upper()
            inputs[name] = [file.data for file in files]
            inputs[f"{name}_INFO"] = [json.dumps(file.info).encode() for file in files]
    if not inputs:
        raise InputError("give a text or at least one condition")
    choices = {name: str(value) for name, value in asked.items()}
    Options.read(choices)
    return inputs | {name.upper(): [value.encode()] for name, value in choices.items()}


def answered(element: Callable[[str], bytes], *, video: bool) -> CaptionResult:
    """Return the answer whose outputs `element` gives by name."""
    caption = StructuredCaption.model_validate_json(element("CAPTION"))
    text, info = element("CAPTION_TEXT").decode(), json.loads(element("INFO"))
    if not video:
        return CaptionResult(caption, text, info)
    report = json.loads(element("CLIP_REPORT"))
    return CaptionResult(caption, text, info, element("CLIP"), report)


class CaptionClient(Closing):
    """A client of the door at `url` (host:port of gRPC); use as a context manager.

    When the door is full, a call tries again after the time that the door names, as long as its
    timeout allows. Only platform code passes a `key`: to ask Triton itself, behind the door.
    """

    def __init__(self, url: str, *, key: str = "", timeout: float = DEFAULT_SECONDS) -> None:
        self._control = TritonControl(url, key)
        self._timeout = timeout
        self.url = url

    def close(self) -> None:
        """Close the connection."""
        self._control.close()

    def caption(  # noqa: PLR0913 - a call's inputs
        self,
        text: str = "",
        conditions: Mapping[str, Sequence[Given]] | None = None,
        *,
        video: bool = False,
        timeout: float | None = None,
        model: str | None = None,
        follow: following.Follow | None = None,
        **asked: Unpack[Asked],
    ) -> CaptionResult:
        """Caption a short text and conditions; with `video`, also render the caption.

        `follow` is told which steps work on the request, and ends it by returning False.

        Raises:
            CancelledError: `follow` ended it.
            InputError: a condition or a choice is wrong; the message names the file and the field.
            UngroundedError: the policy is `reject`, and the draft was not what the request says.
            UnavailableError: no server, no release, or no answer within `timeout` seconds.
        """
        elements = {kind: read_files(kind, given) for kind, given in (conditions or {}).items()}
        return self.caption_files(
            text, elements, video=video, timeout=timeout, model=model, follow=follow, **asked
        )

    def caption_files(  # noqa: PLR0913 - a call's inputs
        self,
        text: str,
        elements: Mapping[str, Sequence[FileElement]],
        *,
        video: bool = False,
        timeout: float | None = None,
        model: str | None = None,
        follow: following.Follow | None = None,
        **asked: Unpack[Asked],
    ) -> CaptionResult:
        """Caption files that are already in memory; as `caption` otherwise."""
        inputs = encoded(text, elements, asked)
        ensemble = model or ("any2video" if video else "any2caption")
        seconds = self._timeout if timeout is None else timeout
        answer = self._patiently(ensemble, inputs, seconds, follow)
        return answered(lambda name: _only(answer, name), video=video)

    def _patiently(
        self,
        model: str,
        inputs: Mapping[str, list[bytes]],
        seconds: float,
        follow: following.Follow | None,
    ) -> Any:
        """Ask, and ask again while the door says that it is full."""
        limit = time.monotonic() + seconds
        tries = Retrying(
            retry=retry_if_exception_type(BusyError),
            wait=_wait,
            stop=stop_before_delay(seconds),
            reraise=True,
        )
        return tries(
            lambda: self._once(model, inputs, max(limit - time.monotonic(), _LEAST_SECONDS), follow)
        )

    def _once(
        self,
        model: str,
        inputs: Mapping[str, list[bytes]],
        seconds: float,
        follow: following.Follow | None,
    ) -> Any:
        if follow is not None:
            with suppress(following.NotFollowedError):
                return following.infer(self.url, model, inputs, seconds, follow)
        tensors = [bytes_input(name, values) for name, values in inputs.items()]
        return self._control.infer(model, tensors, timeout=seconds)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    hint = error.retry_after if isinstance(error, BusyError) else 0.0
    # All who were refused together must not come back together.
    return hint * (1 + random.random())  # noqa: S311 - spreads retries, no secret


def _only(answer: Any, name: str) -> bytes:
    array = answer.as_numpy(name)
    if array is None or array.size != 1:
        raise UnavailableError(f"{name}: the server's answer lacks it")
    element = array.reshape(-1)[0]
    if not isinstance(element, bytes):
        raise A2CError(f"{name}: the server answered {type(element).__name__}, not bytes")
    return element
