"""The registry refuses what is not accepted, by name, and hands the rest to the right parser."""

import pytest

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.registry import KINDS, parse_condition, split_parts
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import DATA, EXAMPLES

TEXT = Part("prompt.txt", b"a dog")
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_kinds_of_the_design_are_there():
    first = ["text", "image", "video", "depth", "pose", "motion", "camera"]
    visual = ["segmentation", "sketch", "normal", "masked_image", "region"]
    assert list(KINDS) == [*first, *visual]
    for name, kind in KINDS.items():
        assert kind.name == name
        assert kind.summary
        assert kind.formats


def test_an_unknown_kind_is_refused_on_one_line():
    with pytest.raises(InputError, match=r"'smell\?'"):
        parse_condition("smell\n", [TEXT])


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file_is_refused(kind, refused):
    assert "the file is empty" in refused(kind, Part("void.bin", b""))


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_at_all_is_refused(kind):
    with pytest.raises(InputError, match="no file given"):
        parse_condition(kind, [])


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.limits.parts == 1])
def test_two_files_for_a_kind_of_one_are_refused(kind, refused):
    assert "at most 1" in refused(kind, TEXT, Part("second.txt", b"x"))


def test_too_many_bytes_are_refused_before_decoding(refused):
    huge = Part("huge.txt", b"a" * (KINDS["text"].limits.part_bytes + 1))
    message = refused("text", huge)
    assert "huge.txt: bytes: 1,000,001 bytes" in message


def test_a_role_of_another_kind_is_refused(refused):
    assert "no roles" in refused("text", TEXT, role="identity")
    message = refused("image", Part("a.png", PNG), role="hero")
    assert "'hero' is not a role" in message
    assert "identity" in message


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("text", {"axes": "opengl"}, "axes: not an option of text; accepted: none"),
        ("camera", {"axes": "z_up"}, "axes: 'z_up'; accepted: opencv, opengl"),
        ("depth", {"scale": "many"}, "scale: 'many'"),
        ("depth", {"scale": 0}, "scale: '0'"),
        ("depth", {"scale": float("nan")}, "scale: 'nan'"),
        ("depth", {"scale": True}, "scale: 'True'"),
        ("depth", {"near": "blue"}, "near: 'blue'; accepted: bright, dark"),
        ("pose", {"layout": "H36M"}, "accepted: COCO_18, BODY_25, BODY_25B"),
        ("pose", {"fps": -1}, "fps: '-1'"),
    ],
)
def test_bad_options_are_refused(kind, options, words, refused):
    assert words in refused(kind, TEXT, options=options)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("text", EXAMPLES / "prompt.txt"),
        ("image", EXAMPLES / "images" / "red_cartoon.jpg"),
        ("depth", EXAMPLES / "depth" / "room.png"),
        ("depth", DATA / "depth" / "rgb_equal.png"),
        ("pose", EXAMPLES / "pose" / "balancing"),
        ("camera", EXAMPLES / "camera" / "walk_through_kitchen.txt"),
        ("video", DATA / "video" / "hiker.mp4"),
    ],
)
def test_a_parsed_format_is_one_of_the_registry_s(kind, path, parse):
    condition = parse(kind, path)
    assert condition.format in KINDS[kind].formats
    assert describe(condition)["frames"] >= 1


def test_a_hostile_file_name_cannot_break_the_message():
    with pytest.raises(InputError) as caught:
        parse_condition("image", [Part("a\nb\x1b[31m.png" + "x" * 500, b"not a picture")])
    message = str(caught.value)
    assert message.startswith("a?b?[31m.png")
    assert message.isprintable()
    assert len(message) < 400


def test_number_and_role_are_kept():
    condition = parse_condition("text", [TEXT], number=3)
    assert (condition.number, condition.role, condition.payload) == (3, None, "a dog")
    assert describe(condition)["characters"] == 5
    with pytest.raises(InputError, match="number"):
        parse_condition("text", [TEXT], number=0)


def test_ungrouped_files_are_grouped_as_the_kind_says():
    parts = [Part(str(n), b"x") for n in range(3)]
    assert len(split_parts("image", parts)) == 3
    assert len(split_parts("depth", parts)) == 1
    assert len(split_parts("pose", parts)) == 1
    assert split_parts("pose", []) == []
