"""Small valid files that used to cost a great deal: generators that benches and tests share.

Each takes a count and returns a condition's kind, its files and its options. All are deterministic,
and none needs more than the standard library. `MAKERS` has them at the sizes at which they hurt,
`DOUBLED` at sizes whose doubles are still read.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from any2caption.conditions.types import Part


@dataclass(frozen=True, slots=True)
class Hostile:
    """One condition as a client sends it."""

    kind: str
    parts: tuple[Part, ...]
    options: Mapping[str, str | float]

    @property
    def bytes(self) -> int:
        """Bytes of all its files."""
        return sum(len(part.data) for part in self.parts)


def _one(kind: str, name: str, data: bytes, **options: str | float) -> Hostile:
    return Hostile(kind, (Part(name, data),), options)


def _json(kind: str, value: object, **options: str | float) -> Hostile:
    return _one(kind, f"{kind}.json", json.dumps(value, separators=(",", ":")).encode(), **options)


def rle_masks(count: int, side: int = 6000) -> Hostile:
    """Run-length masks that each cover a whole large picture: 40 bytes a mask."""
    full = {"size": [side, side], "counts": [0, side * side]}
    return _json("segmentation", [full] * count)


def polygon_masks(count: int, side: int = 6000) -> Hostile:
    """Polygons that each cover a whole large picture."""
    shape = [0, 0, side, 0, side, side, 0, side]
    image = {"id": 1, "width": side, "height": side}
    masks = [{"image_id": 1, "segmentation": [shape]} for _ in range(count)]
    return _json("segmentation", {"images": [image], "annotations": masks})


def run_masks(count: int, masks: int = 4) -> Hostile:
    """Masks of many short runs: stripes of one pixel."""
    mask = {"size": [count, 2], "counts": [1] * (2 * count)}
    return _json("segmentation", [mask] * masks)


def masklet(count: int, objects: int = 10, side: int = 100) -> Hostile:
    """A masklet of many frames and objects."""
    mask = {"size": [side, side], "counts": [0, side * side]}
    return _json("segmentation", {"masklet": [[mask] * objects] * count})


def region_labels(count: int, letters: int = 200) -> Hostile:
    """Boxes with long labels that no tokenizer has words for."""
    label = "".join(chr(97 + (7 * at * at + at) % 26) for at in range(letters))
    box = [0.1, 0.1, 0.9, 0.9]
    return _json("region", {"regions": [{"label": label, "box": box}] * count})


def region_categories(count: int, regions: int = 500) -> Hostile:
    """Regions whose label stands at the end of a long list of categories."""
    return _json(
        "region",
        {
            "images": [{"id": 1, "width": 100, "height": 100}],
            "categories": [{"id": at, "name": "x"} for at in range(count)],
            "annotations": [
                {"image_id": 1, "bbox": [1, 1, 9, 9], "category_id": count - 1}
                for _ in range(regions)
            ],
        },
    )


def crowd(count: int, people: int = 32) -> Hostile:
    """Frames full of people, none of whom was anywhere near in the frame before."""
    frames = []
    for frame in range(count):
        persons = []
        for person in range(people):
            left = 40 * (person + people * (frame % 997))
            points = [left + at for at in range(18)]
            flat = [value for at in points for value in (at, 7 * (at % 5), 1)]
            persons.append({"pose_keypoints_2d": flat})
        frames.append({"people": persons})
    return _json("pose", frames)


def results(count: int) -> Hostile:
    """COCO results: one person a picture."""
    flat = [value for at in range(17) for value in (10 + at, 20 + 3 * (at % 5), 1)]
    return _json("pose", [{"image_id": at, "keypoints": flat} for at in range(count)])


def bvh(count: int, joints: int = 1000) -> Hostile:
    """Motion capture of many joints without channels: a few bytes a frame."""
    names = [f"{side}{part}" for side in ("Left", "Right")
             for part in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")]  # fmt: skip
    lines = ["HIERARCHY", "ROOT Hips", "{", "OFFSET 0 0 0", "CHANNELS 1 Xposition"]
    for at in range(joints):
        name = names[at] if at < len(names) else f"j{at}"
        lines += [f"JOINT {name}", "{", f"OFFSET {at % 7} {at % 11} 0", "CHANNELS 0", "}"]
    lines += ["}", "MOTION", f"Frames: {count}", "Frame Time: 0.04"]
    return _one("pose", "a.bvh", "\n".join([*lines, *["0"] * count]).encode())


def gif(count: int, side: int = 1000) -> Hostile:
    """A GIF of frames that change one pixel of a large picture: 23 bytes a frame."""
    size = struct.pack("<HH", side, side)
    head = b"GIF89a" + size + b"\x80\x00\x00" + b"\x00\x00\x00\xff\xff\xff"
    control = b"\x21\xf9\x04\x04\x02\x00\x00\x00"
    frame = control + b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00" + b"\x02\x02\x44\x01\x00"
    first = control + b"\x2c\x00\x00\x00\x00" + size + b"\x00" + b"\x02\x02\x44\x01\x00"
    return _one("video", "a.gif", head + first + frame * (count - 1) + b";")


def repeated_key(count: int) -> Hostile:
    """Camera JSON of many keys, of which the last comes twice."""
    keys = ",".join(f'"k{at}":0' for at in range(count))
    return _one("camera", "a.json", f'{{{keys},"k{count - 1}":0}}'.encode())


def transforms(count: int) -> Hostile:
    """NeRF transforms with as many other keys as frames."""
    eye = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    frames = [{"transform_matrix": eye} for _ in range(count)]
    other = {f"k{at}": 0 for at in range(count)}
    return _json("camera", {"camera_angle_x": 1.0, **other, "frames": frames})


def frame_ids(count: int) -> Hostile:
    """GenDoP transforms that name each frame's number."""
    eye = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    frames = [{"transform_matrix": eye, "monst3r_im_id": count - at} for at in range(count)]
    return _json("camera", {"frames": frames})


def poses(count: int) -> Hostile:
    """TUM text."""
    lines = [f"{at} {math.sin(at / 9):.6f} 0 {at / 99:.6f} 0 0 0 1" for at in range(count)]
    return _one("camera", "a.tum", "\n".join(lines).encode())


def key_points(count: int) -> Hostile:
    """Lines of key points on a sphere."""
    line = " ".join(str(at % 40 - 20) for at in range(count))
    radius = " ".join("0" for _ in range(count))
    return _one("camera", "a.txt", f"{line}\n{line}\n{radius}\n".encode())


def camera_lines(count: int) -> Hostile:
    """Text of very many lines that are no pose."""
    return _one("camera", "a.txt", b"1\n" * count)


def track_ids(count: int) -> Hostile:
    """A motion CSV with a track a row."""
    rows = "".join(f"{at},{at % 90},{at % 70}\n" for at in range(count))
    return _one("motion", "a.csv", f"id,x,y\n{rows}".encode())


def track_rows(count: int, tracks: int = 50) -> Hostile:
    """A motion CSV with frames and a few tracks."""
    rows = "".join(f"{at // tracks},{at % tracks},{at % 90},{at % 70}\n" for at in range(count))
    return _one("motion", "a.csv", f"frame,id,x,y\n{rows}".encode())


def track_lines(count: int) -> Hostile:
    """Track text of very many lines."""
    return _one("motion", "a.txt", b"1,1\n" * count)


def track_lists(count: int, tracks: int = 100) -> Hostile:
    """Tracks as JSON lists."""
    one = [[at % 90, at % 70] for at in range(count)]
    return _json("motion", [one] * tracks)


def nested(count: int, kind: str = "segmentation") -> Hostile:
    """Empty lists, three bytes each, that a JSON reader makes objects of."""
    return _one(kind, "a.json", b"[" + b"[]," * (count - 1) + b"[]]")


def objects(count: int, kind: str = "region") -> Hostile:
    """Objects of one key, nine bytes each."""
    return _one(kind, "a.json", b"[" + b'{"a":[]},' * (count - 1) + b'{"a":[]}]')


def deep(count: int, kind: str = "pose") -> Hostile:
    """Lists within lists."""
    return _one(kind, "a.json", b"[" * count + b"]" * count)


MAKERS: Mapping[str, tuple[Callable[[int], Hostile], int]] = {
    "99 masks of 36 megapixels": (rle_masks, 99),
    "8 masks of 36 megapixels": (rle_masks, 8),
    "99 polygons of 36 megapixels": (polygon_masks, 99),
    "masks of 8 million runs": (run_masks, 1_000_000),
    "400 frames × 10 masks": (masklet, 400),
    "64 labels of 200 letters": (region_labels, 64),
    "500 regions, 100,000 categories": (region_categories, 100_000),
    "60 frames × 32 people": (crowd, 60),
    "600 frames × 32 people": (crowd, 600),
    "BVH, 1,000 joints × 10,000 frames": (bvh, 10_000),
    "GIF of 20,000 frames": (gif, 20_000),
    "GIF of 5,000 frames": (gif, 5_000),
    "GIF of 1,000 frames": (gif, 1_000),
    "camera JSON, a key repeated": (repeated_key, 50_000),
    "transforms, 5,000 other keys": (transforms, 5_000),
    "transforms, 20,000 numbered frames": (frame_ids, 20_000),
    "19,000 key points": (key_points, 19_000),
    "camera text of 5 million lines": (camera_lines, 5_000_000),
    "motion CSV, an id a row": (track_ids, 40_000),
    "motion text of 8 million lines": (track_lines, 8_000_000),
    "15,000 points × 256 tracks": (lambda count: track_lists(count, 256), 15_000),
    "8,000 points × 256 tracks": (lambda count: track_lists(count, 256), 8_000),
    "motion text of 2 million lines": (track_lines, 2_000_000),
    "[[],… of 60 MB": (nested, 20_000_000),
    "[[],… of 190 MB": (nested, 64_000_000),
    "regions [{…},… of 60 MB": (objects, 6_500_000),
    "lists 900 deep": (deep, 900),
    "lists 30 million deep": (deep, 30_000_000),
}
"""Name → generator and the count at which it hurts."""


DOUBLED: Mapping[str, tuple[Callable[[int], Hostile], int]] = {
    "runs": (run_masks, 100_000),
    "masklet": (masklet, 2_000),
    "categories": (lambda count: region_categories(count, 50), 100_000),
    "crowd": (crowd, 40),
    "results": (results, 2_500),
    "BVH": (lambda count: bvh(count, 120), 4_000),
    "GIF": (lambda count: gif(count, 32), 8_000),
    "other keys": (transforms, 4_000),
    "frame numbers": (frame_ids, 6_000),
    "poses": (poses, 9_000),
    "track rows": (track_rows, 20_000),
    "track ids": (track_ids, 20_000),
    "track lists": (track_lists, 2_000),
    "empty lists": (nested, 500_000),
    "objects": (objects, 150_000),
    "repeated keys": (repeated_key, 60_000),
    "lines": (camera_lines, 40_000),
}
"""Name → generator and a count; at twice that it is still parsed, or refused after parsing."""


def hostile(name: str) -> Hostile:
    """Make one of `MAKERS` at its full size."""
    make, count = MAKERS[name]
    return make(count)
