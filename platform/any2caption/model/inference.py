"""From conditions to captions.

The same steps for evaluation in this process and for Triton's models.

Triton runs one step a model: `Processor` (preprocess), the encoders of `model.bundled_encoders`,
`Decoder`. Each loads only its own part of the bundle. Everything is served in float32: on a CPU one
token at a time is a matrix-vector product, where bfloat16 is not faster.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from any2caption.captions.schema import StructuredCaption
from any2caption.captions.text import parse
from any2caption.conditions.text import plain_text
from any2caption.conditions.types import Condition
from any2caption.grounding.fact_lines import fact_lines
from any2caption.grounding.gather import gather
from any2caption.grounding.stand_ins import StandIns, stand_ins
from any2caption.model.bundle import (
    load_processor,
    load_spelled,
    shown_kinds,
    trained_kinds,
    unseen_warnings,
)
from any2caption.model.bundled_encoders import (
    Array,
    encode_camera,
    encode_motion,
    encode_vision,
    load_camera,
    load_motion,
    load_vision,
)
from any2caption.model.decoder import Decoder
from any2caption.model.inputs import DecoderInputs, ModelInputs


def decoder_inputs(
    inputs: ModelInputs, vision: Array, motion: Array, camera: Array
) -> DecoderInputs:
    """Join a request's prompt with its encoders' outputs."""
    return DecoderInputs(
        inputs.input_ids, inputs.position_ids, inputs.token_types, vision, motion, camera
    )


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for: a short text and parsed conditions, numbered within their kind."""

    text: str
    conditions: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """The answer: six numbered lines, and the same as an object."""

    text: str
    caption: StructuredCaption
    warnings: tuple[str, ...] = ()


class Captioner:
    """A whole bundle in this process."""

    def __init__(self, bundle: Path, *, batch: int = 32) -> None:
        self.processor, self.kinds = load_processor(bundle), trained_kinds(bundle)
        self.shown, self.spelled = shown_kinds(bundle), load_spelled(bundle)
        self.vision, self.motion = load_vision(bundle), load_motion(bundle)
        self.camera, self.decoder = load_camera(bundle), Decoder.from_bundle(bundle)
        self.batch = batch

    def caption(self, requests: Sequence[Request]) -> list[CaptionResult]:
        """Caption the requests, in order, `batch` at a time.

        Raises:
            InputError: what the model wrote is no whole caption.
        """
        return [
            CaptionResult(text, parse(text), item.warnings) for text, item in self._write(requests)
        ]

    def write(self, requests: Sequence[Request], *, free: bool = False) -> list[str]:
        """Return what the model writes, in order, be it a whole caption or not.

        `free` leaves the grammar out.
        """
        return [text for text, _ in self._write(requests, free=free)]

    def _write(
        self, requests: Sequence[Request], *, free: bool = False
    ) -> Iterator[tuple[str, ModelInputs]]:
        for start in range(0, len(requests), self.batch):
            group = requests[start : start + self.batch]
            read = [self._assemble(request) for request in group]
            texts = self.decoder.generate([self._encode(one) for one, _ in read], free=free)
            for text, (inputs, words) in zip(texts, read, strict=True):
                yield words.put_back(text), inputs

    def _assemble(self, request: Request) -> tuple[ModelInputs, StandIns]:
        features = [
            self.processor.features(one)
            for one in request.conditions
            if self.shown is None or one.kind in self.shown
        ]
        texts = [c.payload for c in request.conditions if isinstance(c.payload, str)]
        text = plain_text("\n".join([request.text, *texts]))
        stated, read = "", StandIns(text)
        if self.processor.config.processor.facts != "none":
            stated = fact_lines(gather(text, request.conditions))
        elif self.spelled is not None:
            read = stand_ins(gather(text, request.conditions), self.spelled)
        inputs = self.processor.assemble(read.text, features, facts=stated)
        unseen = unseen_warnings(self.kinds, request.conditions, self.shown)
        return replace(inputs, warnings=(*unseen, *inputs.warnings)), read

    def _encode(self, inputs: ModelInputs) -> DecoderInputs:
        return decoder_inputs(
            inputs,
            encode_vision(self.vision, inputs.vision_patches, inputs.vision_grid),
            encode_motion(self.motion, inputs.motion_patches, inputs.motion_grid),
            encode_camera(self.camera, inputs.camera_poses),
        )
