from contextlib import closing
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.pictures.small import small
from any2caption.conditions.types import Camera, Condition, Image, Video
from any2caption.errors import CancelledError
from any2caption.perception import eyes as eyes_module
from any2caption.perception import look_server, registry
from any2caption.perception.eyes import Eyes, Looks, view_of
from any2caption.perception.view import View

ROOT = Path(__file__).parents[2]


def pixels(name):
    from PIL import Image as Pictures

    return np.asarray(Pictures.open(ROOT / "examples" / "images" / name).convert("RGB"))[None]


FAILING = """
import sys
from any2caption.conditions.isolation import parse_server
from any2caption.perception import look_server
def fails(view):
    if view.name == "picture 2":
        import ctypes; ctypes.string_at(0)
    if view.name == "picture 3":
        while True: pass
    raise ValueError("one frame too many")
def preload():
    look_server.LOOKS["poses"] = fails
parse_server.main(sys.argv[1:], preload, look_server.answer)
"""


def picture(number=1, name="dog.jpg", role="identity"):
    return Condition("image", Image(pixels(name)[0]), "jpeg", role, number)


@pytest.fixture(scope="module")
def eyes():
    with Eyes() as one:
        yield one


def test_a_sandboxed_worker_says_what_a_picture_shows(eyes):
    looked = eyes.look(picture())
    assert "a dog" in [fact.text for fact in looked.facts]
    assert looked.note == ""


def test_a_look_at_what_nobody_recognises_says_so(eyes):
    looked = eyes.look(picture(2, "red_cartoon.jpg"))
    assert looked.facts == ()
    assert looked.note == "what picture 2 shows was looked at, but nothing was recognised"


def test_the_weights_are_loaded_once_for_all_looks(eyes):
    eyes.look(picture())
    first = eyes._pool.server_pid
    eyes.look(picture())
    assert first is not None
    assert eyes._pool.server_pid == first


def test_other_kinds_are_not_looked_at(eyes):
    path = Camera(np.ones((2, 4)), np.zeros((2, 3, 4)))
    assert eyes.look(Condition("camera", path, "npy")) is None


def test_who_left_is_not_looked_for(eyes):
    with pytest.raises(CancelledError):
        eyes.look(picture(), cancelled=lambda: True)


@pytest.fixture
def failing(tmp_path, monkeypatch):
    (tmp_path / "failing_look_server.py").write_text(FAILING)
    monkeypatch.syspath_prepend(tmp_path)
    with closing(Eyes(server="failing_look_server")) as one:
        yield one


def test_a_recogniser_that_fails_is_one_clear_word(failing):
    looked = failing.look(picture())
    assert looked.facts == ()
    assert looked.note == (
        "picture 1 could not be looked at for poses (ValueError: one frame too many)"
    )


def test_a_crash_or_a_look_without_end_is_a_note_and_the_next_look_works(failing, monkeypatch):
    crashed = failing.look(picture(2))
    assert crashed.note.startswith("what picture 2 shows could not be looked at")
    monkeypatch.setattr(eyes_module, "SECONDS", 1.0)
    late = failing.look(picture(3))
    assert late.note.startswith("what picture 3 shows could not be looked at")
    monkeypatch.undo()
    assert "one frame too many" in failing.look(picture()).note


def test_one_recogniser_failing_leaves_the_others():
    def sees(view):
        return [Fact("subject", "a dog", Source(view.name))]

    def fails(_view):
        raise MemoryError

    view = View(np.zeros((1, 8, 8, 3), np.uint8), "picture 1")
    facts, failed = look_server.look_at(view, {"a": fails, "b": sees})
    assert [fact.text for fact in facts] == ["a dog"]
    assert failed == ["picture 1 could not be looked at for a (MemoryError:)"]


def test_without_the_extra_nobody_looks(monkeypatch):
    monkeypatch.setattr(registry, "installed", list)
    with closing(Eyes()) as one:
        one.warm()
        assert not one.open
        assert one.look(picture()) is None


def test_what_is_looked_at_is_small_whatever_the_picture():
    wide = Condition("image", Image(np.zeros((300, 2000, 3), np.uint8)), "png")
    assert view_of(small(wide)).frames.shape == (1, 108, 720, 3)
    clip = Condition("video", Video(np.zeros((40, 10, 896, 3), np.uint8), 20.0), "mp4")
    view = view_of(small(clip))
    assert view.frames.shape == (16, 5, 448, 3)
    assert view.fps == pytest.approx(8.0)
    assert view_of(small(replace(wide, payload=""))) is None


def test_of_many_pictures_so_many_are_looked_at_and_the_others_named(monkeypatch, eyes):
    monkeypatch.setattr(eyes_module, "MOST", 1)
    looks = Looks(eyes)
    for number in (1, 2):
        looks.take(picture(number))
    looks.look()
    assert {fact.source.input for fact in looks.facts} == {"picture 1"}
    assert looks.notes == {
        "picture 1": "",
        "picture 2": "what picture 2 shows was not looked at: 1 others were",
    }


def test_the_licences_listed_are_the_packages_own():
    words = {"Apache-2.0": "apache", "MIT": "mit"}
    for package, licence in registry.LICENCES.items():
        assert f"| `{package}` | {licence} |" in (ROOT / "docs" / "captions.md").read_text()
        if package.startswith("@"):
            continue  # from npm: its licence is held with its digest
        found = distribution(package)
        said = " ".join(
            [
                *(found.metadata.get_all("License-Expression") or ()),
                *(found.metadata.get_all("License") or ()),
                *(one for one in found.metadata.get_all("Classifier") or () if "License" in one),
                *(
                    file.locate().read_text(errors="replace")[:300]
                    for file in found.files or ()
                    if file.name.upper().startswith(("LICENSE", "LICENCE"))
                ),
            ]
        )
        assert words[licence] in said.casefold(), package


def test_the_extra_is_what_the_lock_installs():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements" / "perception.in").read_text().splitlines()
    stated = {line for line in lines if not line.startswith(("#", "backports-strenum"))}
    assert stated == set(project["optional-dependencies"]["perception"])
    names = {line.partition(">")[0].partition("=")[0] for line in stated}
    assert names - {"torch"} == {one for one in registry.LICENCES if not one.startswith("@")}
