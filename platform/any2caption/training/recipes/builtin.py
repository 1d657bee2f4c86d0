"""The recipes that come with the platform: `tiny`, `smoke`, and two papers' own."""

from dataclasses import asdict
from typing import Any

from any2caption.errors import ConfigError
from any2caption.model.presets import FROM_SCRATCH, PACKAGED, PRESETS
from any2caption.training.recipes.schema import PREPARED_VERSION, Recipe, Reinforce, Stage


def _tiny(scale: float, minutes: float, name: str, **more: Any) -> Recipe:
    """The from-scratch recipe at a share of its full length."""

    def steps(count: int) -> int:
        return max(4, round(count * scale))

    vision = Stage(
        name="align-vision",
        objective="classify",
        train=("vision", "heads"),
        kinds=("image", "depth", "video"),
        steps=steps(1000),
        batch=96,
        lr=1e-3,
        muon_lr=1.6e-2,
        # Of what a first frame states, the object's shape is learned last and overfits first.
        slot_weights={"shape": 3.0},
        shift=0.036,
        mirror=True,
        share=0.22,
    )
    return Recipe(
        name=name,
        presets=("tiny",),
        stages=(
            Stage(
                name="align-camera",
                objective="classify",
                train=("camera", "heads"),
                kinds=("camera",),
                steps=steps(160),
                batch=64,
                lr=1e-3,
                share=0.03,
            ),
            Stage(
                name="align-motion",
                objective="classify",
                train=("motion", "heads"),
                kinds=("pose",),
                steps=steps(160),
                batch=48,
                lr=1e-3,
                share=0.05,
            ),
            vision,
            Stage(
                name="interpret",
                objective="interpret",
                train=("language", "lm_head"),
                encode_once=True,
                steps=steps(2100),
                batch=32,
                lr=2e-3,
                warmup=60 if scale == 1 else 10,
                template_weight=0.25,
                share=0.70,
            ),
        ),
        max_minutes=minutes,
        **more,
    )


TINY = _tiny(
    1.0, 30.0, "tiny", compile=True, note="From scratch on two CPU cores; template captions."
)
SMOKE = _tiny(
    0.02, 0.6, "smoke", vocab=1200, checkpoint_seconds=5.0, note="Runs the code, learns nothing."
)
SMOL = Recipe(
    name="smol",
    presets=("smol",),
    stages=(
        *TINY.stages[:3],
        Stage(
            name="interpret",
            objective="interpret",
            # The encoders' rows and the new tokens are strange to a language model that is there.
            train=("language", "tokens", "vision", "motion", "camera"),
            steps=1000,
            batch=32,
            lr=5e-4,
            encoder_lr=0.4,
            warmup=50,
            share=0.70,
        ),
    ),
    max_minutes=60.0,
    facts="both",
    language_tuning="lora",
    note="SmolLM2-135M: encoders are aligned as in tiny, then LoRA with facts in the prompt.",
)

_PAPER: dict[str, Any] = {
    "objective": "interpret",
    "train": ("language",),
    "batch": 32,
    "betas": (0.9, 0.99),
}
PAPER = Recipe(
    name="paper",
    presets=tuple(name for name in PRESETS if name not in FROM_SCRATCH | PACKAGED.keys()),
    stages=(
        Stage(
            name="align-camera",
            objective="describe",
            train=("camera",),
            kinds=("camera",),
            part="camera",
            steps=1285,
            batch=32,
            lr=5e-5,
            betas=(0.9, 0.99),
            share=0.10,
        ),
        Stage(
            name="align-motion",
            objective="describe",
            train=("motion",),
            kinds=("pose",),
            part="action",
            steps=1395,
            batch=32,
            lr=5e-5,
            betas=(0.9, 0.99),
            share=0.11,
        ),
        Stage(
            name="identities",
            kinds=("image",),
            steps=2133,
            lr=5e-5,
            drop_condition=0.4,
            drop_sentence=0.6,
            share=0.16,
            **_PAPER,
        ),
        Stage(
            name="pose",
            kinds=("pose",),
            steps=1395,
            lr=5e-5,
            drop_condition=0.6,
            drop_sentence=0.6,
            general_ratio=0.4,
            share=0.11,
            **_PAPER,
        ),
        Stage(
            name="camera",
            kinds=("camera",),
            steps=1285,
            lr=5e-5,
            drop_condition=0.6,
            drop_sentence=0.6,
            general_ratio=0.6,
            share=0.10,
            **_PAPER,
        ),
        Stage(
            name="depth",
            kinds=("depth",),
            steps=5717,
            lr=1e-5,
            drop_condition=0.6,
            drop_sentence=0.6,
            general_ratio=0.8,
            share=0.42,
            **_PAPER,
        ),
    ),
    max_minutes=72 * 60.0,
    world_size=8,
    zero=2,
    precision="bf16",
    language_tuning="lm_head",
    checkpoint_seconds=900.0,
    note=(
        "arXiv 2503.24379, table of training settings; minus signs of the learning rates restored;"
        " steps are one pass over the paper's data at batch 32, which the paper does not state."
    ),
)
READE = Recipe(
    name="reade",
    presets=PAPER.presets,
    stages=(
        *PAPER.stages[:2],
        Stage(
            name="reason",
            objective="interpret",
            train=("language",),
            steps=263,
            batch=32,
            lr=1e-5,
            reasoning=True,
            share=0.3,
        ),
        Stage(
            name="reinforce",
            objective="reinforce",
            train=("language",),
            steps=260,
            batch=32,
            lr=2.5e-6,
            weight_decay=0.0,
            reasoning=True,
            reinforce=Reinforce(),
            share=0.49,
        ),
    ),
    max_minutes=72 * 60.0,
    world_size=8,
    zero=2,
    precision="bf16",
    checkpoint_seconds=900.0,
    note=(
        "arXiv 2511.20563: learning rates, rollouts and divergence as stated there; steps are one"
        " pass over its 8.4K and 8.3K samples at batch 32, which it does not state. The encoders"
        " are aligned first as in the recipe paper."
    ),
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (TINY, SMOKE, PAPER, READE, SMOL)}


def recipe(name: str) -> Recipe:
    """Return a recipe by name; an unknown name raises ConfigError with the list."""
    try:
        return RECIPES[name]
    except KeyError:
        raise ConfigError(f"unknown recipe {name!r}; there are {', '.join(RECIPES)}") from None


def default_recipe(preset: str) -> str:
    """The name of the recipe that a preset is trained by unless another is asked for.

    Raises:
        ConfigError: no recipe is for this preset.
    """
    for name, one in RECIPES.items():
        if preset in one.presets:
            return name
    raise ConfigError(f"no recipe is for the preset {preset!r}; name one")


def recipe_content(name: str) -> dict[str, Any]:
    """Return everything in a recipe that can change what training yields, and its digest."""
    found = recipe(name)
    return {**asdict(found), "digest": found.digest, "prepared": PREPARED_VERSION}
