import json
import re
from dataclasses import replace

import pytest

from any2caption.captions.text import render
from any2caption.errors import InputError
from any2caption.evaluation.gates import SMOKE, TINY, decide, policy_digest
from any2caption.evaluation.measure import control, score
from any2caption.evaluation.metrics import METRICS, Metric
from any2caption.evaluation.reports import report_html
from any2caption.evaluation.reports.cases import SHOWN, cases, shown
from any2caption.evaluation.reports.report import DIGESTS, Finding, Subject, build, load_finding
from any2caption.evaluation.scores import Outcome, Scores, Whole
from any2caption.evaluation.slices import pick
from any2caption.storage.digest import file_digest


@pytest.fixture(scope="module")
def selection(records):
    return pick(records, 6)


def made(selection, policy=TINY, champion=None, synthetic=None, samples=()):
    texts = {r.id: render(r.caption) for group in selection.values() for r in group}
    pairs = control(selection, lambda _: 6)
    shuffled = {i: render(d.caption) for found in pairs.values() for i, d in found.items()}
    measured = score(selection, texts, shuffled)
    verdict = decide(measured.scores, measured.scores if champion else None, policy)
    count = len(texts)
    subject = Subject(
        bundle="b" * 64,
        snapshot="s" * 64,
        champion=champion,
        synthetic=count if synthetic is None else synthetic,
        records=count,
    )
    report = build(
        subject, selection, measured, verdict=verdict, policy=policy, samples=list(samples)
    )
    return report, verdict


def test_a_refusal_names_its_reasons_in_both_files(selection):
    report, verdict = made(selection)
    assert not verdict.passed
    page = report_html.page(report)
    assert report["verdict"]["reasons"] == list(verdict.reasons)
    assert "at least 64 needed" in verdict.reasons[0] or "needed" in verdict.reasons[0]
    for reason in verdict.reasons:
        assert reason.replace("≥", "≥") in page
    assert "<strong>Refused</strong>" in page


def test_the_report_calls_synthetic_data_synthetic(selection):
    assert "Synthetic data.</b> All" in report_html.page(made(selection)[0])
    some = report_html.page(made(selection, synthetic=3)[0])
    assert re.search(r"Synthetic data\.</b> 3 of \d+", some)
    assert "Synthetic data" not in report_html.page(made(selection, synthetic=0)[0])


def test_the_report_says_what_was_not_measured_and_why(selection):
    report, _ = made(selection)
    page = report_html.page(report)
    metrics = " ".join(entry["metric"] for entry in report["not_measured"])
    for name in ("CLIP-T", "BERTScore", "VBench"):
        assert name in metrics
        assert name in page
    assert all(entry["reason"] for entry in report["not_measured"])
    assert "BLEU-2 (coco-caption): corpus Bleu_2" in page
    assert set(report["conventions"]) == set(report["slices"]["all"]["overlap"]["entire"]) - {"n"}
    assert "Entire caption, without labels" in page
    assert page.count("not measured") >= 3


def test_a_smoke_verdict_is_labelled_not_for_release(selection):
    report, verdict = made(selection, policy=SMOKE)
    assert verdict.passed
    assert "not for release" in report_html.page(report)
    assert "not for release" not in report_html.page(made(selection)[0])


def test_every_slice_and_slot_is_in_the_table(selection):
    report, _ = made(selection)
    assert set(report["slices"]) == {"all", *selection}
    camera = report["slices"]["camera_only"]["accuracy"]["only_condition"]["slots"]["camera"]
    assert camera["value"] == 1
    assert camera["n"] > 0
    assert "camera" in report["slices"]["camera_only"]["shuffled"]["only_condition"]["slots"]
    assert report["slices"]["all"]["overlap"]["entire"]["bleu2_sacrebleu"] == pytest.approx(100)
    page = report_html.page(report)
    assert all(f"<td>{name.replace('_', ' ')}</td>" in page for name in selection)


def test_a_metric_of_one_entry_is_in_both_reports(selection, monkeypatch):
    def exact(texts, golds):
        return 100 * sum(map(str.__eq__, texts, golds)) / len(golds)

    metric = Metric("exact", "word for word", exact, digits=1)
    monkeypatch.setitem(METRICS, metric.name, metric)
    report, _ = made(selection)
    rows = [row for one in report["slices"].values() for row in one["overlap"].values()]
    assert rows
    assert {row["exact"] for row in rows} == {100}
    page = report_html.page(json.loads(json.dumps(report)))
    assert "<th class=num>word for word</th>" in page
    assert page.count("<td class=num>100.0</td>") == len(report["slices"]["all"]["overlap"])


def test_the_comparison_shows_the_smallest_effect(selection):
    page = report_html.page(made(selection, champion="c" * 64)[0])
    assert "smallest drop that could show" in page
    assert "There is no champion yet" in report_html.page(made(selection)[0])


def test_the_page_is_self_contained_and_escapes_what_data_says(selection):
    sample = {
        "record": "r<1>",
        "slice": "mix",
        "regressed": True,
        "prompt": "<script>alert(1)</script>",
        "gold": {},
        "model": {"text": "<b>broken", "problem": "lacks <parts>", "parts": {}},
        "champion": None,
        "found": ["invents <it>"],
        "conditions": [{"label": "pose <1>", "picture": ""}],
        "questions": [
            {
                "slot": "colour",
                "answer": "<i>red",
                "sources": ["image"],
                "correct": False,
                "lost": True,
            }
        ],
    }
    page = report_html.page(made(selection, samples=[sample])[0])
    assert "&lt;script&gt;alert(1)" in page
    for raw in ("<script", "<b>broken", "<i>red", "<parts>", "r<1>", "<it>"):
        assert raw not in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "@import" not in page


def test_a_verdict_comes_back_from_its_report(selection, tmp_path):
    report, verdict = made(selection, champion="c" * 64)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    assert load_finding(path) == Finding(
        verdict=verdict,
        bundle="b" * 64,
        champion="c" * 64,
        snapshot="s" * 64,
        policy_digest=policy_digest(TINY),
        report_digest=file_digest(path),
        digests={f"{name}_digest": report[name] for name in DIGESTS},
    )
    assert all(report[name] for name in ("judge", "code", "captions"))


def test_a_policys_digest_is_that_of_its_content():
    assert policy_digest(TINY) == policy_digest(replace(TINY))
    assert policy_digest(TINY) != policy_digest(replace(TINY, significance=0.1))
    assert policy_digest(TINY) != policy_digest(SMOKE)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "other"}', '{"schema": 1'])
def test_what_is_no_report_is_refused_by_name(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"report\.json"):
        load_finding(path)
    with pytest.raises(InputError, match="not an evaluation report"):
        load_finding(tmp_path / "missing.json")


def outcome(record, index, correct, slice_name="mix"):
    given = {"aspect": "style", "slot": f"slot_{index}", "group": "both"}
    return Outcome(record=record, index=index, slice=slice_name, correct=correct, **given)


def test_what_got_worse_comes_first_and_all_of_it_is_listed(selection):
    old = Scores({}, (outcome("a", 0, False), outcome("b", 0, True), outcome("c", 0, True)))
    whole = Whole(record="c", slice="mix", failed=frozenset({"prose"}))
    new = Scores({}, (outcome("a", 0, False), outcome("b", 0, False), outcome("c", 0, True)))
    found = cases(
        replace(new, wholes=(whole,)), replace(old, wholes=(Whole("c", "mix", frozenset()),))
    )
    assert [(one.record, one.lost, one.newly) for one in found] == [
        ("b", (0,), ()),
        ("c", (), ("prose",)),
        ("a", (), ()),
    ]
    assert [one.regressed for one in found] == [True, True, False]
    assert not any(one.regressed for one in cases(new, None))


def test_at_most_fifty_records_are_shown_and_right_ones_only_where_few_are_wrong():
    def of(wrong):
        return Scores({}, tuple(outcome(f"r{n:03}", 0, n >= wrong) for n in range(90)))

    assert len(shown(cases(of(80), None))) == SHOWN
    assert all(one.wrong for one in shown(cases(of(20), None)))
    few = shown(cases(of(3), None))
    assert [bool(one.wrong) for one in few] == [True] * 3 + [False] * 2


def test_two_texts_are_compared_word_by_word():
    first, second = report_html.differing("A red ball rolls.", "A blue ball rolls")
    assert [text for text, differs in first if differs] == ["red "]
    assert [text for text, differs in second if differs] == ["blue "]
    assert "".join(text for text, _ in second) == "A blue ball rolls"


def test_the_report_says_when_by_which_code_and_of_which_training(selection):
    report, _ = made(selection)
    trained = {"preset": "tiny", "recipe": "mine", "recipe_digest": "e" * 64, "steps": 7}
    page = report_html.page({**report, "version": 3, "training": {**trained, "seconds": 60}})
    for told in ("version 3, bundle bbbb", "preset tiny, recipe mine (eeee", "any2caption 0.1.0"):
        assert told in page
    assert report["date"][:16].replace("T", " ") in page
    assert "the bundle does not say" in report_html.page(report)
    assert len(report["texts"]) == report["records"]
    assert all(one["champion"] is None for one in report["outcomes"])
