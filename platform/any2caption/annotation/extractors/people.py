"""Body keypoints of several people by MediaPipe's networks, written as OpenPose JSON."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from any2caption.annotation.extractors.base import MAX_FRAMES, Extracted
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part
from any2caption.errors import ConfigError
from any2caption.perception import weights
from any2caption.storage.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from any2caption.annotation.media import Media
    from any2caption.perception.people import People, Person

NAME = "people"


@dataclass(frozen=True)
class PeoplePose:
    """Finds people in every frame; a clip without any gives no condition."""

    frames: int = MAX_FRAMES
    kind: str = "pose"
    name: str = NAME

    @cached_property
    def version(self) -> str:
        """The digests of both networks."""
        self._check()
        from any2caption.perception import people

        files = (people.DETECTOR, people.LANDMARKS)
        return ", ".join(file_digest(weights.folder() / name)[:16] for name in files)

    @cached_property
    def _people(self) -> "People":
        self._check()
        from any2caption.perception.people import People

        return People(weights.folder())

    def _check(self) -> None:
        from any2caption.perception import people

        lacks = weights.missing(("ai_edge_litert",), (people.DETECTOR, people.LANDMARKS))
        if lacks:
            raise ConfigError(
                f"extractor {NAME} needs {', '.join(lacks)}, which the extra perception brings: "
                f"{weights.INSTALL}"
            )

    def extract(self, media: "Media") -> list[Extracted]:
        """Return one pose condition, a JSON file a frame; none where nobody is seen."""
        pictures = media.pictures(NAME)
        chosen = sample_frames(len(pictures), min(len(pictures), self.frames))
        found = [self._people.find(pictures[at]) for at in chosen]
        if not any(found):
            return []
        height, width = pictures.shape[1:3]
        parts = tuple(
            Part(f"pose_{number:05d}_keypoints.json", _json(people, width, height))
            for number, people in enumerate(found)
        )
        options = {"layout": "COCO_18", "width": width, "height": height}
        said = ("who lies, crawls or is cut off is often not found",)
        return [Extracted(parts, options=options, assumptions=said)]


def _json(people: "Sequence[Person]", width: int, height: int) -> bytes:
    return json.dumps(
        {
            "version": 1.3,
            "people": [
                {"person_id": [-1], "pose_keypoints_2d": _flat(one.points, width, height)}
                for one in people
            ],
        }
    ).encode()


def _flat(points: "NDArray[np.float64]", width: int, height: int) -> list[float]:
    return [round(float(value), 3) for value in (points * (width, height, 1)).ravel()]
