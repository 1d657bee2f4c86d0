"""`a2c condition inspect` says what was read; errors are one line with exit code 2."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from any2caption.cli.main import app
from any2caption.conditions.inspect import report as report_module
from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.registry import parse_condition
from any2caption.errors import InputError

DATA = Path(__file__).parents[1] / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"
RUNNER = CliRunner()


def inspect(*arguments):
    return RUNNER.invoke(app, ["condition", "inspect", *map(str, arguments)])


def no_constant(name):
    raise AssertionError(f"{name} in the output")


def report(*arguments):
    done = inspect(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout, parse_constant=no_constant)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (DATA / "segmentation" / "judo", "segmentation"),
        (DATA / "segmentation" / "panoptic", "segmentation"),
        (DATA / "segmentation" / "sav_2_frames.json", "segmentation"),
        (DATA / "segmentation" / "mask.mp4", "segmentation"),
        (DATA / "sketch" / "museum", "sketch"),
        (DATA / "sketch" / "bag_scribble.png", "sketch"),
        (DATA / "depth" / "rgb_equal.png", "depth"),
        (EXAMPLES / "depth" / "room.png", "depth"),
        (EXAMPLES / "images" / "dog.jpg", "image"),
        (DATA / "video" / "hiker.mp4", "video"),
        (DATA / "pose" / "multi", "pose"),
        (DATA / "pose" / "ip_adapter_openpose.png", "pose"),
        (DATA / "camera" / "look_left.txt", "camera"),
        (EXAMPLES / "prompt.txt", "text"),
    ],
    ids=lambda one: one.name if isinstance(one, Path) else "",
)
def test_the_kind_of_real_files_is_found_from_their_content(path, kind):
    assert detect_kind(read_parts(path))[0] == kind


CAMERA = (DATA / "camera" / "look_left.txt").read_bytes()
PHOTO = (EXAMPLES / "images" / "dog.jpg").read_bytes()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"a.txt": CAMERA, "b.txt": CAMERA},
            "2 files that are no single condition: a.txt (camera), b.txt (camera); --select",
        ),
        (
            {"i.jpg": PHOTO, "prompt.txt": b"a dog"},
            "2 files that are no single condition: i.jpg (image), prompt.txt (text); --select",
        ),
        (
            {"i.jpg": PHOTO, "prompt.json": b'{"caption": "a dog"}'},
            "2 files that are no single condition: i.jpg (image), prompt.json (?); --select",
        ),
        ({f"{n}.txt": b"a dog" for n in range(9)}, "5.txt (text) and 3 more; --select NAME"),
        ({"a.json": b'{"Movement": "x", "b": 1}'}, 'the keys "Movement", "b": no kind'),
        ({"a.json": b"[[[]]]"}, "JSON with [[[]]]: no kind of condition has this form"),
        ({"a.jsonl": b'{"a": 1}\n{"a": 2}'}, "a.jsonl: line 2: json: several JSON values"),
        ({"a.json": b'{"left_hand": [], "face": []}'}, "hands and face but no body"),
        ({"a.json": b'[{"hands_boxes": [], "boxes": []}]'}, "boxes and hand scores (no body"),
    ],
)
def test_what_is_no_condition_says_what_its_files_are(files, words, tmp_path):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        detect_kind(read_parts(tmp_path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_damaged_file_of_a_sequence_is_named_not_the_others(tmp_path):
    for number, data in enumerate((b'{"people": []}', b'{"people": 3}', b'{"people": []}')):
        (tmp_path / f"{number}.json").write_bytes(data)
    with pytest.raises(InputError, match=r"^1\.json: "):
        detect_kind(read_parts(tmp_path))


def test_a_report_has_everything_that_was_read_and_assumed():
    found = report(EXAMPLES / "depth" / "room.png", "--option", "scale=5000")
    assert found["kind"] == "depth"
    assert found["format"] == "16-bit metric PNG"
    assert found["shape"] == {"maps": [1, 480, 640]}
    assert found["assumptions"] == []
    found = report(DATA / "segmentation" / "panoptic")
    assert found["names"]["3937500"] == "person"
    assert found["warnings"]


def test_a_camera_s_movements_are_named():
    found = report(DATA / "camera" / "look_left.txt", "--kind", "camera")
    (movement,) = found["movements"]
    assert (movement["type"], movement["direction"]) == ("pan", "left")
    assert set(movement) >= {"type", "direction", "start", "end", "amount", "unit", "speed"}
    assert 0 <= movement["start"] < movement["end"] <= 1
    assert "pan" in found["words"][0]
    assert "left" in found["words"][0]


def test_what_a_condition_states_is_told():
    found = report(DATA / "camera" / "look_left.txt", "--kind", "camera")
    assert [(fact["aspect"], fact["text"]) for fact in found["facts"]] == [
        ("camera", "quickly pans left")
    ]
    assert found["facts"][0]["source"]["input"] == "camera 1"


START = """
import sys
from any2caption.cli.main import main
from any2caption.conditions.inspect import report
told, report._told = report._told, lambda *asked: (used.append(asked[2]), told(*asked))[1]
used = []
try:
    main()
except SystemExit as ended:
    print(ended.code, used, sorted({"numpy", "scipy", "PIL", "av"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("path", "loaded"),
    [
        (EXAMPLES / "camera" / "walk_through_kitchen.txt", ["texts"]),
        (EXAMPLES / "images" / "dog.jpg", ["pictures"]),
        (EXAMPLES / "pose" / "balancing", ["texts", "all"]),  # three people: SciPy pairs them
    ],
)
def test_inspecting_loads_what_the_files_need_and_nothing_here(path, loaded):
    argv = [sys.executable, "-c", START, "condition", "inspect", str(path)]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].startswith("kind: ")
    assert lines[-1] == f"0 {loaded} []"


def test_a_file_that_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(report_module, "PATIENCE", 0)
    with pytest.raises(InputError, match=r"^look_left\.txt: kind: reading took longer than 0 s$"):
        report_module.report_of(DATA / "camera" / "look_left.txt")


def test_people_get_the_same_facts_in_lines():
    done = inspect(DATA / "segmentation" / "judo")
    assert "states (layout): two objects in the middle" in done.stdout
    assert "kind: segmentation (detected:" in done.stdout
    assert "ids: 3×480×854" in done.stdout


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
@pytest.mark.parametrize(
    "path",
    ["segmentation/judo", "segmentation/panoptic", "depth/rgb_equal.png", "sketch/museum"],
)
def test_previews_are_drawn(path, suffix, tmp_path):
    out = tmp_path / f"out{suffix}"
    assert report(DATA / path, "--preview", out)["preview"] == str(out)
    if suffix == ".png":
        with Image.open(out) as picture:
            assert np.asarray(picture).std() > 5
    else:
        assert detect_kind(read_parts(out))[0]


def test_a_camera_path_is_drawn_as_a_clip_of_the_camera_on_its_way(tmp_path):
    out = tmp_path / "out.mp4"
    assert report(DATA / "camera" / "look_left.txt", "--preview", out)["preview"] == str(out)
    clip = parse_condition("video", read_parts(out)).payload.frames
    assert len(clip) == 48
    assert np.abs(clip[0].astype(int) - clip[-1]).max() > 100


def test_pictures_that_are_no_clip_have_no_movements():
    found = report(DATA / "pose" / "test_coco.json")
    assert (found["movements"], found["words"]) == ([], [])
    assert "not as a clip (their sizes differ)" in found["assumptions"][0]


def areas(colours):
    """Blocks of colours on black, as a panoptic picture has them."""
    picture = np.zeros((200, 300, 3), np.uint8)
    for at, colour in enumerate(colours):
        picture[20:90, 10 + 60 * at : 60 + 60 * at] = colour
    return picture


def strokes(colours):
    picture = np.zeros((200, 300, 3), np.uint8)
    for at, colour in enumerate(colours):
        picture[20:180, 30 + 60 * at : 34 + 60 * at] = colour
    return picture


@pytest.mark.parametrize(
    ("drawn", "colours", "kind"),
    [
        (areas, [(255, 0, 0), (0, 255, 0), (0, 0, 255)], "segmentation"),
        (strokes, [(255, 0, 0), (0, 255, 0), (0, 0, 255)], "pose"),
        (strokes, [(255, 0, 0)] * 3, "segmentation"),
    ],
)
def test_thin_lines_of_several_colours_are_a_pose_and_areas_are_masks(
    drawn, colours, kind, tmp_path
):
    Image.fromarray(drawn(colours)).save(tmp_path / "a.png")
    assert detect_kind(read_parts(tmp_path / "a.png"))[0] == kind


def test_regions_are_drawn_on_their_picture(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48), "gray").save(tmp_path / "in" / "a.png")
    value = [{"label": "cat", "box": [10, 10, 50, 40]}]
    (tmp_path / "in" / "r.json").write_text(json.dumps(value))
    assert report(tmp_path / "in", "--preview", tmp_path / "o.png")["kind"] == "region"
    with Image.open(tmp_path / "o.png") as drawn:
        assert len(np.unique(np.asarray(drawn).reshape(-1, 3), axis=0)) > 2


def test_select_takes_one_file_of_a_folder():
    assert report(DATA / "camera", "--select", "orbit_up.txt")["kind"] == "camera"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((DATA / "nowhere",), "no such file"),
        ((DATA / "video" / "hiker.mp4", "--kind", "depth"), "colour"),
        ((DATA / "video" / "hiker.mp4", "--kind", "smell"), "is not known"),
        ((DATA / "sketch" / "bag_scribble.png", "--format", "white on black PNG"), "not white on"),
        ((DATA / "sketch" / "bag_scribble.png", "--select", "x"), "called 'x'"),
        ((DATA / "sketch" / "bag_scribble.png", "--preview", "x.bmp"), ".png or .mp4"),
    ],
)
def test_errors_name_what_is_wrong(arguments, words):
    done = inspect(*arguments, "--json")
    assert done.stdout == ""
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert words in str(done.exception)
    assert "\n" not in str(done.exception)
