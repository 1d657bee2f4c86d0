"""The model's configuration: typed, immutable, JSON on disk.

No torch here, so the processor can use it anywhere.
"""

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, get_type_hints

from any2caption.errors import ConfigError

# Qwen2-VL's own tokens plus the paper's four; in this order for a tokenizer trained from scratch.
QWEN_TOKENS: tuple[str, ...] = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
NEW_TOKENS: tuple[str, ...] = (
    "<|motion_start|>",
    "<|motion_end|>",
    "<|camera_start|>",
    "<|camera_end|>",
)

ENCODERS = ("vision", "motion", "camera")
"""The model's encoders, in the order of their tokens in a batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextConfig:
    """The language model (Qwen2 or Qwen3)."""

    vocab_size: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    mlp: int
    mrope_section: tuple[int, int, int]
    """Rotary frequencies for time, height and width; they add up to half the head dimension."""
    head_dim: int = 0
    """Where it is not hidden / heads (Qwen3-VL)."""
    rope_theta: float = 1e6
    rms_eps: float = 1e-6
    tie_embeddings: bool = False
    max_positions: int = 32768


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionConfig:
    """The vision tower; the motion encoder is a copy of it.

    `window`, `full_layers` and `time_step` are Qwen2.5-VL's, what follows them Qwen3-VL's.
    """

    backbone: str = "qwen2_vl"
    """transformers' `model_type` of the whole model (`model.backbones`)."""
    depth: int
    width: int
    heads: int
    mlp_ratio: int = 4
    patch: int = 14
    merge: int = 2
    temporal: int = 2
    mlp: int = 0
    """Width of the MLPs, where it is not `mlp_ratio` times `width`."""
    window: int = 0
    """Side of an attention window in pixels."""
    full_layers: tuple[int, ...] = ()
    """Layers whose attention has no windows."""
    time_step: int = 1
    """Positions from one frame pair of a video to the next; a pair counts as a second, as
    transformers takes it where nothing is stated."""
    places: int = 0
    """Rows of the table of learned positions, a square that is resampled to each picture's grid."""
    deepstack: tuple[int, ...] = ()
    """Layers whose features are added behind the language model's first layers, one each."""
    timestamps: bool = False
    """Whether a frame pair of a video stands in the prompt by itself, behind its time in words. A
    pair counts as a second, at two frames a second."""

    @property
    def patch_dim(self) -> int:
        """Numbers in one flattened patch: 3 channels × temporal × patch × patch."""
        return 3 * self.temporal * self.patch**2


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraConfig:
    """The camera encoder on Plücker maps (6 channels, `size` × `size`, one map a sampled frame)."""

    frames: int
    size: int
    patch: int
    width: int
    depth: int
    heads: int
    unshuffle: int = 4
    """PixelUnshuffle factor: 6·4² = the paper's 96 input channels (our reading of an unexplained
    number).
    """
    mlp_ratio: int = 4

    @property
    def in_channels(self) -> int:
        """Channels after the unshuffle."""
        return 6 * self.unshuffle**2

    @property
    def patches(self) -> int:
        """Patches of one frame."""
        return (self.size // self.unshuffle // self.patch) ** 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """Pixel values 0…255 → (x - mean) / std, per channel.

    For depth and motion, empty pixels should come out as 0.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessorConfig:
    """How conditions become arrays."""

    resize: Literal["letterbox", "smart"]
    """`letterbox`: a square with the aspect kept and grey bars; `smart`: Qwen2-VL's own rule."""
    image_size: int
    """Side of a letterboxed picture."""
    video_size: int
    """Side of a letterboxed frame of a video or of a depth map."""
    motion_size: int
    min_pixels: int = 56 * 56
    max_pixels: int = 768 * 28 * 28
    max_video_pixels: int = 256 * 28 * 28
    video_frames: int = 8
    motion_frames: int = 8
    max_images: int = 8
    """More pictures than this are left out, with a warning."""
    max_conditions: int = 4
    """The same for each other kind."""
    max_text_tokens: int = 512
    facts: Literal["none", "text", "both"] = "none"
    """Whether the prompt states the request's facts (`grounding.fact_lines`): `text` in place of
    the conditions' tokens, `both` beside them."""
    max_fact_tokens: int = 512
    stand_ins: bool = False
    """Whether marks stand in prompts for words that the model can't spell
    (`grounding.stand_ins`)."""
    instruction: str = ""
    """What a system turn tells a model that was not trained for captions."""
    example: tuple[str, str] | None = None
    """A user's turn and its answer that such a model is shown before the request."""
    image: Scaling
    depth: Scaling
    motion: Scaling
    default_intrinsics: tuple[float, float, float, float] = (0.5, 0.889, 0.5, 0.5)
    """fx, fy, cx, cy where the camera file states none: 90 degrees across a 16:9 frame."""
    max_new_tokens: int = 1600
    """Room for six parts of `max_part_tokens` and their labels."""
    max_part_tokens: int = 256
    """A caption part that grows past this is ended, so an untrained model still writes all six
    parts.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """One model: `preset` is where it came from, the rest is what it is."""

    preset: str
    text: TextConfig
    vision: VisionConfig
    camera: CameraConfig
    processor: ProcessorConfig
    format: str = field(default="a2c.model/1")

    @property
    def rows(self) -> int:
        """Numbers in a row that the vision or motion encoder gives for a token.

        `text.hidden` for the prompt, and as many for each layer of `vision.deepstack`.
        """
        return self.text.hidden * (1 + len(self.vision.deepstack))

    def with_facts(self, facts: Literal["none", "text", "both"]) -> "ModelConfig":
        """Return the same model with prompts that state facts so."""
        stand_ins = self.processor.stand_ins and facts == "none"  # facts are said in their words
        processor = replace(self.processor, facts=facts, stand_ins=stand_ins)
        return replace(self, processor=processor)

    def with_vocab(self, size: int) -> "ModelConfig":
        """Return the same model for a vocabulary of `size` tokens."""
        return replace(self, text=replace(self.text, vocab_size=size))


Loaded = TypeVar("Loaded")


def to_json(config: Any) -> str:
    """Return a dataclass as sorted, indented JSON."""
    return json.dumps(asdict(config), indent=2, sort_keys=True) + "\n"


def from_dict(cls: type[Loaded], data: dict[str, Any], where: str = "config") -> Loaded:
    """Build a (nested) dataclass from JSON data.

    Unknown or missing keys raise ConfigError naming them.
    """
    hints = get_type_hints(cls)
    known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
    if unknown := sorted(set(data) - known):
        raise ConfigError(f"{where}: unknown keys {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for key, value in data.items():
        hint = hints[key]
        if is_dataclass(hint) and isinstance(value, dict):
            values[key] = from_dict(hint, value, f"{where}.{key}")  # type: ignore[arg-type]
        else:
            values[key] = _tuples(value)
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error


def _tuples(value: Any) -> Any:
    """JSON lists back to the tuples that frozen dataclasses hold."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
