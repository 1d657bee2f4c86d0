"""2-D tracks: every stated form is read, canvases follow the rules, bad lines are named."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.conditions.drawing.tracks import colour_of, draw_tracks
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.registry import KINDS, parse_condition
from any2caption.conditions.types import Motion, Part
from any2caption.errors import InputError

from .conftest import DATA

LINES = "88, 173\n89, 173\n91, 172\n"


def read(data, name="t.txt", **options):
    raw = data if isinstance(data, bytes) else data.encode()
    return parse_condition("motion", [Part(name, raw)], options=options)


def pixels(condition, width, height):
    return condition.payload.tracks * np.array([width, height], dtype=np.float32)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array))
    return buffer.getvalue()


def test_a_real_track_is_read_on_motionctrl_s_canvas(parse):
    condition = parse("motion", DATA / "motion" / "curve_1.txt")
    source = np.loadtxt(DATA / "motion" / "curve_1.txt", delimiter=",")
    np.testing.assert_allclose(condition.payload.tracks[:, 0] * 256, source, atol=1e-4)
    assert condition.payload.tracks.dtype == np.float32
    assert "256×256" in condition.assumptions[0]
    assert describe(condition)["tracks"] == 1


def test_several_files_are_tracks_that_span_one_clip(parse):
    condition = parse("motion", DATA / "motion")
    assert condition.payload.tracks.shape == (205, 2, 2)
    short = np.loadtxt(DATA / "motion" / "curve_1.txt", delimiter=",") / 256
    np.testing.assert_allclose(condition.payload.tracks[[0, -1], 0], short[[0, -1]], atol=1e-6)
    assert "stretched to 205 points" in condition.assumptions[0]


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        LINES.replace("\n", "\r\n").rstrip(),
        "\ufeff" + LINES,
        LINES.replace(", ", " "),
        LINES.replace(", ", "\t"),
        LINES.replace(", ", ";"),
        "x,y\n" + LINES,
        "id,frame,x,y\na,0,88,173\na,1,89,173\na,2,91,172",
        "\n\n" + LINES + "\n\n",
    ],
)
def test_text_forms_of_one_track_are_the_same(text):
    np.testing.assert_allclose(
        pixels(read(text, width=512, height=320), 512, 320)[:, 0],
        [[88, 173], [89, 173], [91, 172]],
        atol=1e-3,
    )


@pytest.mark.parametrize(
    "value",
    [
        [[[88, 173], [89, 173]], [[1, 2], [3, 4]]],
        {"tracks": [[[88, 173], [89, 173]], [[1, 2], [3, 4]]], "width": 512, "height": 320},
        {"tracks": {"a": [[88, 173], [89, 173]], "b": [[1, 2], [3, 4]]}},
        [[{"x": 88, "y": 173}, {"x": 89, "y": 173}], [{"x": 1, "y": 2}, {"x": 3, "y": 4}]],
        [{"id": 1, "points": [[88, 173], [89, 173]]}, {"id": 2, "points": [[1, 2, 1], [3, 4, 1]]}],
    ],
)
def test_json_forms_of_two_tracks_are_the_same(value):
    given_ = {} if isinstance(value, dict) and "width" in value else {"width": 512, "height": 320}
    tracks = pixels(read(json.dumps(value), **given_), 512, 320)
    np.testing.assert_allclose(tracks[:, 0], [[88, 173], [89, 173]], atol=1e-3)
    np.testing.assert_allclose(tracks[:, 1], [[1, 2], [3, 4]], atol=1e-3)


@pytest.mark.parametrize("text", ["88 173 1 2\n89 173 3 4", "88,173\n89,173\n\n1,2\n3,4\n"])
def test_columns_and_blank_lines_make_tracks(text):
    condition = read(text, width=512, height=320)
    np.testing.assert_allclose(pixels(condition, 512, 320)[1], [[89, 173], [3, 4]], atol=1e-3)
    assert "2 tracks" in condition.assumptions[0]


def test_the_order_of_axes_can_be_stated():
    array = np.arange(12.0).reshape(2, 3, 2) * 40
    first_is_time = read(npy(array), width=512, height=512)
    assert first_is_time.payload.tracks.shape == (2, 3, 2)
    assert "the first axis is time" in first_is_time.assumptions[0]
    assert read(npy(array), order="track", width=9, height=9).payload.tracks.shape == (3, 2, 2)
    listed = json.dumps(array.tolist())
    assert read(listed, width=512, height=512).payload.tracks.shape == (3, 2, 2)
    assert read(listed, order="time", width=512, height=512).payload.tracks.shape == (2, 3, 2)


def test_missing_points_are_nan():
    by_frame = "frame,id,x,y\n0,a,10,20\n2,a,30,40\n0,b,5,5\n1,b,6,6\n2,b,,\n"
    tracks = read(by_frame, width=100, height=100).payload.tracks
    assert np.isnan(tracks[..., 0]).tolist() == [[False, False], [True, False], [False, True]]
    listed = json.dumps([[[10, 20], None, [30, 40, 0]]])
    assert np.isnan(read(listed, width=9, height=9).payload.tracks[:, 0, 0]).tolist() == [
        False,
        True,
        True,
    ]
    array = np.array([[10.0, 20.0], [np.nan, 3.0]])
    assert np.isnan(read(npy(array)).payload.tracks[1]).all()
    seen = np.array([[[10.0, 20.0, 1.0]], [[5.0, 5.0, 0.0]]])
    assert np.isnan(read(npy(seen)).payload.tracks[1]).all()


def test_mot_text_gives_the_middle_of_each_box():
    text = "1,1,10,20,30,40,1,-1,-1,-1\n1,2,100,100,10,10,1,-1,-1,-1\n2,1,12,20,30,40,1,-1,-1,-1\n"
    condition = read(text, width=640, height=480)
    assert condition.format == "MOT text"
    np.testing.assert_allclose(pixels(condition, 640, 480)[:, 0], [[25, 40], [27, 40]], atol=1e-3)
    assert np.isnan(condition.payload.tracks[1, 1]).all()


def test_canvases_follow_the_stated_rules():
    assert read("0.1 0.2\n0.9 0.5").payload.tracks.max() == pytest.approx(0.9)
    far = read("1000 500\n1800 700")
    assert "square around all points" in far.assumptions[0]
    assert 0 < far.payload.tracks.min() < far.payload.tracks.max() < 1
    assert read(LINES, width=512, height=256).payload.aspect == 2
    assert not read(LINES, width=512, height=256).assumptions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1, 2\n3, x\n", "line 2: y: 'x' is not a usable number"),
        ("1, 2\n3, nan\n", "line 2: y: 'nan'"),
        ("1, 2\n3, 1e9\n", "line 2: y: '1e9'"),
        ("1, 2\n3\n", "line 2: points: 1 columns, the first line has 2"),
        ("1, 2, 3\n", "line 1: points: 3 columns"),
        ("\n \n", "no point in this file"),
        ("frame,x\n1,2\n", "line 1: y: no column y"),
        ("x,y\n", "no point below the header"),
        ("x,y\n1\n", "line 2: points: 1 columns, the header has 2"),
        ("[]", "points: not a list of points"),
        ('{"a": 1}', "tracks: none of tracks"),
        ("[[[1, 2]], [[1]]]", "track 2 point 1: not [x, y]"),
        ('[[["a", 2]]]', "track 1 point 1 x: 'a' is not a number"),
        ("[[[1, 2]], [[1, NaN]]]", "NaN is not a finite number"),
        ("[[null, null]]", "every point is missing"),
        ("[[[1, 2]", "damaged or truncated JSON"),
        ("1.5,1,1,1,1,1,1,1,1,1", "not MOT text"),
    ],
)
def test_broken_files_name_the_line(text, words, refused):
    message = refused("motion", Part("t.txt", text.encode()))
    assert message.startswith("t.txt: ")
    assert words in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (npy(np.zeros((3, 4))), "shape (3, 4)"),
        (npy(np.array(["a", "b"])), "values of type"),
        (npy(np.zeros((3, 2)))[:-8], "damaged or truncated"),
        (npy(np.full((3, 2), 1e9)), "out of range"),
        (npy(np.full((3, 2), np.nan)), "every point is missing"),
        (b"\x93NUMPY\x01\x00", "damaged npy header"),
        (b"PK\x03\x04xxxx", "ZIP or npz is not an accepted motion format"),
        (b"\x80\x04pickle", "pickle is not an accepted motion format"),
        ("1, 2\n".encode("utf-16"), "UTF-16 text is not an accepted"),
    ],
)
def test_other_content_is_refused_by_name(data, words, refused):
    assert words in refused("motion", Part("t.bin", data))


def test_limits_hold(refused):
    assert "at most 20,000" in refused("motion", Part("t.txt", b"1,2\n" * 20_001))
    assert "tracks; at most 1,024" in refused("motion", Part("t.npy", npy(np.zeros((1, 2000, 2)))))
    assert "order" in refused("motion", Part("t.txt", LINES.encode()), options={"order": "time"})
    both = [Part("a.txt", LINES.encode()), Part("b.json", b"[[1, 2]]")]
    assert "b.json: format: track JSON, but a.txt is track text" in refused("motion", *both)


def test_every_format_is_one_of_the_registry_s():
    for text in (LINES, "x,y\n1,2", "[[1, 2]]"):
        assert read(text).format in KINDS["motion"].formats


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-5000, 5000, width=32), st.floats(-5000, 5000, width=32)),
        min_size=1,
        max_size=20,
    )
)
def test_text_json_and_npy_agree(points):
    text = "\n".join(f"{x!r}, {y!r}" for x, y in points)
    forms = (text.encode(), json.dumps([points]).encode(), npy(np.array(points)))
    first, *others = (
        parse_condition("motion", [Part("t", data)], options={"width": 640, "height": 480})
        for data in forms
    )
    for other in others:
        np.testing.assert_allclose(other.payload.tracks, first.payload.tracks, rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='0123456789.,;- \n\txyid[]{}:"ne', max_size=60))
def test_no_text_crashes_the_parser(text):
    message = ""
    try:
        condition = parse_condition("motion", [Part("t.txt", text.encode() or b" ")])
        assert condition.payload.tracks.ndim == 3
    except InputError as error:
        message = str(error)
    assert not message or message.startswith("t.txt: ")


def test_drawn_tracks_show_the_way_so_far_and_break_at_gaps():
    tracks = np.stack([np.linspace(0.1, 0.9, 20), np.full(20, 0.5)], axis=1)[:, None]
    clip = draw_tracks(Motion(tracks.astype(np.float32)), 64, 64, 4)
    reach = [int(np.flatnonzero(frame.any(axis=(0, 2))).max()) for frame in clip]
    assert reach == sorted(reach)
    assert reach[0] < 10
    assert reach[-1] > 50
    assert (clip[-1][clip[-1].any(axis=2)] == colour_of(0)).all()
    tracks[8:12] = np.nan
    broken = draw_tracks(Motion(tracks.astype(np.float32)), 64, 64, 2)[-1]
    assert not broken[:, 31].any()
    assert not draw_tracks(Motion(np.full((3, 1, 2), np.nan, np.float32)), 32, 32, 2).any()
