"""Condition extractors: what there is, and one of them by its name.

Heavy libraries load with the first record that a tool works on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from any2caption.annotation.extractors.base import Extracted, Extractor
from any2caption.annotation.extractors.depth_model import DepthModel
from any2caption.annotation.extractors.edges import CannyEdges
from any2caption.annotation.extractors.geometry import GivenGeometry
from any2caption.annotation.extractors.people import PeoplePose
from any2caption.annotation.extractors.pose_model import PoseModel
from any2caption.annotation.extractors.segmentation_model import SegmentationModel
from any2caption.annotation.extractors.stills import EdgeFrame, MaskCrops
from any2caption.errors import ConfigError

__all__ = ["TOOLS", "Extracted", "Extractor", "Tool", "make_extractor", "make_extractors"]


@dataclass(frozen=True, slots=True)
class Tool:
    """An extractor that can be asked for by name; `weights` says what folder it needs, if any."""

    name: str
    kind: str
    summary: str
    make: Callable[[Path | None], Extractor]
    weights: str = ""


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "depth-model",
            "depth",
            "depth maps of five evenly spaced frames",
            DepthModel,
            "a transformers depth-estimation model, e.g. Depth Anything V2",
        ),
        Tool(
            "pose-model",
            "pose",
            "18 body keypoints a frame, of one person who fills it",
            PoseModel,
            "a transformers ViTPose model with 17 points",
        ),
        Tool(
            "people",
            "pose",
            "18 body keypoints a frame, of up to four people (extra `perception`)",
            lambda _: PeoplePose(),
        ),
        Tool(
            "segmentation-model",
            "segmentation",
            "class masks of sixteen evenly spaced frames",
            SegmentationModel,
            "a transformers semantic segmentation model, e.g. SegFormer",
        ),
        Tool(
            "given-geometry",
            "camera",
            "the record's camera path as RealEstate10K text",
            lambda _: GivenGeometry(),
        ),
        Tool("canny", "sketch", "edges of every frame, white on black", lambda _: CannyEdges()),
        Tool("first-frame", "image", "the first frame", lambda _: EdgeFrame("first_frame")),
        Tool("last-frame", "image", "the last frame", lambda _: EdgeFrame("last_frame")),
        Tool(
            "mask-crops",
            "image",
            "the masked objects, at most three, as identity pictures on white",
            lambda _: MaskCrops(),
        ),
    )
}


def make_extractor(spec: str) -> Extractor:
    """Make the extractor that `name`, `kind` or `name=/weights` stands for.

    A kind stands for its only extractor, or the only one that needs no weights.

    Raises:
        ConfigError: there is no such tool, or it lacks (or does not take) weights; says which.
    """
    wanted, _, path = spec.partition("=")
    of_kind = [tool for tool in TOOLS.values() if tool.kind == wanted]
    if not path and len(of_kind) > 1:
        of_kind = [tool for tool in of_kind if not tool.weights]
    tool = TOOLS.get(wanted) or (of_kind[0] if len(of_kind) == 1 else None)
    if tool is None:
        raise ConfigError(f"there is no extractor {wanted!r}; there are: {', '.join(TOOLS)}")
    if path and not tool.weights:
        raise ConfigError(f"extractor {tool.name} takes no weights, but {path!r} was given")
    return tool.make(Path(path) if path else None)


def make_extractors(specs: Sequence[str]) -> list[Extractor]:
    """Make all extractors of a run; they work on each record in this order."""
    return [make_extractor(spec) for spec in specs]
