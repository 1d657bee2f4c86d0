"""What a stage needs in memory, a rank, before it runs. Pure; all sizes are bytes.

The rule, for weights in float32 with P parameters of which T are trained, on R ranks:

    weights       4·P                              (ZeRO 3: divided by R)
    gradients     4·T                              (ZeRO 2 and 3: divided by R)
    moments       8·T, Adam's two                  (ZeRO 1 to 3: divided by R, with a copy of the
                                                    part's weights, 4·T / R)
    exchange      4·min(T, 5·10⁸)                  DeepSpeed's bucket, where ranks exchange; ZeRO 2
                                                    on a GPU holds all of it from the beginning
    activations   numbers kept for backward, in float32, without recomputing any:
                    language, a layer, a token     10·hidden + 4·mlp + 2·heads·L
                    vision and motion, a patch     10·width + 3·mlp + 2·heads·N
                                                   (Qwen2.5-VL's are gated: 5·mlp)
                    camera, a patch                (10 + 3·mlp_ratio)·width + 2·heads·N
                    scores, a caption token        3·vocabulary
                  for the longest record of the stage in all its rows, in packs as often as it
                  fits; L tokens in a row, N patches
                  that attend to each other. An encoder that is frozen keeps none; the language
                  model keeps some as soon as it or an encoder below it is trained.
    encoded       4·rows a token of every item, where a stage encodes once
    saving        4·P, the copy that rank 0 makes for a checkpoint; never beside activations

The counts of activations are those of this model's layers as PyTorch keeps them for eager
attention; a test holds the rule to what is really kept.

What a recipe changes:

    bf16          weights 2·P, activations but for the scores half, the copy of the weights
                  (masters) with ZeRO 0 too; gradients stay at 4·T from ZeRO 1 on, 2·T with ZeRO 0
    offload       on a GPU the moments and masters, and with `parameters` the weights, are in the
                  host's memory; on a CPU it is the same memory
    accumulate    a micro-batch's rows instead of a batch's
    recomputation a layer's input (hidden or width) a token or patch, and one layer's whole
"""

from dataclasses import dataclass, replace

from any2caption.model.config import ENCODERS
from any2caption.training.planning.types import Facts, Longest, Machine

FLOAT = 4
BUCKET = 500_000_000  # numbers in DeepSpeed's reduce bucket
LIBRARIES = {"cpu": 600 << 20, "gpu": 700 << 20}
"""Measured resident size of a rank with torch, transformers and DeepSpeed loaded and nothing else
(510 MB) and room for the heap; on a GPU the context and libraries, assumed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Estimated bytes of one rank in one stage."""

    weights: int
    gradients: int
    moments: int
    exchange: int
    activations: int
    encoded: int
    saving: int
    libraries: int

    @property
    def certain(self) -> int:
        """What follows from the parameters alone."""
        return self.weights + self.gradients + self.moments

    @property
    def total(self) -> int:
        """The most at any time."""
        held = self.certain + self.exchange + self.encoded + self.libraries
        return held + max(self.activations, self.saving)


def estimate(facts: Facts, number: int) -> Memory:
    """Estimate one rank's memory in a stage of the recipe."""
    recipe, stage, config = facts.recipe, facts.recipe.stages[number], facts.config
    longest, device, zero = facts.stages[number].longest, facts.machine.device, recipe.zero
    half = recipe.precision == "bf16"
    away = recipe.offload if device == "gpu" else "none"
    parameters, thawed = sum(facts.parameters.values()), sum(facts.trained[number].values())
    split = {level: facts.world_size if zero >= level else 1 for level in (1, 2, 3)}
    exchange = min(thawed, BUCKET) if facts.world_size > 1 or zero else 0
    if zero == 2 and device == "gpu":  # noqa: PLR2004 - ZeRO 2
        exchange = BUCKET
    moments = 2 * thawed + (thawed if zero or half else 0)
    rows = float(-(-stage.batch // (facts.world_size * stage.accumulate)))
    if stage.pack_tokens and longest.tokens:
        rows *= max(1.0, stage.pack_tokens / longest.tokens)
    if stage.reinforce is not None:
        rows *= stage.reinforce.rollouts
        longest = replace(longest, targets=max(longest.targets, stage.reinforce.max_new_tokens))
    layers, scores = _kept(facts, number, longest)
    weights = (FLOAT // 2 if half else FLOAT) * parameters // split[3]
    gradients = (FLOAT // 2 if half and not zero else FLOAT) * thawed // split[2]
    return Memory(
        weights=0 if away == "parameters" else weights,
        gradients=gradients,
        moments=0 if away != "none" else FLOAT * moments // split[1],
        exchange=FLOAT * exchange,
        activations=round(rows * ((FLOAT // 2 if half else FLOAT) * layers + FLOAT * scores)),
        encoded=FLOAT * facts.encoded_tokens * config.rows if stage.encode_once else 0,
        saving=FLOAT * parameters,
        libraries=LIBRARIES[device],
    )


def _kept(facts: Facts, number: int, longest: Longest) -> tuple[int, int]:
    """Numbers that one row keeps for backward: in layers, in scores."""
    vision, camera, text = facts.config.vision, facts.config.camera, facts.config.text
    trained, recompute = facts.trained[number], facts.recipe.checkpoint_activations

    def stack(depth: int, rows: int, width: int, a_layer: int) -> int:
        return rows * (depth * width + a_layer if recompute else depth * a_layer)

    gated = vision.window > 0
    mlp = vision.mlp or vision.mlp_ratio * vision.width
    per_patch = 10 * vision.width + (5 if gated else 3) * mlp
    total = 0
    for tower, patches, attended in (
        ("vision", longest.vision_patches, longest.vision_attended),
        ("motion", longest.motion_patches, longest.motion_attended),
    ):
        if trained.get(tower):
            a_layer = per_patch + 2 * vision.heads * attended
            total += stack(vision.depth, patches, vision.width, a_layer)
    if trained.get("camera"):
        per_patch = (10 + 3 * camera.mlp_ratio) * camera.width
        patches = longest.cameras * camera.frames * camera.patches
        a_layer = per_patch + 2 * camera.heads * camera.patches
        total += stack(camera.depth, patches, camera.width, a_layer)
    if facts.recipe.stages[number].objective == "classify":
        return total, 0
    if any(trained.get(name) for name in (*ENCODERS, "language")):
        a_layer = 10 * text.hidden + 4 * text.mlp + 2 * text.heads * longest.tokens
        total += stack(text.layers, longest.tokens, text.hidden, a_layer)
    return total, 3 * text.vocab_size * longest.targets


def shortage(memory: Memory, machine: Machine) -> tuple[str, str]:
    """Compare one rank's estimate with the machine: (warning, refusal), each empty or a sentence.

    Refused: what follows from the parameters alone does not fit, or the estimate is more than
    twice what there is. Between once and twice it is a warning, since the estimate is rough.
    """
    have = machine.available
    if have is None:
        return f"{machine.name}: its memory is not known, so nothing was compared", ""
    said = (
        f"about {size(memory.total)} a rank are needed ({size(memory.certain)} of them for weights,"
        f" gradients and moments), {machine.name} has {size(have)} a rank"
    )
    if memory.certain > have or memory.total > 2 * have:
        return "", f"too little memory: {said}"
    return (f"memory may be short: {said}", "") if memory.total > have else ("", "")


def size(count: float) -> str:
    """Bytes for people: `1.4 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1000:  # noqa: PLR2004 - at most three digits
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1024
    return f"{count:,.3g} GiB" if count < 1000 else f"{count:,.0f} GiB"  # noqa: PLR2004
