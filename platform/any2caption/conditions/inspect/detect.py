"""Say what kind of condition files are, from their content; names are not looked at.

The rule, in order:

- what a kind knows by its own sign (`ConditionKind.sign`): BVH is pose; rigid matrices and COLMAP's
  images are camera; pictures with a JSON of categories segmentation, with one of regions region; an
  animated picture is a video;
- JSON: what reads it, first the kinds whose keys it has (`ConditionKind.json`);
- npy and npz: depth, else motion; lines of numbers: camera, else motion; other text: text;
- two pictures of which one is black and white areas and the other in colour: a masked image;
- 16-bit grey: depth, or segmentation when it has at most 64 values;
- a palette of at most 64 used colours: segmentation;
- grey of black and white: sketch when its lines are thin, else segmentation; of at most 32 values:
  segmentation; other grey: depth;
- thin lines of several colours on black that pose reads: pose;
- colour whose values are all directions: normal map; of at most 256 colours (PNG): segmentation;
- other colour: one picture is an image, several of one size (and a clip) are a video. Clips follow
  the rules of pictures for lines on black and for grey.

Files that are conditions of their own are refused together, and each is named with its kind.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.files import natural_key
from any2caption.conditions.io.images import MAX_PIXELS, image_header, load_image
from any2caption.conditions.io.npy import open_npy
from any2caption.conditions.io.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.io.stored_pixels import distinct, is_thin, is_two_valued, stored_values
from any2caption.conditions.io.untrusted_json import has_key, load_json, shown
from any2caption.conditions.isolation import parse
from any2caption.conditions.kind import Notes
from any2caption.conditions.pictures.normal import direction_share
from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Part, Video
from any2caption.errors import InputError

_MOST_IDS, _MOST_GREYS, _MOST_COLOURS = 64, 32, 256
_DEEP = 16
_COLOURED = 24
_VIVID = 40
_SHOWN = 6  # files or keys that a message names


def detect_kind(parts: Sequence[Part]) -> tuple[str, str]:
    """Return the kind of the files and the rule that said so.

    Raises:
        InputError: no rule fits; or the error of the kind that fits, when it can't read the files.
    """
    ordered = sorted(parts, key=lambda part: natural_key(part.name))
    try:
        found = _kind_of(ordered)
    except InputError as error:
        # The file that is wrong, unless all are right and only too many for one condition.
        if len(ordered) == 1 or error.field not in {"kind", *KINDS}:
            raise
        alone = _each_alone(ordered)
        if "?" in alone:
            raise
        raise _several(ordered, alone) from error
    if found is None:
        raise _several(ordered, _each_alone(ordered))
    return found


def _each_alone(parts: Sequence[Part]) -> list[str]:
    """The kind of each of the first files by itself, `?` where none reads it."""
    kinds = []
    for part in parts[:_SHOWN]:
        try:
            found = _kind_of([part])
        except InputError:
            found = None
        kinds.append(found[0] if found else "?")
    return kinds


def _several(parts: Sequence[Part], kinds: Sequence[str]) -> InputError:
    if len(parts) == 1:
        return InputError(
            f"{sniff(parts[0].data)}: no kind reads this; give --kind",
            file=parts[0].name,
            field="kind",
        )
    named = [f"{part.name} ({kind})" for part, kind in zip(parts, kinds, strict=False)]
    more = "" if len(parts) == len(named) else f" and {len(parts) - len(named)} more"
    return InputError(
        f"{len(parts)} files that are no single condition: {', '.join(named)}{more}; "
        "--select NAME takes one, --kind says what they are together",
        file=parts[0].name,
        field="kind",
    )


def _kind_of(ordered: Sequence[Part]) -> tuple[str, str] | None:
    """Return what `detect_kind` does; None for files that no rule takes together."""
    for kind in KINDS.values():
        if kind.sign is not None and (rule := kind.sign(ordered)):
            return kind.name, rule
    names = {sniff(part.data) for part in ordered}
    if names <= set(IMAGE_FORMATS):
        return _pictures(ordered)
    if names == {"JSON"}:
        return _json(ordered)
    if names <= {"npy", "ZIP or npz"}:
        order = ("motion", "depth") if _is_path(ordered[0]) else ("depth", "motion")
        return _first_reader(ordered, order, "npy")
    if len(names) == 1 and names & set(VIDEO_FORMATS):
        return _clip(ordered)
    return _text(ordered) if names <= {"text", "UTF-16 text"} else None


def _is_path(part: Part) -> bool:
    """Whether an npy is a path of points T×2: no map is two pixels wide."""
    if sniff(part.data) != "npy":
        return False
    shape = open_npy(part).shape
    return len(shape) == 2 and shape[1] == 2 < shape[0]  # noqa: PLR2004


def _reads(kind: str, parts: Sequence[Part]) -> InputError | None:
    """None when the kind reads the files, else why not."""
    try:
        parse.parse_condition(kind, parts)
    except InputError as error:
        return error
    return None


def _first_reader(
    parts: Sequence[Part], kinds: Sequence[str], rule: str, *, hinted: bool = True
) -> tuple[str, str]:
    first: InputError | None = None
    for kind in (kind for kind in kinds if kind in KINDS):
        error = _reads(kind, parts)
        if error is None:
            return kind, rule
        first = first or error
    if first is None or not hinted:
        raise InputError("no kind reads this; give --kind", file=parts[0].name, field="kind")
    raise first


def _json(parts: Sequence[Part]) -> tuple[str, str]:
    hints, others = _json_order(parts[0])
    rule = "JSON that this kind reads"
    if hints:
        return _first_reader(parts, [*hints, *others], rule)
    try:
        return _first_reader(parts, others, rule, hinted=False)
    except InputError as error:
        value = load_json(parts[0])
        inner = value[0] if isinstance(value, list) and value else value
        keys = [shown(key) for key in inner] if isinstance(inner, dict) else []
        what = f"the keys {', '.join(keys[:_SHOWN])}" if keys else f"{shown(value)}"
        raise InputError(
            f"JSON with {what}: no kind of condition has this form; give --kind",
            file=parts[0].name,
            field="kind",
        ) from error


def _json_order(part: Part) -> tuple[list[str], list[str]]:
    """(kinds that the keys speak of, the other kinds that have JSON)."""
    reading = {name: kind.json for name, kind in KINDS.items() if kind.json is not None}
    names = sorted(reading, key=lambda name: reading[name].turn)
    hinted = [name for name in names if has_key(part, reading[name].keys)]
    return hinted, [name for name in names if name not in hinted]


def _text(parts: Sequence[Part]) -> tuple[str, str] | None:
    lines = parts[0].data[:200_000].splitlines()
    cells = [_cells(line) for line in lines if not line.lstrip().startswith(b"#")]
    widths = [len(one) for one in cells if _numeric(one)]
    if not widths or len(widths) < (len([one for one in cells if one]) - 1) / 2:
        return ("text", "text") if len(parts) == 1 else None
    order = ("motion", "camera") if max(widths) <= 3 and len(widths) > 3 else ("camera", "motion")  # noqa: PLR2004
    return _first_reader(parts, order, "lines of numbers")


def _cells(line: bytes) -> list[str]:
    """A line's cells, however they are parted: commas, semicolons, blanks, brackets around."""
    text = line.decode("utf-8", "replace").strip().strip("()[]")
    return text.replace(",", " ").replace(";", " ").split()


def _numeric(cells: Sequence[str]) -> bool:
    try:
        return bool([float(cell) for cell in cells])
    except ValueError:
        return False


def _pictures(parts: Sequence[Part]) -> tuple[str, str]:
    if len(parts) == 2 and _reads("masked_image", parts) is None:  # noqa: PLR2004
        masks = [_looks(part)[0] == "segmentation" for part in parts]
        if masks.count(True) == 1:
            return "masked_image", "a picture and a black and white one"
    deep = [part for part in parts if image_header(part, MAX_PIXELS).bits == _DEEP]
    if deep and len(deep) < len(parts):  # an RGB-D folder
        return _looks(deep[0])
    looks = [_looks(part) for part in (parts[0], parts[len(parts) // 2], parts[-1])]
    known = [look for look in looks if look[0] != "even"]
    kind, rule = known[0] if known else ("sketch", "even pictures")
    if kind != "image" or len(parts) == 1:
        return kind, rule
    sizes = {image_header(part, MAX_PIXELS).upright_size for part in parts}
    if len(sizes) > 1:
        raise InputError(
            f"{len(parts)} pictures of different sizes are conditions of their own: give one file",
            file=parts[1].name,
            field="kind",
        )
    return "video", "several colour pictures of one size"


def _looks(part: Part) -> tuple[str, str]:
    """What one picture is by itself; `even` where nothing is in it."""
    header = image_header(part, MAX_PIXELS)
    if header.bits == _DEEP and header.channels > 1:
        return "normal", "16-bit colour"
    encoding, values = stored_values(part, KINDS["segmentation"].limits, Notes())
    if encoding == "deep":
        few = len(distinct(values)) <= _MOST_IDS
        return ("segmentation", "16-bit with few values") if few else ("depth", "16-bit grey")
    if encoding == "palette":
        few = len(distinct(values)) <= _MOST_IDS
        return (
            ("segmentation", "a palette of few colours")
            if few
            else ("image", "a palette of many colours")
        )
    if encoding == "grey":
        return _grey(values.astype(np.uint8))
    return _coloured(part, values, header.format)


def _coloured(part: Part, values: NDArray[np.int32], format_: str) -> tuple[str, str]:
    """What a picture in 8-bit colours is."""
    if _drawn_on_black(values) and _reads("pose", [part]) is None:
        return "pose", "coloured lines on black"
    mode = load_image(part, MAX_PIXELS).mode
    if mode == "RGB" and direction_share(_thin_out(values)) > 0.9:  # noqa: PLR2004
        return "normal", "colours that are directions"
    if format_ == "PNG":
        folded = values[:, :, 0] + 256 * values[:, :, 1] + 65536 * values[:, :, 2]
        if len(distinct(folded)) <= _MOST_COLOURS:
            return "segmentation", "few colours"
    return "image", "a colour picture"


def _drawn_on_black(values: NDArray[np.int32]) -> bool:
    """Whether a picture is mostly black with thin lines of at least three hues: a drawn skeleton.

    Id colours of a panoptic picture fill areas, and line drawings have one colour.
    """
    drawn = values.max(axis=2) > _COLOURED
    if not 0 < drawn.mean() < 0.5:  # noqa: PLR2004 - the ground is most of it
        return False
    colours = values[drawn]
    colours = colours[np.ptp(colours, axis=1) > _VIVID]
    # The hue in sixths of the circle: which channel is largest and which is smallest.
    hues = np.bincount(3 * colours.argmax(axis=1) + colours.argmin(axis=1), minlength=9)
    several = int((hues > 0.02 * len(colours)).sum()) >= 3  # noqa: PLR2004
    return several and is_thin(drawn)


def _thin_out(values: NDArray[np.int32]) -> NDArray[np.float32]:
    """Every n-th pixel as fractions, at most about 512 a side: enough for a share."""
    step = max(1, max(values.shape[:2]) // 512)
    return values[::step, ::step].astype(np.float32) / np.float32(255)


def _grey(grey: NDArray[np.uint8]) -> tuple[str, str]:
    histogram = np.bincount(grey.ravel(), minlength=256)
    used = np.flatnonzero(histogram)
    if used[-1] - used[0] <= 8:  # noqa: PLR2004 - an even frame of a lossy clip
        return "even", "an even picture"
    if is_two_valued(grey):
        thin = is_thin(grey >= 128)  # noqa: PLR2004
        return ("sketch", "thin lines") if thin else ("segmentation", "black and white areas")
    if len(used) <= _MOST_GREYS:
        return "segmentation", "grey with few values"
    return "depth", "grey"


def _clip(parts: Sequence[Part]) -> tuple[str, str]:
    payload = parse.parse_condition("video", parts).payload
    if not isinstance(payload, Video):  # the registry gives videos for videos
        return "video", "a clip"
    sample = payload.frames[:: max(1, len(payload.frames) // 5), ::2, ::2]
    coloured = float((np.ptp(sample.astype(np.int16), axis=3) > _COLOURED).mean())
    if coloured > 0.002:  # noqa: PLR2004
        drawn = [_drawn_on_black(frame.astype(np.int32)) for frame in sample]
        if sum(drawn) * 2 >= len(drawn) and _reads("pose", parts) is None:
            return "pose", "coloured lines on black"
        return _a_clip()
    looks = [_grey(frame[:, :, 1]) for frame in sample]
    return next((look for look in looks if look[0] != "even"), _a_clip())


def _a_clip() -> tuple[str, str]:
    return "video", "a clip in colour"
