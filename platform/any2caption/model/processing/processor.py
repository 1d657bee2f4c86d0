"""From parsed conditions to the arrays that the model takes.

NumPy, Pillow and `tokenizers`; never torch.

The prompt: conditions in the order of `LABELS`, each with its number ("picture 1"), then the user's
text:

    <|im_start|>user
    picture 1 (identity): <|vision_start|>…<|vision_end|>
    camera 1: <|camera_start|>…<|camera_end|>
    the text
    Facts: …<|im_end|>
    <|im_start|>assistant

Facts stand there only in models that read them (`ProcessorConfig.facts`); an instruction and an
example, in turns before these, only in models that were not trained for captions.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from tokenizers import Tokenizer

from any2caption.conditions.form import Pixels
from any2caption.conditions.registry import KINDS, form_of
from any2caption.conditions.types import Camera, Condition, Payload, Regions
from any2caption.errors import InputError
from any2caption.model.config import ENCODERS, NEW_TOKENS, ModelConfig, ProcessorConfig, Scaling
from any2caption.model.inputs import CAMERA, MOTION, TEXT, VISION, Features, ModelInputs
from any2caption.model.processing.pixels import fit, grid_of, patchify
from any2caption.model.processing.positions import prompt_positions
from any2caption.model.processing.region_text import (
    BOX_TOKENS,
    overlay_frames,
    region_pieces,
    sampled_regions,
)

_READ = {kind.name: kind.reading for kind in KINDS.values() if kind.reading is not None}
_READ = dict(sorted(_READ.items(), key=lambda one: one[1].place))
LABELS = {kind: reading.word for kind, reading in _READ.items()}
"""Condition kind → the word that prompts use, in prompt order."""
FIRST_KINDS = ("image", "video", "depth", "pose", "camera")
"""Kinds whose wording every small tokenizer knows; others where the training data has them."""
MOTION_KINDS = tuple(kind for kind, reading in _READ.items() if reading.encoder == "motion")
"""Kinds that are drawn and go through the motion encoder."""
TOWERS: dict[str, str] = {kind: reading.encoder for kind, reading in _READ.items()}
"""Condition kind → the encoder that reads it, in prompt order."""
Frame = NDArray[Any]
_LONGEST_TOKEN = 256
BRACKETS = dict(zip((VISION, MOTION, CAMERA), ENCODERS, strict=True))
"""Token type → the encoder whose output stands in its place."""


@dataclass
class _Prompt:
    """A prompt under construction, and what stands in it."""

    ids: list[int] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    segments: list[tuple[int, Sequence[int] | None]] = field(default_factory=list)
    frames: list[tuple[int, str, NDArray[np.uint8]]] = field(default_factory=list)
    """(token type, kind, frames) of pictures and clips."""
    cameras: list[NDArray[np.float32]] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    """Tokens of each condition by its name."""
    warnings: list[str] = field(default_factory=list)

    def add(self, ids: Sequence[int], kind: int = TEXT, grid: Sequence[int] | None = None) -> None:
        """Append tokens of one type."""
        self.ids += ids
        self.types += [kind] * len(ids)
        self.segments.append((len(ids), grid))


class Processor:
    """Features of single conditions, and whole requests assembled from them."""

    def __init__(self, config: ModelConfig, tokenizer: Tokenizer) -> None:
        self.config, self.tokenizer = config, tokenizer
        tokenizer.encode_special_tokens = True  # a user's "<|im_end|>" is text, not structure
        self._cache: dict[str, list[int]] = {}

    # --- single conditions ---

    def features(self, condition: Condition) -> Features:
        """Return one condition's small arrays: resized, sampled, no NaN. See `inputs.Features`."""
        payload, form = condition.payload, form_of(condition.payload)
        if not form.finite(payload):
            # Parsers refuse them with file and field; conditions may also be made in code.
            raise InputError(
                "numbers that are not finite",
                record=f"{condition.kind} {condition.number}",
                field=condition.kind,
            )
        arrays: Features = {}
        if isinstance(payload, Regions):
            arrays |= self._regions(payload)
        elif isinstance(payload, Camera):
            arrays["poses"] = self._camera(payload)
            if not np.isfinite(arrays["poses"]).all():  # in 32 bits
                raise InputError(
                    "the path's numbers are too large for the model (option scale)",
                    record=f"camera {condition.number}",
                    field="camera",
                )
        elif form.draw is not None:
            arrays["frames"] = self._drawn(form.draw, payload)
        elif form.pixels is not None:
            encoder = TOWERS[condition.kind]
            pixels = form.pixels(payload)
            arrays["frames"] = self._square(pixels) if encoder == "motion" else self._fit(pixels)
        elif not isinstance(payload, str):
            raise InputError(f"the model takes no {type(payload).__name__}", field=condition.kind)
        arrays["kind"] = np.asarray(condition.kind)
        arrays["role"] = np.asarray(condition.role or "")
        return arrays

    def _fit(self, pixels: Pixels) -> NDArray[np.uint8]:
        """What the vision encoder sees: T×H×W(×3), one frame for a picture."""
        config = self.config.processor
        frames = pixels.frames
        if not pixels.still:
            frames = self._sampled(frames, config.video_frames)
        return fit(frames, config, self.config.vision, fill=pixels.fill, paint=pixels.paint)

    def _regions(self, regions: Regions) -> Features:
        """The text of the regions (`regions`: label and coordinates rows) and the overlay."""
        config = self.config.processor
        pieces = region_pieces(regions, config.video_frames)
        arrays: Features = {"regions": np.asarray(pieces, np.str_).reshape(-1, 2)}
        if sampled_regions(regions, config.video_frames)[1]:
            arrays["cut"] = np.asarray(True)
        overlay = overlay_frames(regions)
        if overlay is not None:
            arrays["frames"] = fit(overlay, config, self.config.vision)
        return arrays

    @staticmethod
    def _sampled(frames: Sequence[Frame] | Frame, most: int) -> list[Frame]:
        """At most `most` evenly spaced frames; a few are kept as they are, made even in number."""
        from any2caption.conditions.sampling import sample_frames

        count = min(most, max(2, len(frames) + len(frames) % 2))
        return [frames[at] for at in sample_frames(len(frames), count).tolist()]

    def _drawn(self, draw: Callable[[Any, int, int], Frame], payload: Payload) -> Frame:
        """Points as the motion encoder sees them, drawn into its square."""
        config = self.config.processor
        return self._halved(draw(payload, 2 * config.motion_size, config.motion_frames))

    def _square(self, pixels: Pixels) -> NDArray[np.uint8]:
        """Somebody's drawing, made to fill the motion encoder's square as drawn points do."""
        from any2caption.conditions.sampling import sample_frames

        config = self.config.processor
        places = sample_frames(len(pixels.frames), config.motion_frames).tolist()
        size = (config.motion_size, config.motion_size)
        return np.stack(
            [
                np.asarray(PilImage.fromarray(frame).resize(size, PilImage.Resampling.BOX))
                for frame in pixels.painted(places)
            ]
        )

    @staticmethod
    def _halved(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Average 2×2 pixels: what was drawn at twice the size keeps its sub-pixel place."""
        frames, height, width, channels = drawn.shape
        mean = drawn.reshape(frames, height // 2, 2, width // 2, 2, channels).mean((2, 4))
        return np.asarray(np.rint(mean), np.uint8)

    def _camera(self, camera: Camera) -> NDArray[np.float32]:
        """F×16.

        Intrinsics with defaults for unknown ones, then camera-to-world relative to the first frame.
        """
        from any2caption.conditions.sampling import sample_frames

        index = np.asarray(sample_frames(len(camera.w2c), self.config.camera.frames))
        lens = np.asarray(camera.intrinsics, np.float64)[index]
        lens = np.where(
            np.isfinite(lens), lens, np.asarray(self.config.processor.default_intrinsics)
        )
        rotation, shift = camera.w2c[index, :, :3], camera.w2c[index, :, 3:]
        inverse = rotation.transpose(0, 2, 1)
        c2w = np.concatenate([inverse, -inverse @ shift], axis=2)
        with np.errstate(over="ignore"):  # refused by who asked
            return np.concatenate([lens, c2w.reshape(-1, 12)], axis=1).astype(np.float32)

    # --- requests ---

    def assemble(
        self, text: str, features: Sequence[Features], *, facts: str = "", patches: bool = True
    ) -> ModelInputs:
        """Return the model's inputs for a text, conditions and facts (`grounding.fact_lines`).

        Too many of a kind are left out with a warning; a prompt that is longer than the model's
        positions is refused. A model reads facts, conditions' tokens or both as its configuration
        says. `patches=False` leaves vision_patches and motion_patches without rows, for callers
        that have the encoders' output already.
        """
        config, reads = self.config, self.config.processor.facts
        prompt = _Prompt()
        if opening := self._before():
            prompt.add(opening)
        prompt.add(self._special("<|im_start|>"))
        prompt.add(self._text("user\n"))
        shown = () if reads == "text" else features
        for label, kind, item in self._grouped(shown, prompt.warnings):
            self._add_condition(prompt, label, kind, item)
        ids, cut = self._user_text(text)
        if cut:
            prompt.warnings.append(f"the text was cut to {len(ids)} tokens")
        prompt.add(ids)
        if reads != "none" and facts:
            ids, cut = self._bounded(f"\n{facts}", config.processor.max_fact_tokens)
            if cut:
                prompt.warnings.append(f"the facts were cut to {len(ids)} tokens for the model")
            prompt.add(ids)
        prompt.add(self._special("<|im_end|>"))
        prompt.add(self._text("\n"))
        prompt.add(self._special("<|im_start|>"))
        prompt.add(self._text("assistant\n"))
        self._check_length(len(prompt.ids), prompt.taken)
        vision_patches, vision_grid = self._patches(prompt, VISION, patches=patches)
        motion_patches, motion_grid = self._patches(prompt, MOTION, patches=patches)
        return ModelInputs(
            input_ids=np.asarray(prompt.ids, np.int64),
            position_ids=prompt_positions(
                prompt.segments, config.vision.merge, config.vision.time_step
            ),
            token_types=np.asarray(prompt.types, np.int64),
            vision_patches=vision_patches,
            vision_grid=vision_grid,
            motion_patches=motion_patches,
            motion_grid=motion_grid,
            camera_poses=np.concatenate([np.zeros((0, 16), np.float32), *prompt.cameras]),
            warnings=tuple(prompt.warnings),
        )

    def _add_condition(self, prompt: _Prompt, label: str, kind: str, item: Features) -> None:
        """A condition's label, and a place for each of its encoder tokens."""
        name, before = label.strip(": "), len(prompt.ids)
        prompt.add(self._text(label))
        if "poses" in item:
            poses = np.asarray(item["poses"], np.float32)
            prompt.cameras.append(poses)
            self._add_media(prompt, CAMERA, len(poses), None)
            prompt.add(self._text("\n"))
        if "regions" in item:
            self._add_regions(prompt, item, name)
        if "frames" in item:
            target = MOTION if kind in MOTION_KINDS else VISION
            grid = grid_of(item["frames"].shape, self.config.vision)
            prompt.frames.append((target, kind, item["frames"]))
            self._add_frames(prompt, target, grid, still=_READ[kind].still)
        prompt.taken[name] = len(prompt.ids) - before

    def _patches(
        self, prompt: _Prompt, target: int, *, patches: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Patches N×`patch_dim` of an encoder's frames (none without `patches`), and the grids."""
        vision = self.config.vision
        shown = [(kind, frames) for at, kind, frames in prompt.frames if at == target]
        found = [np.zeros((0, vision.patch_dim), np.float32)]
        for kind, frames in shown if patches else ():
            found.append(patchify(frames, scaling_of(kind, self.config.processor), vision)[0])
        grids = [grid_of(frames.shape, vision) for _, frames in shown]
        return np.concatenate(found), np.asarray(grids, np.int64).reshape(-1, 3)

    def _check_length(self, tokens: int, taken: Mapping[str, int]) -> None:
        """Refuse a prompt that leaves no room for a caption; pictures count by their tokens.

        Judged before any patches are made, so it bounds what the encoders are given as well.
        """
        positions = self.config.text.max_positions
        most = positions - self.config.processor.max_new_tokens
        if tokens > most:
            largest, count = max(
                taken.items(), key=lambda one: one[1], default=("the text", tokens)
            )
            raise InputError(
                f"the prompt has {tokens:,} tokens; the model takes {most:,} ({positions:,} less "
                f"the caption's); {largest} takes most, {count:,}: give fewer, shorter or smaller "
                "conditions",
                field=largest,
            )

    def most(self, kind: str) -> int:
        """How many conditions of a kind are read."""
        return most_of(kind, self.config.processor)

    def caption_ids(self, caption: str) -> list[int]:
        """Tokens of a target caption, ended by <|im_end|>."""
        return [*self.tokenizer.encode(caption, add_special_tokens=False).ids, self.end_id]

    def turn_ids(self, text: str) -> list[int]:
        """Tokens of the user's next turn, behind a reply and up to where the next reply begins."""
        start, end = self._special("<|im_start|>"), self._special("<|im_end|>")
        asked = [*self._text("\n"), *start, *self._text("user\n"), *self._user_text(text)[0], *end]
        return [*asked, *self._text("\n"), *start, *self._text("assistant\n")]

    @property
    def new_token_ids(self) -> tuple[int, ...]:
        """The ids of the paper's four start and end tokens."""
        return tuple(self._special(token)[0] for token in NEW_TOKENS)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated tokens."""
        return str(
            self.tokenizer.decode([i for i in ids if i != self.end_id], skip_special_tokens=False)
        )

    @property
    def end_id(self) -> int:
        """The token that ends a caption."""
        return self._special("<|im_end|>")[0]

    def _grouped(
        self, features: Sequence[Features], warnings: list[str]
    ) -> list[tuple[str, str, Features]]:
        """Conditions in prompt order with their labels; those left out are told."""
        out = []
        for kind, word in LABELS.items():
            found = [item for item in features if str(item["kind"]) == kind]
            most = self.most(kind)
            if len(found) > most:
                said = f"{len(found)} {kind} conditions given, the first {most} were read"
                warnings.append(said)
            for number, item in enumerate(found[:most], 1):
                role = str(item["role"])
                note = f" ({role.replace('_', ' ')})" if role else ""
                out.append((f"{word} {number}{note}: ", kind, item))
        return out

    def _add_frames(
        self, prompt: _Prompt, kind: int, grid: tuple[int, int, int], *, still: bool
    ) -> None:
        """A picture or a video, in one piece or each frame pair behind its time."""
        pad = "<|image_pad|>" if still else "<|video_pad|>"
        pairs, height, width = grid
        a_pair = height * width // self.config.vision.merge**2
        if still or not self.config.vision.timestamps:
            self._add_media(prompt, kind, pairs * a_pair, grid, pad)
        else:
            for second in range(pairs):
                # The mean of two frames' times, half a second apart.
                prompt.add(self._text(f"<{second + 0.25:.1f} seconds>"))
                self._add_media(prompt, kind, a_pair, (1, height, width), pad)
        prompt.add(self._text("\n"))

    def _add_media(
        self,
        prompt: _Prompt,
        kind: int,
        count: int,
        grid: Sequence[int] | None,
        pad: str = "<|video_pad|>",
    ) -> None:
        name = BRACKETS[kind]
        prompt.add(self._special(f"<|{name}_start|>"))
        prompt.add(self._special(pad) * count, kind, grid)
        prompt.add(self._special(f"<|{name}_end|>"))

    def _add_regions(self, prompt: _Prompt, item: Features, name: str) -> None:
        """Write regions with Qwen2-VL's box tokens, or as plain text where they are unknown."""
        if "cut" in item:
            prompt.warnings.append(f"{name}: more regions were given than the prompt holds")
        found = [self.tokenizer.token_to_id(token) for token in BOX_TOKENS]
        tokens = [token for token in found if token is not None]
        known = len(tokens) == len(BOX_TOKENS)
        if not known:
            said = "this model's tokenizer has no box tokens: regions are plain text"
            prompt.warnings.append(f"{name}: {said}")
        for label, where in item["regions"].tolist():
            if not where:
                prompt.add(self._text(f"{label}: "))
            elif known:
                prompt.add([tokens[0], *self._encode(label), tokens[1]])
                prompt.add([tokens[2], *self._encode(where), tokens[3]])
            else:
                prompt.add(self._encode(f"{label} {where} "))
        prompt.add(self._text("\n"))

    def _special(self, token: str) -> list[int]:
        return self._cached(f"special {token}", lambda: [self.tokenizer.token_to_id(token) or 0])

    def _text(self, text: str) -> list[int]:
        return self._cached(f"text {text}", lambda: self._encode(text))

    def _cached(self, key: str, make: Callable[[], list[int]]) -> list[int]:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def _encode(self, text: str) -> list[int]:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"U+{ord(text[error.start]):04X} at character {error.start + 1} is half a "
                "character; valid Unicode is taken",
                field="text",
            ) from error
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def _user_text(self, text: str) -> tuple[list[int], bool]:
        return self._bounded(text.strip(), self.config.processor.max_text_tokens)

    def _bounded(self, text: str, most: int) -> tuple[list[int], bool]:
        # No token has more characters than this: what can't be read need not be encoded.
        ids = self._encode(text[: most * _LONGEST_TOKEN])
        return ids[:most], len(ids) > most

    def _before(self) -> list[int]:
        """The turns before the request: an instruction, an example."""
        config = self.config.processor
        turns = [("system", config.instruction)] if config.instruction else []
        if config.example is not None:
            turns += zip(("user", "assistant"), config.example, strict=True)
        ids = []
        for who, said in turns:
            ids += [*self._special("<|im_start|>"), *self._text(f"{who}\n{said}")]
            ids += [*self._special("<|im_end|>"), *self._text("\n")]
        return ids


def scaling_of(kind: str, config: ProcessorConfig) -> Scaling:
    """How a kind's pixels are scaled: what is mostly empty so that empty is 0."""
    scalings = {"image": config.image, "depth": config.depth, "motion": config.motion}
    return scalings[_READ[kind].scaling]


def most_of(kind: str, config: ProcessorConfig) -> int:
    """How many conditions of a kind are read."""
    return int(getattr(config, _READ[kind].most))


def prompt_phrases(config: ModelConfig, kinds: Collection[str] = FIRST_KINDS) -> Iterable[str]:
    """The fixed wording of prompts of `kinds`, for training a tokenizer that knows it."""
    yield from ("user\n", "assistant\n")
    for number in range(1, config.processor.max_images + 1):
        for kind in (kind for kind in LABELS if kind in kinds):
            roles = ("", *(f" ({role.replace('_', ' ')})" for role in KINDS[kind].roles))
            yield from (f"{LABELS[kind]} {number}{role}: " for role in roles)
