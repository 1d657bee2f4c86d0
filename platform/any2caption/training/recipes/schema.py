"""Training recipes: frozen data with a content digest. What is here decides what training yields.

A stage's budget is in steps; `max_minutes` is a guard. Progress is the larger of the share of
steps and the share of time, and the learning rate follows progress, so a slower machine still
anneals and ends in time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from any2caption.storage.digest import json_digest

PREPARED_VERSION = 10
"""Version of what `training.prepare` writes. A run prepared by another version is another run."""

Module = Literal["vision", "motion", "camera", "language", "lm_head", "heads", "tokens"]
MODULES: tuple[str, ...] = get_args(Module)
"""What a stage can train; `lm_head` after `language`, so that a tied head is named as the head."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reinforce:
    """What a `reinforce` stage does: GRPO (arXiv 2402.03300) with ReaDe's rewards (2511.20563).

    ReaDe states the number of rollouts and the weight of the divergence; the rest is open there.
    """

    rollouts: int = 8
    """Captions written for each record; they are compared with each other."""
    kl: float = 0.001
    """Weight of the divergence from the model at the stage's beginning; 0 keeps no copy of it."""
    temperature: float = 1.0
    max_new_tokens: int = 512
    """A text that is not ended by then is cut, and judged as it stands."""
    scale: Literal["deviation", "none"] = "deviation"
    """What a reward's distance from its group's mean is divided by; `none`: arXiv 2503.20783."""
    form: float = 1.0
    user: float = 1.0
    supplied: float = 1.0
    added: float = 0.5
    contradiction: float = 0.5
    """Weights of the rewards' parts, see `rewards`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage. Modules that are not in `train` are frozen."""

    name: str
    objective: Literal["classify", "describe", "interpret", "reinforce"]
    """`classify`: phrase heads on an encoder (needs question-answer slots); `describe`: the phrases
    of the caption's `part`, from one condition through the language model; `interpret`: the whole
    caption from all inputs; `reinforce`: the same by the rewards of the model's own captions."""
    train: tuple[Module, ...]
    """`tokens`: the start and end tokens of motion and camera, of which the paper does not say
    whether they are trained in alignment; by default they are not."""
    kinds: tuple[str, ...] = ()
    """Condition kinds the stage reads; empty = all."""
    part: str = ""
    describe: Literal["phrases", "part"] = "phrases"
    """What `describe` writes: the phrases mined from the part, as in the paper's stage 1, or all of
    its text."""
    steps: int
    batch: int
    """Samples a step over all ranks, so the data order does not depend on the number of ranks; with
    `pack_tokens`, packs."""
    pack_tokens: int = 0
    """Most tokens of a pack: a row of several samples that do not see each other. 0: no packing."""
    pack_vision: int = 0
    """Most patches that the samples of a pack bring to the vision and motion encoders, before
    merging; 0: no limit."""
    accumulate: int = 1
    """Micro-batches that a rank splits its part of a step into; the step stays the same."""
    lr: float
    encoder_lr: float = 1.0
    """Factor on the learning rate of the three encoders."""
    muon_lr: float = 0.0
    """Learning rate of the matrices in the encoders' layers, by Muon; 0: AdamW, as the rest."""
    final_lr: float = 0.03
    """Share of the learning rate that the cosine ends at."""
    warmup: int = 20
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    encode_once: bool = False
    """Run the encoders over all items before the stage; they must be frozen in it."""
    heads_loss: float = 0.0
    """Weight of the phrase heads' loss beside the caption's."""
    slot_weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of a slot's answers in the phrase heads' loss, by slot; 1 where it is not named."""
    shift: float = 0.0
    """`classify`: every picture or clip is moved by up to this share of its sides, at random."""
    mirror: bool = False
    """`classify`: half of the pictures, at random, are mirrored; clips are not. For data in which
    no picture tells left from right."""
    template_weight: float = 1.0
    """Loss weight of caption tokens that name no slot. Below 1 it suits template text only."""
    drop_condition: float = 0.0
    """The paper's dropout of non-text conditions; see `drop_condition_means`."""
    drop_condition_means: Literal["condition", "tokens"] = "condition"
    """Open in the paper. `condition`: each is left out whole with this chance; `tokens`: each token
    of an encoder is blanked with it."""
    drop_sentence: float = 0.0
    """Chance to leave out each sentence of the prompt. Prompt and conditions are never all gone."""
    general_ratio: float = 0.0
    """The paper's joint-train ratio; see `general_ratio_means`."""
    general_ratio_means: Literal["chance", "share", "relative"] = "chance"
    """Open in the paper. `chance`: of every sample to be general instruction data instead; `share`:
    of every global batch, exactly; `relative`: so many general samples for each of the stage's."""
    reasoning: bool = False
    """Write a reasoning trace, `<think>…</think>`, before the six parts."""
    reinforce: Reinforce | None = None
    """Of a `reinforce` stage, and of no other."""
    share: float
    """Share of `max_minutes`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A whole training run."""

    name: str
    presets: tuple[str, ...]
    """Presets it is meant for."""
    stages: tuple[Stage, ...]
    max_minutes: float
    vocab: int = 2000
    """Tokens of a tokenizer trained from scratch (ignored with weights)."""
    facts: Literal["none", "text", "both"] = "none"
    """Whether prompts state the request's facts (`grounding.fact_lines`): `text` in place of the
    conditions' tokens, `both` beside them. The bundle keeps it, and is served so."""
    world_size: int = 2
    """Ranks; a run takes fewer where there are fewer GPUs or cores."""
    zero: Literal[0, 1, 2, 3] = 0
    """What DeepSpeed splits over the ranks: 1 moments, 2 gradients too, 3 weights too."""
    offload: Literal["none", "optimizer", "parameters"] = "none"
    """What is kept in the host's memory: moments and fp32 masters, or the split weights too."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """How weights are stored: fp32 (`auto` multiplies in bfloat16 where the hardware does), or
    bfloat16 with fp32 masters in the optimizer."""
    checkpoint_activations: bool = False
    """Gradient checkpointing: recompute a layer's activations in backward, not keep them."""
    compile: bool = False
    """Compile the language model where a C++ compiler is found."""
    kernels: Literal["auto", "eager", "triton", "liger"] = "auto"
    """Fused operations (`model.fused.kernels`): `auto` takes a GPU's kernels where they are
    installed and their eager twins elsewhere; `eager`; `triton` (Plücker patches); `liger` (the
    loss as well)."""
    language_tuning: Literal["lm_head", "lora", "full"] = "full"
    """What `language` means in `train`: the paper prints "lm head" in one place and a trained
    interpreter in another.
    """
    lora_rank: int = 16
    lora_alpha: float = 32.0
    """Rank and scale (alpha / rank) of `lora`; the paper states neither."""
    checkpoint_seconds: float = 25.0
    keep_checkpoints: int = 2
    seed: int = 1
    note: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return json_digest(asdict(self))
