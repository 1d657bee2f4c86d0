"""The ensemble in this process: the steps that Triton runs, a request at a time, without a server.

It offers what `CaptionClient` does. Without a bundle it is release 0, and needs no torch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from any2caption.closing import Closing
from any2caption.errors import A2CError, CancelledError
from any2caption.serving import contract
from any2caption.serving.client import (
    Asked,
    CaptionResult,
    FileElement,
    Given,
    answered,
    encoded,
    read_files,
)
from any2caption.serving.following import Follow
from any2caption.serving.steps import steps
from any2caption.serving.steps.check import CheckStep
from any2caption.serving.steps.endpoint import EndpointStep
from any2caption.serving.steps.preprocess import Preprocess
from any2caption.serving.steps.runtime import Arrays, Step, strings, told

_CLASSES: Mapping[str, type[Step]] = {
    "preprocess": Preprocess,
    "vision_encoder": steps.VisionEncoder,
    "motion_encoder": steps.MotionEncoder,
    "camera_encoder": steps.CameraEncoder,
    "decoder": steps.DecoderStep,
    "endpoint": EndpointStep,
    "check": CheckStep,
    "previs": steps.PrevisStep,
}


class InProcess(Closing):
    """Captions from a bundle, or from facts alone; use as a context manager.

    A step is loaded by the first request that needs it.
    """

    def __init__(self, bundle: Path | None = None) -> None:
        self._bundle = bundle
        self._loaded: dict[str, Any] = {}

    def close(self) -> None:
        """End what the steps hold."""
        while self._loaded:
            _, step = self._loaded.popitem()
            if hasattr(step, "close"):
                step.close()

    def caption(
        self,
        text: str = "",
        conditions: Mapping[str, Sequence[Given]] | None = None,
        *,
        video: bool = False,
        follow: Follow | None = None,
        **asked: Unpack[Asked],
    ) -> CaptionResult:
        """Caption a short text and conditions, as `CaptionClient.caption` does.

        Raises:
            InputError: a condition or a choice is wrong; the message names the file and the field.
            A2CError: what else a step refuses, as the server would.
        """
        elements = {kind: read_files(kind, given) for kind, given in (conditions or {}).items()}
        return self.caption_files(text, elements, video=video, follow=follow, **asked)

    def caption_files(
        self,
        text: str,
        elements: Mapping[str, Sequence[FileElement]],
        *,
        video: bool = False,
        follow: Follow | None = None,
        **asked: Unpack[Asked],
    ) -> CaptionResult:
        """Caption files that are already in memory; as `caption` otherwise."""
        inputs = encoded(text, elements, asked)
        tensors = {name: strings(*values) for name, values in inputs.items()}
        tensors |= self._run(contract.PREPROCESS, tensors, follow)
        drafts = "INPUT_IDS" in tensors and tensors["INPUT_IDS"].size
        following = contract.steps(None if drafts else contract.NO_MODEL)[1:]
        for step in following if video else following[:-1]:
            tensors |= self._run(step, tensors, follow)
        return answered(lambda name: bytes(tensors[name].reshape(-1)[0]), video=video)

    def _run(self, step: contract.Step, tensors: Arrays, follow: Follow | None) -> Arrays:
        def cancelled() -> bool:
            return follow is not None and not follow((step.name,))

        if cancelled():
            raise CancelledError("the request was cancelled")
        if step.name not in self._loaded:
            made: Any = _CLASSES[step.name]
            self._loaded[step.name] = made(self._bundle, "", step.parameters or {})
        given = {one.name: tensors[one.name] for one in step.inputs if one.name in tensors}
        loaded = self._loaded[step.name]
        (answer,) = loaded.run([given], **told(loaded, [cancelled]))
        if isinstance(answer, A2CError):
            raise answer
        return dict(answer)
