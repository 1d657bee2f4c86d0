"""Camera paths filmed from captions, held to paths whose errors are known by hand."""

import json
import math
import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.conditions.types import Camera
from any2caption.evaluation.figures.closed_loop import (
    MOMENTS,
    camera_to_world,
    caption_error,
    closed_loop,
    path_error,
    translates,
)
from any2caption.evaluation.gates import TINY, decide
from any2caption.evaluation.measure import score
from any2caption.evaluation.reports import report_html
from any2caption.evaluation.reports.report import Subject, build
from any2caption.evaluation.slices import pick

RAMP = np.linspace(0, 1, 9)


def path(turn=(0, 0, 0), move=(0, 0, 0), frames=9):
    """Camera-to-world poses that turn (degrees) and move evenly."""
    ramp = np.linspace(0, 1, frames)[:, None]
    turns = Rotation.from_rotvec(ramp * np.array(turn, dtype=float), degrees=True).as_matrix()
    return np.concatenate([turns, (ramp * np.array(move, dtype=float))[:, :, None]], axis=2)


def camera(turn=(0, 0, 0), move=(0, 0, 0), frames=20):
    c2w = path(turn, move, frames)
    turned = c2w[:, :, :3].transpose(0, 2, 1)
    w2c = np.concatenate([turned, -turned @ c2w[:, :, 3:]], axis=2)
    return Camera(np.tile([0.9, 0.9, 0.5, 0.5], (frames, 1)), w2c)


def filming(words):
    return StructuredCaption(**{**dict.fromkeys(PARTS, "A ball."), "camera": words})


def test_the_same_path_has_no_error_whatever_its_unit():
    found = path_error(path((0, 40, 0), (1, 0, 2)), path((0, 40, 0), (10, 0, 20)))
    assert (found.rot_err, found.trans_err, found.cam_mc) == pytest.approx((0, 0, 0), abs=1e-12)


def test_rot_err_is_the_sum_of_angles_in_radians():
    found = path_error(path((0, 90, 0)), path((0, -90, 0)), translates=False)
    assert found.rot_err == pytest.approx(math.radians(180) * RAMP.sum(), abs=1e-12)
    tiny = path_error(path((0, 1e-7, 0)), path(), translates=False)
    assert tiny.rot_err == pytest.approx(math.radians(1e-7) * RAMP.sum(), rel=1e-6)


def test_trans_err_and_cam_mc_of_opposite_moves_are_twice_the_way():
    found = path_error(path(move=(3, 0, 0)), path(move=(-5, 0, 0)))
    assert found.trans_err == pytest.approx(2 * RAMP.sum())
    assert found.cam_mc == pytest.approx(2 * RAMP.sum())
    assert found.rot_err == 0


def test_cam_mc_is_the_frobenius_norm_of_the_poses():
    found = path_error(path((0, 60, 0), (0, 0, 1)), path((0, 0, 0), (0, 0, 1)))
    norms = [2 * math.sqrt(2) * math.sin(math.radians(60) * share / 2) for share in RAMP]
    assert found.cam_mc == pytest.approx(sum(norms))


def test_a_path_that_does_not_translate_has_no_trans_err():
    assert not translates(camera(turn=(0, 35, 0)))
    assert translates(camera(move=(0, 0, 2)))
    found = caption_error(filming("The camera dollies in."), camera(turn=(0, 35, 0)))
    assert found.trans_err is None
    assert found.rot_err == pytest.approx(found.cam_mc / math.sqrt(2), rel=0.02)  # turns alone


def test_poses_are_relative_to_the_first_frame():
    turned = camera(turn=(10, 40, 0), move=(1, 2, 3))
    start = np.eye(4)
    start[:3] = np.concatenate(
        [Rotation.from_rotvec([1, 2, 3]).as_matrix(), [[4], [5], [6]]], axis=1
    )
    moved = np.stack([(np.vstack([one, [0, 0, 0, 1]]) @ start)[:3] for one in turned.w2c])
    assert camera_to_world(moved) == pytest.approx(path((10, 40, 0), (1, 2, 3), 20), abs=1e-12)


@pytest.mark.parametrize(
    ("turn", "move", "right", "wrong"),
    [
        ((0, 28, 0), (0, 0, 0), "pans right", "pans left"),
        ((0, 0, 0), (0, 0, 2), "dollies in", "dollies out"),
        ((0, 0, 0), (-2, 0, 0), "trucks left", "trucks right"),
        ((18, 0, 0), (0, -1, 0), "pedestals up while tilting up", "pedestals down"),
    ],
)
def test_right_words_film_nearer_than_none_and_wrong_ones_farther(turn, move, right, wrong):
    shown = camera(turn, move)
    good, none, bad = (
        caption_error(one, shown).cam_mc
        for one in (filming(f"The camera {right}."), None, filming(f"The camera {wrong}."))
    )
    assert good < 0.35 * none
    assert none < bad


def test_long_and_short_paths_are_held_at_as_many_moments():
    still = [caption_error(None, camera(move=(0, 0, 1), frames=n)).trans_err for n in (2, 20, 900)]
    assert still[1:] == pytest.approx([MOMENTS / 2] * 2, rel=0.05)
    assert still[0] == pytest.approx(MOMENTS / 2)


def test_the_table_has_gold_writers_and_baselines_with_the_excess(records):
    shown = [one for one in records if [c.kind for c in one.conditions] == ["camera"]][:6]
    paths = {
        one.id: camera((0, 30, 0)) if n % 3 == 0 else camera(move=(0, 0, 2))
        for n, one in enumerate(shown)
    }
    captions = {
        one.id: filming("pans right" if n % 3 == 0 else "dollies in") for n, one in enumerate(shown)
    }
    golds = [one.model_copy(update={"caption": captions[one.id]}) for one in shown]
    writers = {"right": lambda record: captions[record.id], "broken": lambda _: None}
    found = closed_loop(golds, paths, writers)
    assert found["paths"] == 6
    assert found["without_translation"] == 2
    assert found["errors"]["right"] == {**found["errors"]["gold"], "unread": 0}
    assert set(found["excess"]["right"].values()) == {0}
    assert found["errors"]["broken"] == {**found["errors"]["static"], "unread": 6}
    for figure, value in found["excess"]["shuffled"].items():
        assert value > 1, figure
    assert json.loads(json.dumps(found)) == found
    assert closed_loop(golds, {}, writers) == {}


def test_the_report_shows_it_and_does_without(records):
    selection = pick(records, 4)
    everything = [one for group in selection.values() for one in group]
    measured = score(selection, {one.id: render(one.caption) for one in everything}, {})
    subject = Subject(bundle="b", snapshot="s", champion=None, synthetic=0, records=1)
    parts = {"verdict": decide(measured.scores, None, TINY), "policy": TINY, "samples": []}
    report = build(subject, selection, measured, **parts)
    assert "Closed loop" not in report_html.page(report)
    paths = {one.id: camera((0, 30, 0)) for one in everything}
    report["closed_loop"] = closed_loop(
        everything, paths, {"model": lambda one: measured.predictions[one.id].caption}
    )
    page = report_html.page(json.loads(json.dumps(report)))
    assert f"{len(everything)} paths do not translate and have no TransErr" in page
    rows = re.findall(r"<tr><td><b>(gold|model|shuffled|static)</b></td>.*?</tr>", page, re.DOTALL)
    assert rows[-4:] == ["gold", "model", "shuffled", "static"]
    assert "<td class=num>+0.00</td>" in page
