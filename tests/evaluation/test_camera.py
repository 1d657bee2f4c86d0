"""The written camera part beside the geometry of the camera condition."""

from random import Random

import pytest

from any2caption.captions.text import render
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Condition, Part
from any2caption.datasets.synthetic.camera_path import make_path, realestate10k
from any2caption.evaluation.camera import agreement, camera_paths
from any2caption.evaluation.gates import TINY, decide
from any2caption.evaluation.measure import score
from any2caption.evaluation.metrics import Prediction
from any2caption.evaluation.reports import report_html
from any2caption.evaluation.reports.report import Subject, build
from any2caption.evaluation.scores import Rate
from any2caption.evaluation.slices import pick


def with_movements(record, *keys):
    kept = tuple(
        condition.model_copy(update={"movements": keys})
        if condition.kind == "camera"
        else condition
        for condition in record.conditions
    )
    return record.model_copy(update={"conditions": kept})


@pytest.fixture
def filmed(records):
    """Records with one camera condition and nothing else."""
    return [one for one in records if [c.kind for c in one.conditions] == ["camera"]]


def saying(record, words):
    return Prediction.read(render(record.caption.model_copy(update={"camera": words})))


def test_agreement_is_counted_by_slice(filmed):
    group = [with_movements(one, "truck_left", "pan_right") for one in filmed[:5]]
    words = ["trucks left", "pans right", "pans left", "a wide shot", "orbits left"]
    predictions = {one.id: saying(one, text) for one, text in zip(group, words, strict=True)}
    paths = camera_paths(group, load=None)
    table = agreement({"camera_only": group}, predictions, paths)
    assert table["camera_only"] == {"agrees": Rate(3, 5), "main": Rate(2, 5)}
    assert table["all"] == table["camera_only"]


def test_a_broken_structure_agrees_with_nothing(filmed):
    record = with_movements(filmed[0], "truck_left")
    broken = {record.id: Prediction.read("the camera trucks left")}
    table = agreement({"camera_only": [record]}, broken, camera_paths([record], load=None))
    assert table["camera_only"] == {"agrees": Rate(0, 1), "main": Rate(0, 1)}


def test_slices_without_a_camera_have_no_such_figure(records):
    still = [one for one in records if all(c.kind != "camera" for c in one.conditions)][:3]
    predictions = {one.id: saying(one, "pans left") for one in still}
    assert agreement({"mix": still}, predictions, camera_paths(still, load=None)) == {}


def test_snapshots_without_kept_movements_have_them_computed(filmed):
    path = make_path(("pan_left",), Random(1))  # noqa: S311 - no secret
    data = realestate10k(path).encode()
    loaded = []

    def load(kept) -> Condition:
        loaded.append(kept)
        return parse_condition("camera", [Part("a.txt", data)])

    old, new = filmed[0], with_movements(filmed[1], "truck_left")
    paths = camera_paths([old, new], load)
    assert paths[old.id][0] == "pan_left"
    assert paths[new.id] == ("truck_left",)
    assert len(loaded) == 1


def test_the_report_shows_it_beside_the_accuracy_and_the_gate_ignores_it(records):
    selection = {
        name: [with_movements(one, "zoom_out") for one in group]
        for name, group in pick(records, 6).items()
    }
    everything = [one for group in selection.values() for one in group]
    measured = score(selection, {one.id: render(one.caption) for one in everything}, {})
    verdict = decide(measured.scores, None, TINY)
    subject = Subject(bundle="b", snapshot="s", champion=None, synthetic=0, records=1)
    parts = {"verdict": verdict, "policy": TINY, "samples": []}
    paths = camera_paths(everything, load=None)
    report = build(subject, selection, measured, paths=paths, **parts)
    plain = build(subject, selection, measured, **parts)
    figures = report["slices"]["camera_only"]["camera_geometry"]
    assert figures["agrees"]["n"] == len(selection["camera_only"])
    assert figures["agrees"]["value"] < 1
    assert report["slices"]["text_only"]["camera_geometry"] == {}
    assert report["verdict"] == plain["verdict"]
    assert "Camera part and the path's geometry" in report_html.page(report)
    assert "Camera part and the path's geometry" not in report_html.page(plain)
