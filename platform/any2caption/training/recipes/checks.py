"""Combinations that cannot work, found before anything is started. Pure."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.errors import ConfigError
from any2caption.model.config import ENCODERS
from any2caption.model.presets import FROM_SCRATCH
from any2caption.training.recipes.schema import Recipe, Stage

PHRASE_PARTS = ("camera", "action")
_SHARDED_WEIGHTS = 3  # the ZeRO stage that also splits the weights themselves

Bounds = Mapping[str, tuple[str, Callable[[Any], bool]]]
"""What a setting must be, in words and as a rule."""


def _at_least(least: int) -> tuple[str, Callable[[Any], bool]]:
    return f"{least} or more", lambda value: value >= least


_ABOVE = ("above 0", lambda value: value > 0)
_POSITIVE = ("a number above 0", lambda value: 0 < value < math.inf)
_FROM_ZERO = ("a number of 0 or more", lambda value: 0 <= value < math.inf)
_SHARE = ("between 0 and 1", lambda value: 0 <= value <= 1)
_RECIPE: Bounds = {
    "vocab": _at_least(300),
    "keep_checkpoints": _at_least(1),
    "seed": _at_least(0),
    **dict.fromkeys(("max_minutes", "lora_rank", "lora_alpha"), _ABOVE),
    "checkpoint_seconds": _at_least(0),
}
_STAGE: Bounds = {
    **dict.fromkeys(("steps", "batch", "accumulate"), _at_least(1)),
    **dict.fromkeys(("warmup", "pack_tokens", "pack_vision"), _at_least(0)),
    **dict.fromkeys(("lr", "share"), _POSITIVE),
    **dict.fromkeys(("encoder_lr", "muon_lr", "weight_decay", "clip"), _FROM_ZERO),
    **dict.fromkeys(("heads_loss", "template_weight"), _FROM_ZERO),
    **dict.fromkeys(("final_lr", "shift", "drop_condition", "drop_sentence"), _SHARE),
    "general_ratio": _SHARE,
    "betas": ("0 or more and below 1", lambda betas: all(0 <= beta < 1 for beta in betas)),
}
_REINFORCE: Bounds = {
    "rollouts": _at_least(2),  # one caption has nothing to be compared with
    "max_new_tokens": _at_least(1),
    "temperature": ("above 0", _POSITIVE[1]),
    **dict.fromkeys(
        ("kl", "form", "user", "supplied", "added", "contradiction"),
        ("0 or more", _FROM_ZERO[1]),
    ),
}


def check_recipe(recipe: Recipe, preset: str, world_size: int, kinds: tuple[str, ...]) -> None:
    """Raise ConfigError with everything that is wrong, in one line.

    `kinds` are the condition kinds that the model reads.
    """
    wrong = [*_recipe(recipe, preset, world_size)]
    for stage in recipe.stages:
        found = [*_stage(recipe, stage, preset, world_size, kinds)]
        wrong += [f"stage {stage.name}: {one}" for one in found]
    if wrong:
        raise ConfigError(f"recipe {recipe.name}: {'; '.join(wrong)}")


def check_pack(stage: Stage, positions: int, longest: int = 0, record: str = "") -> None:
    """Refuse packs that the model has no positions for, or that a record does not fit into.

    `longest` tokens are the least that `record` has; 0 where that is not known.
    """
    most = stage.pack_tokens
    if most > positions:
        raise ConfigError(
            f"stage {stage.name}: packs of {most} tokens, the model has positions for {positions}:"
            f" set pack_tokens to {positions} or less"
        )
    if most and longest > most:
        raise ConfigError(
            f"stage {stage.name}: record {record} has {longest} tokens or more, a pack holds"
            f" {most}: leave it out of the snapshot, or make packs larger"
        )


def check_positions(tokens: int, positions: int, what: str) -> None:
    """Refuse a sequence (a record, or a pack of them) that the model has no positions for."""
    if tokens > positions:
        raise ConfigError(
            f"{what} has {tokens} tokens, the model has positions for {positions}:"
            " leave it out of the snapshot, or make it shorter"
        )


def _recipe(recipe: Recipe, preset: str, world_size: int) -> Iterator[str]:
    if preset not in recipe.presets:
        yield f"is for {', '.join(recipe.presets) or 'no preset'}, not for {preset}"
    if not recipe.stages:
        yield "has no stage"
    names = [stage.name for stage in recipe.stages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"two stages are called {', '.join(twice)}"
    if world_size < 1:
        yield f"world_size must be 1 or more, not {world_size}"
    yield from _outside(recipe, _RECIPE)
    yield from _engine(recipe)


def _engine(recipe: Recipe) -> Iterator[str]:
    """What DeepSpeed cannot combine."""
    if recipe.offload == "optimizer" and not recipe.zero:
        yield "offload=optimizer needs zero 1, 2 or 3: without ZeRO there is nothing to move"
    if recipe.offload == "parameters" and recipe.zero < _SHARDED_WEIGHTS:
        yield f"offload=parameters needs zero 3, not {recipe.zero}: only it splits the weights"
    if recipe.compile and recipe.zero >= _SHARDED_WEIGHTS:
        yield "compile and zero 3 exclude each other: weights are gathered around every layer"
    if recipe.compile and recipe.checkpoint_activations:
        yield "compile and checkpoint_activations exclude each other"


def _stage(
    recipe: Recipe, stage: Stage, preset: str, world_size: int, kinds: tuple[str, ...]
) -> Iterator[str]:
    yield from _outside(stage, _STAGE)
    if world_size > 0 and stage.batch > 0 and stage.batch % world_size:
        yield f"batch {stage.batch} is not divisible by {world_size} ranks"
    elif world_size > 0 and stage.accumulate > 0 and stage.batch % (world_size * stage.accumulate):
        yield (
            f"batch {stage.batch} is not divisible by {world_size} ranks with"
            f" accumulate={stage.accumulate}"
        )
    if stage.accumulate > 1 and recipe.precision == "bf16" and not recipe.zero:
        yield "accumulate in bf16 loses small gradients with zero 0: use zero 1, 2 or 3"
    if not stage.train:
        yield "trains nothing"
    yield from _encoders(recipe, stage)
    if unknown := [kind for kind in stage.kinds if kind not in kinds]:
        yield f"unknown kinds {', '.join(unknown)}; there are {', '.join(kinds)}"
    yield from _objective(stage, preset)
    yield from _facts(recipe, stage)
    if stage.objective == "reinforce" and recipe.zero >= _SHARDED_WEIGHTS:
        yield f"reinforce writes with whole weights: ZeRO {recipe.zero} splits them; use 2 or less"
    if stage.reinforce is not None and stage.objective != "reinforce":
        yield f"the field reinforce is for reinforce, not for {stage.objective}"
    yield from _packs(stage)
    if stage.encode_once:
        yield from _encode_once(recipe, stage)


def _encoders(recipe: Recipe, stage: Stage) -> Iterator[str]:
    for slot, weight in stage.slot_weights.items():
        if not 0 < weight < math.inf:
            yield f"slot_weights.{slot} must be a number above 0, not {weight}"
    if stage.muon_lr and not any(name in ENCODERS for name in stage.train):
        yield f"muon_lr is for {', '.join(ENCODERS)}, of which it trains none"
    if stage.muon_lr and (recipe.zero or recipe.precision == "bf16"):
        yield (
            f"muon_lr needs whole fp32 matrices: zero 0, not {recipe.zero}, and precision auto or"
            f" fp32, not {recipe.precision}"
        )


def _objective(stage: Stage, preset: str) -> Iterator[str]:
    if stage.objective == "classify":
        if not stage.kinds:
            yield "classify needs kinds"
        if extra := [name for name in stage.train if name in {"language", "lm_head", "tokens"}]:
            yield f"classify does not reach {', '.join(extra)}"
        return
    varied = [name for name in ("shift", "mirror") if getattr(stage, name)]
    yield from (f"{name} is for classify, not for {stage.objective}" for name in varied)
    if stage.objective == "reinforce":
        yield from _reinforce(stage)
    elif stage.objective == "describe":
        if stage.part not in PARTS:
            yield f"describe needs a part ({', '.join(PARTS)}), not {stage.part!r}"
        elif stage.describe == "phrases" and stage.part not in PHRASE_PARTS:
            yield f"phrases are mined from {' and '.join(PHRASE_PARTS)}, not from {stage.part!r}"
        if preset in FROM_SCRATCH:
            yield f"describe needs weights: data of the preset {preset} holds no parts"


def _facts(recipe: Recipe, stage: Stage) -> Iterator[str]:
    """What a prompt that states facts excludes."""
    if recipe.facts != "none" and (stage.drop_condition or stage.drop_sentence):
        yield f"facts={recipe.facts} still states what drop_condition and drop_sentence leave out"
    if recipe.facts == "text" and stage.objective in {"classify", "describe"}:
        yield f"facts=text shows no condition, which {stage.objective} reads: use facts=both"


def _reinforce(stage: Stage) -> Iterator[str]:
    settings = stage.reinforce
    if settings is None:
        yield "reinforce needs the field reinforce"
        return
    if extra := [name for name in stage.train if name not in {"language", "lm_head"}]:
        yield f"reinforce trains language or lm_head, not {', '.join(extra)}"
    for name in ("drop_condition", "drop_sentence", "general_ratio", "heads_loss"):
        if getattr(stage, name):
            yield f"{name} has no meaning in reinforce"
    yield from _outside(settings, _REINFORCE, "reinforce.")


def _packs(stage: Stage) -> Iterator[str]:
    if stage.pack_tokens and stage.objective == "classify":
        yield "classify reads items, which are not packed: pack_tokens=0"
    if stage.pack_tokens and stage.objective == "reinforce":
        yield "reinforce writes one caption a row: pack_tokens=0"
    if stage.pack_vision and not stage.pack_tokens:
        yield "pack_vision limits packs, but pack_tokens is 0"


def _encode_once(recipe: Recipe, stage: Stage) -> Iterator[str]:
    if thawed := [name for name in stage.train if name in ENCODERS]:
        yield f"encode_once, but it trains {', '.join(thawed)}"
    if stage.objective != "interpret":
        yield f"encode_once is for interpret, not for {stage.objective}"
    if recipe.zero >= _SHARDED_WEIGHTS:
        frozen = ", ".join(name for name in ENCODERS if name not in stage.train)
        yield (
            f"ZeRO {recipe.zero} cannot shard the frozen {frozen}: encode_once runs them"
            " outside the engine, which alone can gather their parts; use ZeRO 2 or less,"
            " or encode_once=false"
        )


def _outside(settings: object, bounds: Bounds, prefix: str = "") -> Iterator[str]:
    for name, (words, holds) in bounds.items():
        value = getattr(settings, name)
        if not holds(value):
            yield f"{prefix}{name} must be {words}, not {value}"
