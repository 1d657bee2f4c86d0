"""Conditions made on the page: camera paths from movements, regions from two corners."""

import numpy as np
import pytest

from any2caption.conditions.camera.vocabulary import describe_camera
from any2caption.conditions.registry import parse_condition
from any2caption.errors import InputError
from any2caption.playground.making.camera_view import film
from any2caption.playground.making.moves import (
    FPS,
    MOVEMENTS,
    Move,
    make_path,
    path_file,
    read_moves,
    unit_of,
    usual,
)
from any2caption.playground.making.regions import Box, box_between, read_boxes, regions_file
from any2caption.playground.making.turned import flat, lines


def words_of(text):
    """What the platform reads of a path that was built."""
    condition = parse_condition("camera", [path_file(make_path(read_moves(text)))])
    return describe_camera(condition.payload)["words"]


@pytest.mark.parametrize("name", [one for one in MOVEMENTS if one != "static"])
def test_every_movement_is_read_back_as_what_was_asked(name):
    verb, side = name.split()
    said = {"dolly": "dollies"}.get(verb, f"{verb}s")
    assert f"{said} {side}" in words_of(name)


def test_order_and_together_are_kept():
    built = words_of("dolly in 1.5 m in 3 s\n+ pan left 20° in 3 s\npedestal up 1 m in 2 s")
    assert built == "The camera dollies in while panning left, then pedestals up."
    assert words_of("static in 3 s\ntruck right") == "The camera holds still, then trucks right."


def test_sizes_and_times_are_those_that_were_asked():
    path = make_path(read_moves("dolly in 3 m in 2 s\npan left 90° in 1 s\nzoom in 2× in 1 s"))
    assert len(path.w2c) == 4 * FPS + 1
    turn, move = path.w2c[-1, :, :3], path.w2c[-1, :, 3]
    np.testing.assert_allclose(-turn.T @ move, [0, 0, 3], atol=1e-9)
    np.testing.assert_allclose(turn.T @ [0, 0, 1], [-1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(path.intrinsics[-1, 0] / path.intrinsics[0, 0], 2)
    # Half of the way after half of the time.
    np.testing.assert_allclose(path.w2c[int(FPS), 2, 3], -1.5)


@pytest.mark.parametrize("name", MOVEMENTS)
def test_line_of_a_movement_reads_as_itself(name):
    move = Move(name, usual(name), 1.5)
    assert read_moves(move.line()) == [move]
    assert read_moves(f"static\n{Move(name, usual(name), 1.5, together=True).line()}")[1].together
    assert unit_of(name) in {"", "°", "m", "×"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no movement yet"),
        ("pan left\npan lft", "line 2: movement: 'pan lft'"),
        ("+ pan left", "line 1: .*nothing comes before it"),
        ("dolly in 20°", "measured in m, not in °"),
        ("zoom in 0.5x", "from 1 to 10"),
        ("pan left in 0 s", "more than 0"),
        ("pan left in 40 s\ntilt up in 40 s", "longer than 60"),
    ],
)
def test_wrong_movement_is_named(text, message):
    with pytest.raises(InputError, match=message):
        read_moves(text)


def test_camera_view_moves_with_the_path():
    still = film(make_path(read_moves("static")), 3, 64)
    panned = film(make_path(read_moves("pan left 40°")), 3, 64)
    assert still.shape == panned.shape == (3, 64, 64, 3)
    assert (still[0] == still[2]).all()
    assert (panned[0] == still[0]).all()
    assert (panned[2] != still[2]).mean() > 0.1


def test_two_corners_in_any_order_make_a_box_that_reads_back():
    box = box_between("the dog: left one", (0.75, 0.125), (0.25, 0.5))
    assert box == Box("the dog: left one", (0.25, 0.125, 0.75, 0.5))
    assert read_boxes(box.line()) == [box]
    regions = parse_condition("region", [regions_file([box])]).payload.frames[0]
    assert regions[0].label == "the dog: left one"
    np.testing.assert_allclose(regions[0].points, [(0.25, 0.125), (0.75, 0.5)])


@pytest.mark.parametrize("line", ["dog 1 2 3 4", "dog: 0.5 0 0.2 1", "dog: 0 0 2 2", "dog: 0 0 1"])
def test_wrong_region_is_named(line):
    with pytest.raises(InputError, match="line 2"):
        read_boxes(f"cat: 0 0 1 1\n{line}")


def test_a_path_in_space_keeps_its_shape_and_its_room_however_it_is_turned():
    path = make_path(read_moves("dolly in 1.5 m in 3 s\npan left 20° in 3 s"))
    drawn = lines(path)
    colours = {one.hue for one in drawn}
    assert {None, 215, 25} <= colours
    for yaw in range(-180, 181, 30):
        for pitch in (-90, -25, 0, 90):
            ends = np.array([one.ends(yaw, pitch) for one in drawn])
            assert np.abs(ends).max() <= 130  # the picture's edge
    # From above what is forward is up; from the side it is no longer seen as a way upwards.
    first, last = (next(o for o in drawn if o.hue == hue) for hue in (215, 25))
    assert flat(last.end, 0, 90)[1] < flat(first.start, 0, 90)[1] - 50
    assert abs(flat(last.end, 0, 0)[1] - flat(first.start, 0, 0)[1]) < 5


def test_a_camera_that_only_turns_is_drawn_where_it_stands():
    drawn = lines(make_path(read_moves("pan left 40° in 3 s")))
    eyes = [one.start for one in drawn if one.hue is not None]
    assert (0.0, 0.0, 0.0) in eyes
