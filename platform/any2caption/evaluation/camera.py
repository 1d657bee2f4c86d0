"""How often the written camera part agrees with the geometry of the camera condition.

No question and no gold caption takes part: the part's own words are held to the movements that
`camera_language` reads off the path (`datasets.supervision.camera_check`). Records with one camera
condition count; a broken structure, and a part that names no movement, agree with nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from any2caption.conditions.camera.vocabulary import expanded, path_keys
from any2caption.conditions.types import Camera, Condition
from any2caption.datasets.records import Record, RecordCondition
from any2caption.datasets.supervision.camera_check import compare
from any2caption.evaluation.metrics import Prediction
from any2caption.evaluation.scores import ALL, Rate

Load = Callable[[RecordCondition], Condition]
Paths = Mapping[str, tuple[str, ...]]


def camera_paths(records: Iterable[Record], load: Load) -> dict[str, tuple[str, ...]]:
    """Return record id → movement keys, the largest first, of records with one camera condition.

    Snapshots made before the movements were kept with the condition have them computed here, from
    what `load` parses.
    """
    found: dict[str, tuple[str, ...]] = {}
    for record in records:
        cameras = [kept for kept in record.conditions if kept.kind == "camera"]
        if len(cameras) != 1:
            continue
        keys = cameras[0].movements
        if not keys:
            payload = load(cameras[0]).payload
            keys = path_keys(payload) if isinstance(payload, Camera) else ()
        if keys:
            found[record.id] = keys
    return found


def cameras_of(records: Iterable[Record], load: Load) -> dict[str, Camera]:
    """Return record id → path, of records with one camera condition."""
    found: dict[str, Camera] = {}
    for record in records:
        kept = [one for one in record.conditions if one.kind == "camera"]
        payload = load(kept[0]).payload if len(kept) == 1 else None
        if isinstance(payload, Camera):
            found[record.id] = payload
    return found


def agreement(
    selection: Mapping[str, Sequence[Record]], predictions: Mapping[str, Prediction], paths: Paths
) -> dict[str, dict[str, Rate]]:
    """Return by slice (and over all) the share of camera parts that agree with the path.

    `agrees`: names movements, all of them shown; `main`: names the path's largest movement. Slices
    without a camera condition are left out.
    """
    groups = {ALL: [record for group in selection.values() for record in group], **selection}
    table: dict[str, dict[str, Rate]] = {}
    for name, group in groups.items():
        pairs = [
            _judged(predictions[record.id], paths[record.id])
            for record in group
            if record.id in paths
        ]
        if pairs:
            table[name] = {
                "agrees": Rate(sum(agrees for agrees, _ in pairs), len(pairs)),
                "main": Rate(sum(main for _, main in pairs), len(pairs)),
            }
    return table


def _judged(prediction: Prediction, shown: tuple[str, ...]) -> tuple[bool, bool]:
    found = compare([prediction.part("camera")], shown)
    if found is None:
        return False, False
    return found.agrees, bool(expanded(shown[:1]) & expanded(found.said))
