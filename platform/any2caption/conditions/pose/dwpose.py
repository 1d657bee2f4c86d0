"""Read DWPose output (`bodies`, `candidate`, `subset`) and exports of pose editors.

A person of DWPose is a row of indices into the candidates, -1 = missing. Editors write `width`,
`height` and a list of [x, y], 18 a person, with 0, 0 or null for a point that was taken away.
"""

from typing import Any

import numpy as np

from any2caption.conditions.pose.keypoint_json import (
    Floats,
    Frame,
    Where,
    canvas_of,
    cleaned,
    number,
    pairs,
    people_of,
    scores,
)

_POINTS = 18


def dwpose_frame(item: dict[str, Any], where: Where) -> Frame:
    """Read one frame with `bodies`.

    Raises:
        InputError: malformed numbers, an index that leads nowhere.
    """
    bodies = item.get("bodies")
    if bodies is None or bodies == []:
        return Frame((), canvas_of(item, where))
    if not isinstance(bodies, dict):
        raise where.error("not an object", "bodies")
    candidate = bodies.get("candidate")
    points = pairs([] if candidate is None else candidate, where, "candidate")
    subset = bodies.get("subset")
    if subset is None:
        if len(points) % _POINTS:
            raise where.error(f"{len(points)} points, not a multiple of {_POINTS}", "candidate")
        subset = np.arange(len(points)).reshape(-1, _POINTS).tolist()
    if not isinstance(subset, list):
        raise where.error("not a list", "subset")
    given = bodies.get("score")
    people = []
    for count, row in enumerate(subset, start=1):
        here = Where(where.file, where.frame, count)
        if not isinstance(row, list) or len(row) < _POINTS:
            raise here.error(f"not a list of {_POINTS} indices", "subset")
        sure = None
        if isinstance(given, list) and len(given) == len(subset):
            row_scores = given[count - 1]
            short = row_scores[:_POINTS] if isinstance(row_scores, list) else row_scores
            sure = scores(short, _POINTS, here, "score")
        people.append(_picked(points, row[:_POINTS], sure, here))
    return Frame(people_of(people), canvas_of(item, where))


def _picked(points: Floats, row: list[Any], sure: Floats | None, where: Where) -> Floats | None:
    person = np.zeros((_POINTS, 3))
    for at, value in enumerate(row):
        index = number(value, where, f"subset point {at}")
        if index < 0:
            continue
        if index != int(index) or index >= len(points):
            raise where.error(f"{index:g} is not an index of {len(points)} points", "subset")
        person[at, :2] = points[int(index)]
        # DWPose marks points under its threshold in `subset`; what is left counts as seen.
        person[at, 2] = 1.0 if sure is None else max(float(sure[at]), 0.01)
    return cleaned(person)


def editor_frame(item: dict[str, Any], where: Where) -> Frame:
    """Read an editor's export: `keypoints` = [x, y] lists, 18 a person, and its canvas.

    Raises:
        InputError: malformed numbers, or not a multiple of 18 points.
    """
    points = pairs(item["keypoints"], where, "keypoints")
    if len(points) % _POINTS or not len(points):
        raise where.error(f"{len(points)} points, not a multiple of {_POINTS}", "keypoints")
    people = []
    for person in points.reshape(-1, _POINTS, 2):
        there = (person != 0).any(axis=1).astype(np.float64)
        people.append(cleaned(np.column_stack([person, there])))
    return Frame(people_of(people), canvas_of(item, where))
