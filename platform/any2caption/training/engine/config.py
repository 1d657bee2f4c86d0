"""DeepSpeed's configuration of one stage, from its recipe. Pure: no torch, no DeepSpeed.

    zero 0   every rank holds weights, gradients and moments
    zero 1   moments (and fp32 masters) are split over the ranks
    zero 2   … and gradients
    zero 3   … and weights

`offload: optimizer` keeps moments and masters in the host's memory (zero 1 to 3),
`offload: parameters` the split weights too (zero 3). `precision: bf16` stores weights in bfloat16
with fp32 masters in the optimizer; from zero 1 on gradients are summed in fp32. `auto` and `fp32`
store weights in fp32 (`auto` multiplies in bfloat16 where the hardware does).
"""

from typing import Any

from any2caption.training.recipes.schema import Recipe, Stage

PERSISTED_PER_HIDDEN = 10
"""ZeRO 3 leaves parameters of at most this many rows of the hidden size whole on every rank, as
transformers' own rule does: norms and biases cost more to gather than to keep."""


def configuration(
    recipe: Recipe, stage: Stage, world_size: int, *, hidden: int, pin_memory: bool = False
) -> dict[str, Any]:
    """Return the configuration for `deepspeed.initialize`.

    `hidden` is the language model's width; `pin_memory` for offloading beside a GPU.
    """
    found: dict[str, Any] = {
        "train_batch_size": stage.batch,
        "train_micro_batch_size_per_gpu": stage.batch // (world_size * stage.accumulate),
        "gradient_accumulation_steps": stage.accumulate,
        # Explicit: DeepSpeed's default of 1.0 would apply silently.
        "gradient_clipping": stage.clip,
        "zero_optimization": _zero(recipe, hidden, pin_memory=pin_memory),
        "zero_allow_untested_optimizer": True,
        # Its own CPU Adam is compiled at first use, for minutes; torch's fused one is not.
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 10**9,
        "wall_clock_breakdown": False,
    }
    if recipe.precision == "bf16":
        found["bf16"] = {"enabled": True}
        if recipe.zero:  # without ZeRO DeepSpeed knows no other type than the weights'
            found["data_types"] = {"grad_accum_dtype": "fp32"}
    return found


def _zero(recipe: Recipe, hidden: int, *, pin_memory: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"stage": recipe.zero}
    place = {"device": "cpu", "pin_memory": pin_memory}
    if recipe.offload != "none":
        found["offload_optimizer"] = place
    if recipe.offload == "parameters":
        found["offload_param"] = place
    if recipe.zero == 3:  # noqa: PLR2004 - ZeRO 3
        found["stage3_param_persistence_threshold"] = PERSISTED_PER_HIDDEN * hidden
    return found
