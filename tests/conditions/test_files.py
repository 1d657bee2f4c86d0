"""Folders are read in natural order, and never outside themselves."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from any2caption.conditions.io.files import natural_key, read_parts
from any2caption.errors import InputError


def test_frames_come_in_natural_order(tmp_path):
    for name in ("frame10.json", "frame2.json", "Frame1.json", ".DS_Store"):
        (tmp_path / name).write_bytes(name.encode())
    parts = read_parts(tmp_path)
    assert [part.name for part in parts] == ["Frame1.json", "frame2.json", "frame10.json"]
    assert parts[1].data == b"frame2.json"


def test_a_single_file_is_one_part(tmp_path):
    (tmp_path / "look left.txt").write_bytes(b"x")
    assert [part.name for part in read_parts(tmp_path / "look left.txt")] == ["look left.txt"]


def test_a_link_that_leaves_its_folder_is_refused(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "a.png").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="leaves its folder"):
        read_parts(folder)


def test_a_link_inside_its_folder_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "b.png").symlink_to("a.png")
    assert [part.data for part in read_parts(tmp_path)] == [b"a", b"a"]


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "nested" / "inner").mkdir(parents=True)
    (tmp_path / "dangling").mkdir()
    (tmp_path / "dangling" / "x").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    cases = {
        "missing": "no such file",
        "empty": "no files",
        "nested": "folder inside",
        "dangling": "leads nowhere",
        "pipe": "not a regular file",
    }
    for name, words in cases.items():
        with pytest.raises(InputError, match=words) as caught:
            read_parts(tmp_path / name)
        assert name in str(caught.value)


def test_limits_hold_before_reading(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}").write_bytes(b"12345")
    with pytest.raises(InputError, match="more than 3 files"):
        read_parts(tmp_path, max_files=3)
    with pytest.raises(InputError, match="more than 12 bytes"):
        read_parts(tmp_path, max_bytes=12)


@given(st.lists(st.integers(min_value=0, max_value=10**9)))
def test_numbers_sort_by_value(numbers):
    names = [f"cam01.{number}.json" for number in numbers]
    assert sorted(names, key=natural_key) == [f"cam01.{n}.json" for n in sorted(numbers)]


@given(st.lists(st.text(max_size=8)))
def test_any_names_can_be_sorted(names):
    assert sorted(sorted(names, key=natural_key)) == sorted(names)
