"""The steps between the first and the check, and the generator: arrays in, arrays out, no Triton.

Every array between steps carries a leading dimension of 1 (`contract`). An encoder joins the rows
of its whole batch into one forward pass and cuts the result apart again. Every request is held to
itself before (`checks`), and attention never crosses pictures or cameras, so each gets what it
would get alone.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import A2CError, InputError
from any2caption.generation.registry import make_generator
from any2caption.serving.steps import request_checks
from any2caption.serving.steps.runtime import Arrays, strings, text

THREADS = 1  # a step: on two cores more would only fight with the other steps


class _Encoder:
    """An encoder over the joined rows of a batch."""

    rows_name: str
    grid_name: str | None
    output_name: str

    def __init__(self, bundle: Path, _release: str, _parameters: Mapping[str, str]) -> None:
        import torch

        from any2caption.model.bundle import load_config

        torch.set_num_threads(THREADS)
        self.config = load_config(bundle)
        self.encode = self.load(bundle)

    def load(self, bundle: Path) -> Callable[..., NDArray[np.float32]]:
        """Return the function from joined rows (and grids) to embeddings."""
        raise NotImplementedError

    def run(self, batch: Sequence[Arrays]) -> list[Arrays | A2CError]:
        """Encode all good requests in one pass; those without rows get zero rows."""
        empty = np.zeros((1, 0, self.width), np.float32)
        outputs: list[Arrays | A2CError] = [{self.output_name: empty} for _ in batch]
        present: list[tuple[int, tuple[NDArray[Any], ...]]] = []
        for index, arrays in enumerate(batch):
            try:
                rows = self._checked(arrays)
            except InputError as error:
                outputs[index] = error
                continue
            if len(rows[0]):
                present.append((index, rows))
        if not present:
            return outputs
        joined = [
            np.concatenate(parts) for parts in zip(*(rows for _, rows in present), strict=True)
        ]
        embeds = self.encode(*joined)
        ends = np.cumsum([len(rows[0]) // self.rows_per_output for _, rows in present])
        if len(embeds) != ends[-1]:
            raise A2CError(f"{self.output_name}: {len(embeds)} rows for {ends[-1]}")
        for (index, _), part in zip(present, np.split(embeds, ends[:-1]), strict=True):
            outputs[index] = {self.output_name: np.ascontiguousarray(part[None], np.float32)}
        return outputs

    @property
    def width(self) -> int:
        """Numbers in an output row."""
        return self.config.rows if self.grid_name else self.config.text.hidden

    @property
    def rows_per_output(self) -> int:
        """Input rows that become one output row."""
        return self.config.vision.merge**2 if self.grid_name else 1

    def _checked(self, arrays: Arrays) -> tuple[NDArray[Any], ...]:
        """The request's rows, with their grid where the encoder takes one."""
        if self.grid_name:
            return request_checks.patch_rows(arrays, self.rows_name, self.grid_name, self.config)
        return (request_checks.pose_rows(arrays, self.rows_name, self.config),)


class VisionEncoder(_Encoder):
    """Pictures, videos and depth to embeddings."""

    rows_name, grid_name, output_name = "VISION_PATCHES", "VISION_GRID", "VISION_EMBEDS"

    def load(self, bundle: Path) -> Callable[..., NDArray[np.float32]]:
        """Load the vision tower."""
        from any2caption.model import bundled_encoders as encoders

        tower = encoders.load_vision(bundle)
        return lambda patches, grid: encoders.encode_vision(tower, patches, grid)


class MotionEncoder(_Encoder):
    """Skeleton videos to embeddings."""

    rows_name, grid_name, output_name = "MOTION_PATCHES", "MOTION_GRID", "MOTION_EMBEDS"

    def load(self, bundle: Path) -> Callable[..., NDArray[np.float32]]:
        """Load the motion encoder."""
        from any2caption.model import bundled_encoders as encoders

        tower = encoders.load_motion(bundle)
        return lambda patches, grid: encoders.encode_motion(tower, patches, grid)


class CameraEncoder(_Encoder):
    """Camera paths to embeddings."""

    rows_name, grid_name, output_name = "CAMERA_POSES", None, "CAMERA_EMBEDS"

    def load(self, bundle: Path) -> Callable[..., NDArray[np.float32]]:
        """Load the camera encoder."""
        from any2caption.model import bundled_encoders as encoders

        encoder = encoders.load_camera(bundle)
        return lambda poses: encoders.encode_camera(encoder, poses)


class DecoderStep:
    """Prompt and embeddings to the draft of a caption, decoded under the caption grammar.

    A request without a prompt asks for none.
    """

    def __init__(self, bundle: Path, _release: str, _parameters: Mapping[str, str]) -> None:
        import torch

        from any2caption.model.decoder import Decoder

        torch.set_num_threads(THREADS)
        self.decoder = Decoder.from_bundle(bundle)
        self.config = self.decoder.processor.config

    def run(self, batch: Sequence[Arrays]) -> list[Arrays | A2CError]:
        """Caption the batch; a request that does not fit together is refused by itself."""
        outputs: list[Arrays | A2CError] = []
        asked, requests = [], []
        for index, arrays in enumerate(batch):
            outputs.append({"DRAFT": strings("", batched=True)})
            if "INPUT_IDS" in arrays and not arrays["INPUT_IDS"].size:
                continue
            try:
                requests.append(request_checks.decoder_request(arrays, self.config))
            except InputError as error:  # this caller's alone
                outputs[index] = error
                continue
            asked.append(index)
        drafts = self.decoder.generate(requests) if requests else []
        for index, draft in zip(asked, drafts, strict=True):
            outputs[index] = {"DRAFT": strings(draft, batched=True)}
        return outputs


class PrevisStep:
    """A caption to an MP4 clip by the generator that its parameters name."""

    def __init__(self, _bundle: Path | None, release: str, parameters: Mapping[str, str]) -> None:
        self.release = int(release) if release else None
        self.seconds, self.fps = float(parameters["seconds"]), float(parameters["fps"])
        self.size = int(parameters["size"])
        # Releases that were built before it was a parameter have none.
        self.generator = make_generator(parameters.get("generator", "previs"))

    def run(self, batch: Sequence[Arrays]) -> list[Arrays | A2CError]:
        """Render each caption."""
        return [self._one(text(arrays["CAPTION"])[0]) for arrays in batch]

    def _one(self, caption_json: bytes) -> Arrays | A2CError:
        from any2caption.captions.schema import StructuredCaption
        from any2caption.conditions.io.images import encode_mp4

        try:
            caption = StructuredCaption.model_validate_json(caption_json)
        except ValueError:
            return InputError("not a caption of six parts", field="CAPTION")
        clip = self.generator.render(
            caption, seconds=self.seconds, fps=self.fps, size=self.size, seed=0
        )
        info = {
            "generator": clip.report.generator,
            "release": self.release,
            "frames": len(clip.frames),
            "fps": clip.fps,
            "understood": clip.report.understood,
            "assumptions": list(clip.report.assumptions),
            "w2c": None if clip.w2c is None else np.round(clip.w2c, 6).tolist(),
        }
        video = encode_mp4(clip.frames, clip.fps)
        return {"CLIP": strings(video), "CLIP_REPORT": strings(json.dumps(info))}
