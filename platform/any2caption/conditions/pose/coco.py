"""Read COCO keypoints: annotation files of many images, result lists, MMPose predictions.

Every image is a frame, in the order of the `images` list (result lists: natural order of the image
ids). In annotation files the third number is the visibility v: 0 = missing, 1 = labelled but
covered (confidence 0.5), 2 = seen (confidence 1). In result lists it is a confidence, unless all
are 0, 1, 2 with a 2 among them. Of 133 whole-body points the 17 of the body are taken.

The images are frames of one clip when they state one size and their names (else ids) differ only in
a number that rises in steps of at most 100, or when each has a `frame_id`. Others are pictures of
their own, whose people do not move from one to the next. Who states `fps` says that it is a clip.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from any2caption.conditions.io.files import natural_key
from any2caption.conditions.kind import Notes
from any2caption.conditions.pose.keypoint_json import (
    Floats,
    Frame,
    Where,
    canvas_of,
    cleaned,
    flat_triples,
    pairs,
    people_of,
    scores,
    triples,
)
from any2caption.conditions.pose.layouts import BODY_25, COCO_17
from any2caption.conditions.pose.named_points import at_their_places, names_of

COVERED = 0.5
WHOLE_BODY = 133
_BODY = len(COCO_17.points)
_SEEN = 2.0
_STEP = 100
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_SIDES = {"left": "l", "right": "r"}


def annotation_frames(
    value: Mapping[str, Any], select: str | None, file: str, notes: Notes, *, clip: bool = False
) -> list[Frame]:
    """Read an annotation file with `images` and `annotations`; `clip`: it is known to be one.

    Raises:
        InputError: malformed entries, other points than COCO's, an image that is not there.
    """
    where = Where(file)
    images = _objects(value.get("images"), where, "images")
    annotations = _objects(value.get("annotations"), where, "annotations")
    _check_names(value.get("categories"), where)
    chosen = _selected(images, select, where)
    alone = not clip and _tell_apart(chosen, "in the order of the file", notes)
    by_image: dict[str, list[Floats | None]] = {str(image.get("id")): [] for image in chosen}
    for count, annotation in enumerate(annotations, start=1):
        people = by_image.get(str(annotation.get("image_id")))
        if people is None or not annotation.get("keypoints"):
            continue
        people.append(_annotated(annotation["keypoints"], Where(file, person=count)))
    return [
        Frame(people_of(by_image[str(image.get("id"))]), canvas_of(image, where), alone)
        for image in chosen
    ]


def result_frames(
    items: Sequence[Mapping[str, Any]],
    select: str | None,
    file: str,
    notes: Notes,
    *,
    clip: bool = False,
) -> list[Frame]:
    """Read a list of people with `image_id` and `keypoints` (COCO results, AlphaPose).

    `clip`: it is known to be one.

    Raises:
        InputError: malformed entries, or an image that is not there.
    """
    groups = _by_image(items, file)
    read = _third_number(groups.values(), notes)
    names = sorted(groups, key=natural_key)
    if select is not None:
        names = [name for name in names if select in _names(name, None)]
        if not names:
            raise Where(file).error(f"no image is called {select!r}", "select")
    images = [{"id": name} for name in names]
    alone = not clip and _tell_apart(images, "in natural order of their ids", notes)
    return [Frame(people_of([read(one) for one in groups[name]]), None, alone) for name in names]


def _by_image(items: Sequence[Mapping[str, Any]], file: str) -> dict[str, list[Floats]]:
    """Group a result list by image id; an image whose people have no keypoints has no people."""
    groups: dict[str, list[Floats]] = {}
    for count, item in enumerate(items, start=1):
        where = Where(file, person=count)
        for field in ("image_id", "keypoints"):
            if field not in item:
                raise where.error("missing", field)
        people = groups.setdefault(str(item["image_id"]), [])
        if item["keypoints"]:
            people.append(_body(flat_triples(item["keypoints"], where, "keypoints"), where))
    return groups


def _third_number(
    groups: Iterable[list[Floats]], notes: Notes
) -> Callable[[Floats], Floats | None]:
    """Tell by all of a list's third numbers how a person's are read: flags or confidences."""
    third = np.array([c for people in groups for one in people for c in one[:, 2]])
    if np.isin(third, (0.0, 1.0, _SEEN)).all() and (third == _SEEN).any():
        return _visible
    if len(third) and third.max() > 1:
        notes.warn("confidences above 1 were set to 1")
    return cleaned


def _tell_apart(images: Sequence[Mapping[str, Any]], order: str, notes: Notes) -> bool:
    """Tell how several images are read; return whether they are pictures of their own."""
    if len(images) < 2:  # noqa: PLR2004 - one picture is one picture
        return False
    why = no_clip(images)
    if why is None:
        notes.assume(f"{len(images)} images read as frames {order} (option select for one)")
        return False
    notes.assume(
        f"{len(images)} images read as pictures of their own {order}, not as a clip ({why}): "
        "no movements (option select for one image; option fps where it is a clip)"
    )
    return True


def no_clip(images: Sequence[Mapping[str, Any]]) -> str | None:
    """Say why images are not the frames of one clip; None when they may be."""
    if all("frame_id" in image for image in images):
        return None
    sizes = {(image.get("width"), image.get("height")) for image in images}
    if len(sizes) > 1:
        return "their sizes differ"
    names = [image.get("file_name") or image.get("id") for image in images]
    found = [_NUMBERED.fullmatch(str(name)) for name in names]
    numbered = [one for one in found if one is not None]
    if len(numbered) < len(names) or len({(one[1], one[3]) for one in numbered}) > 1:
        return "their names are not one name with a number"
    numbers = [int(one[2][-18:]) for one in numbered]
    if not all(0 < after - before <= _STEP for before, after in pairwise(numbers)):
        return f"their numbers do not rise in steps of at most {_STEP}"
    return None


def mmpose_frames(value: Any, file: str, notes: Notes) -> list[Frame]:
    """Read MMPose predictions: a list of instances, or `instance_info` with a list a frame.

    Points that the file names (`meta_info`) go to their places by name. Points of three coordinates
    with their scores are people in space: K×4 = (x, y, confidence, z).

    Raises:
        InputError: malformed entries, names without a body's limbs.
    """
    names: Sequence[str] | None = None
    if isinstance(value, dict):
        names = names_of(value.get("meta_info"), Where(file))
        if names:
            notes.assume("points are put at their places by the names in keypoint_id2name")
        infos = _objects(value.get("instance_info"), Where(file), "instance_info")
        groups = [
            _objects(info.get("instances"), Where(file, count), "instances")
            for count, info in enumerate(infos, start=1)
        ]
    else:
        groups = [_objects(value, Where(file), "instances")]
    frames = []
    for at, group in enumerate(groups, start=1):
        people = []
        for count, instance in enumerate(group, start=1):
            where = Where(file, at, count)
            given, stated = instance.get("keypoints"), instance.get("keypoint_scores")
            points = triples(given, where, "keypoints")
            # Without scores of their own, third numbers of 0 to 1 may be scores.
            if points is None or not (stated or _beyond(points[:, 2])):
                points = pairs(given, where, "keypoints")
            sure = scores(stated, len(points), where, "keypoint_scores")
            people.append(_with_scores(points, sure, where, names))
        layout = BODY_25.name if names else None
        frames.append(Frame(people_of(people), None, layout=layout))
    if len({person.shape for frame in frames for person in frame.people}) > 1:
        raise Where(file).error("some people have two coordinates, others three", "keypoints")
    return frames


def _beyond(values: Floats) -> bool:
    """Whether some value lies outside 0…1."""
    return bool(((values < 0) | (values > 1)).any())


def _with_scores(
    points: Floats, sure: Floats | None, where: Where, names: Sequence[str] | None
) -> Floats | None:
    """As `with_scores`; a third coordinate becomes the fourth column."""
    if names is None and points.shape[1] == 2:  # noqa: PLR2004 - in the picture
        return with_scores(points, sure, where)
    if sure is None:
        sure = (points != 0).any(axis=1).astype(np.float64)
    person = np.column_stack([points[:, :2], sure, points[:, 2:]])
    if names is None:
        return cleaned(_body(person, where))
    if len(person) != len(names):
        raise where.error(f"{len(person)} points, but {len(names)} names", "keypoint_id2name")
    return cleaned(at_their_places(person, names))


def with_scores(points: Floats, sure: Floats | None, where: Where) -> Floats | None:
    """Join points K×2 with their confidences; without any, a point at 0, 0 is missing."""
    if sure is None:
        sure = (points != 0).any(axis=1).astype(np.float64)
    return cleaned(_body(np.column_stack([points, sure]), where))


def _objects(value: Any, where: Where, field: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise where.error("not a list of objects", field)
    return value


def _check_names(categories: Any, where: Where) -> None:
    """Refuse annotation files whose own point names are not COCO's."""
    for category in categories if isinstance(categories, list) else []:
        names = category.get("keypoints") if isinstance(category, dict) else None
        if not isinstance(names, list) or len(names) != _BODY:
            continue
        plain = [str(name).lower().replace(" ", "_") for name in names]
        for long, short in _SIDES.items():
            plain = [name.replace(f"{long}_", f"{short}_") for name in plain]
        wrong = [name for name, ours in zip(plain, COCO_17.points, strict=True) if name != ours]
        if wrong:
            raise where.error(
                f"point {names[plain.index(wrong[0])]!r} is not at COCO's place", "categories"
            )


def _selected(
    images: list[Mapping[str, Any]], select: str | None, where: Where
) -> list[Mapping[str, Any]]:
    if not images:
        raise where.error("an empty list", "images")
    ids = [str(image.get("id")) for image in images]
    if len(set(ids)) < len(ids) or any("id" not in image for image in images):
        raise where.error("an image without an id, or two with one id", "images")
    if select is None:
        return images
    found = [
        image for image in images if select in _names(str(image["id"]), image.get("file_name"))
    ]
    if not found:
        raise where.error(f"no image is called {select!r}", "select")
    return found[:1]


def _names(identifier: str, file: Any) -> set[str]:
    """What an image may be called: id, path, file name, file name without its ending."""
    names = {identifier}
    for name in (identifier, file):
        if isinstance(name, str) and name:
            base = name.rsplit("/", 1)[-1]
            names |= {name, base, base.rsplit(".", 1)[0]}
    return names


def _annotated(values: Any, where: Where) -> Floats | None:
    points = _body(flat_triples(values, where, "keypoints"), where)
    if not np.isin(points[:, 2], (0.0, 1.0, _SEEN)).all():
        raise where.error("a visibility that is not 0, 1 or 2", "keypoints")
    return _visible(points)


def _visible(points: Floats) -> Floats | None:
    points[:, 2] = np.select([points[:, 2] == _SEEN, points[:, 2] == 1], [1.0, COVERED], 0.0)
    return cleaned(points)


def _body(points: Floats, where: Where) -> Floats:
    if len(points) == WHOLE_BODY:
        return points[:_BODY]
    if len(points) != _BODY:
        raise where.error(f"{len(points)} points; {_BODY} are accepted", "keypoints")
    return points
