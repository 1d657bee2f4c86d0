"""The edge groups raw files into conditions, refuses nonsense, and names file and field."""

import json

import pytest
import samples

from any2caption.conditions.isolation.parse import Pool
from any2caption.errors import CancelledError, InputError
from any2caption.serving.client import ConditionInput, read_files
from any2caption.serving.releases.smoke import camera_text
from any2caption.serving.steps import request_parsing
from any2caption.serving.steps.request_parsing import MAX_CONDITIONS, MAX_INFO, read_request


def info(**fields):
    return json.dumps({"name": "a.png", **fields}).encode()


def kinds(request):
    return [(c.kind, c.number) for c in request.conditions]


def test_without_descriptions_pictures_are_conditions_and_pose_files_are_frames():
    request = read_request(
        {
            "TEXT": [b" hello "],
            "IMAGE": [samples.picture(0), samples.picture(1)],
            "POSE": [samples.pose(0), samples.pose(1), samples.pose(2)],
            "CAMERA": [camera_text(), camera_text()],
        }
    )
    assert request.text.strip() == "hello"
    assert sorted(kinds(request)) == sorted(
        [("image", 1), ("image", 2), ("pose", 1), ("camera", 1), ("camera", 2)]
    )
    poses = [c.payload for c in request.conditions if c.kind == "pose"]
    assert poses[0].keypoints.shape[0] == 3


def test_descriptions_group_files_and_carry_role_and_options():
    request = read_request(
        {
            "IMAGE": [samples.picture()],
            "IMAGE_INFO": [info(role="style")],
            "POSE": [samples.pose(0), samples.pose(1)],
            "POSE_INFO": [info(name="a.json", condition=0), info(name="b.json", condition=1)],
        }
    )
    by_kind = {(c.kind, c.number): c for c in request.conditions}
    assert by_kind["image", 1].role == "style"
    assert ("pose", 2) in by_kind


def test_nothing_at_all_is_refused():
    for files in ({}, {"TEXT": [b"  "]}, {"IMAGE": []}):
        with pytest.raises(InputError, match="nothing to caption"):
            read_request(files)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"TEXT": [b"\xff\xfe\xff"]}, "TEXT"),
        ({"TEXT": [b"a", b"b"]}, "TEXT: 2 elements"),
        ({"IMAGE": [b"x"], "IMAGE_INFO": [info(), info()]}, "IMAGE_INFO: 2 descriptions"),
        ({"IMAGE": [b"x"], "IMAGE_INFO": [b"{"]}, r"IMAGE_INFO\[0\]: not JSON"),
        ({"IMAGE": [b"x"], "IMAGE_INFO": [b"{}"]}, r"IMAGE_INFO\[0\]: name"),
        ({"IMAGE": [b"x"], "IMAGE_INFO": [info(shape=3)]}, r"IMAGE_INFO\[0\]: shape"),
        ({"IMAGE": [b"x"], "IMAGE_INFO": [info()]}, r"a\.png"),
        ({"IMAGE": [samples.picture()], "IMAGE_INFO": [info(role="villain")]}, "role"),
        ({"IMAGE": [b""]}, r"IMAGE\[0\]"),
        ({"CAMERA": [b"hello"]}, r"CAMERA\[0\]"),
    ],
)
def test_bad_request_names_what_is_wrong(files, message):
    with pytest.raises(InputError, match=message):
        read_request(files)


def test_files_of_one_condition_must_agree():
    poses = {"POSE": [samples.pose(), samples.pose()]}
    mixed = [info(name="a.json", options={"width": 64}), info(name="b.json", options={"width": 9})]
    with pytest.raises(InputError, match=r"b\.json: options\.width"):
        read_request({**poses, "POSE_INFO": mixed})
    roles = [info(role="style"), info(role="identity")]
    with pytest.raises(InputError, match="roles identity, style"):
        read_request({"IMAGE": [samples.picture()] * 2, "IMAGE_INFO": roles})


class NoPool(Pool):
    """A pool that must not be asked."""

    def lease(self, *_arguments):
        raise AssertionError("a file was parsed")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"CAMERA": [b"x"] * (MAX_CONDITIONS + 1)}, "33 conditions; at most 32"),
        ({"CAMERA": [b"x"] * 20, "IMAGE": [b"x"] * 13}, "33 conditions; at most 32"),
        ({"POSE": [b"{}"] * 1025}, "POSE: 1025 files; at most 1024"),
        ({"IMAGE": [b"x"], "CAMERA": [b"x" * 16_000_001]}, r"CAMERA\[0\]: bytes: .*16,000,000"),
        ({"IMAGE": [b"x"], "CAMERA": [b""]}, r"CAMERA\[0\]: camera: the file is empty"),
        ({"IMAGE": [b"x"] * 2, "IMAGE_INFO": [b"{}"]}, "IMAGE_INFO: 1 descriptions for 2"),
        (
            {"IMAGE": [b"x"], "IMAGE_INFO": [b" " * (MAX_INFO + 1)]},
            r"IMAGE_INFO\[0\]: 16,385 bytes",
        ),
        ({"IMAGE": [b"x"], "IMAGE_INFO": [b"[" * MAX_INFO]}, r"IMAGE_INFO\[0\]: not JSON"),
    ],
)
def test_what_can_be_counted_is_refused_before_anything_is_parsed(files, message):
    with pytest.raises(InputError, match=message):
        read_request(files, pool=NoPool())


def test_a_request_with_too_many_bytes_is_refused(monkeypatch):
    monkeypatch.setattr(request_parsing, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="IMAGE: the request's files have more than 1,000 bytes"):
        read_request({"TEXT": [b"x" * 500], "IMAGE": [b"x" * 501]}, pool=NoPool())


def test_words_alone_need_no_worker():
    assert read_request({"TEXT": [b"hello"]}, pool=NoPool()).text == "hello"


def test_a_cancelled_request_is_not_parsed():
    with pytest.raises(CancelledError):
        read_request({"CAMERA": [camera_text()]}, cancelled=lambda: True)


def test_a_request_has_a_time_in_all(monkeypatch):
    monkeypatch.setattr(request_parsing, "SECONDS", 0.0)
    with pytest.raises(InputError, match=r"CAMERA\[0\]: camera: the request took longer than"):
        read_request({"CAMERA": [camera_text()]})


def test_what_is_kept_of_a_condition_is_the_callers_choice():
    kept = []
    request = read_request({"CAMERA": [camera_text()] * 2}, each=kept.append)
    assert [one.number for one in kept] == [1, 2]
    assert request.conditions == (None, None)


def test_client_describes_files_as_the_edge_reads_them(tmp_path):
    paths = samples.write(tmp_path)
    folder = read_files("pose", paths["pose"])
    assert [one.info["condition"] for one in folder] == [0, 0, 0, 0]
    assert [one.info["name"] for one in folder][:2] == [
        "frame0_keypoints.json",
        "frame1_keypoints.json",
    ]
    files = sorted((tmp_path / "walk").iterdir())
    assert [one.info["condition"] for one in read_files("pose", files)] == [0, 0, 0, 0]
    two = read_files("image", [paths["image"][0], ConditionInput(paths["image"][0], "style")])
    assert [(one.info["condition"], one.info["role"]) for one in two] == [(0, None), (1, "style")]


def test_client_refuses_unknown_kinds_and_missing_paths(tmp_path):
    with pytest.raises(InputError, match=r"smell: unknown kind.*image"):
        read_files("smell", [tmp_path])
    with pytest.raises(InputError, match="gone"):
        read_files("image", [tmp_path / "gone.png"])
