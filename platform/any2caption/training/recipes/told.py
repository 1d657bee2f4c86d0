"""A recipe in the words of a tracking page: what it tunes, its optimizer, each stage on a line."""

from dataclasses import fields

from any2caption.training.recipes.schema import Recipe, Stage

_ELSEWHERE = {"name", "presets", "stages", "note"}


def parameters(recipe: Recipe) -> dict[str, str]:
    """Return a recipe's settings by name, and its stages as `stage 1 align-camera` and so on."""
    found = {
        one.name: str(getattr(recipe, one.name))
        for one in fields(recipe)
        if one.name not in _ELSEWHERE
    }
    muon = any(stage.muon_lr for stage in recipe.stages)
    found["optimizer"] = "AdamW, Muon for the encoders' matrices" if muon else "AdamW"
    for number, stage in enumerate(recipe.stages, 1):
        found[f"stage {number} {stage.name}"] = _told(stage)
    return found


def _told(stage: Stage) -> str:
    packed = f" of {stage.pack_tokens} tokens" if stage.pack_tokens else ""
    muon = f", Muon {stage.muon_lr:g}" if stage.muon_lr else ""
    kinds = f" on {'+'.join(stage.kinds)}" if stage.kinds else ""
    return (
        f"{stage.objective}{kinds}: trains {'+'.join(stage.train)}, {stage.steps} steps of "
        f"{stage.batch}{packed}, learning rate {stage.lr:g}{muon}"
    )
