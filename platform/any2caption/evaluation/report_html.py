"""The report as one self-contained HTML page, made from the JSON report alone."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from any2caption.captions.schema import PARTS
from any2caption.evaluation.scores import GROUPS

Values = Mapping[str, Any]
_GROUP_NAMES = {"determinable": "all that the inputs determine", **GROUPS}


def page(report: Values) -> str:
    """Render the page; what came from data is escaped, nothing is loaded from outside."""
    css = files("any2caption.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    verdict = report["verdict"]
    body = "".join(
        [
            _head(report),
            _verdict(verdict, report["policy"]),
            _checks(verdict["checks"]),
            _comparisons(verdict["comparisons"], report["champion"]),
            _accuracy(report["slices"]),
            _camera_geometry(report["slices"]),
            _shuffled(report["slices"]),
            _overlap(report["slices"]["all"]["overlap"], report["slices"]["all"]["records"]),
            _samples(report["samples"]),
            _not_measured(report),
        ]
    )
    state = "passed" if verdict["passed"] else "refused"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation: {state}</title><style>{css}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _head(report: Values) -> str:
    records, synthetic = report["records"], report["synthetic"]
    lines = [
        f"bundle <code>{escape(report['bundle'][:16])}</code>",
        f"snapshot <code>{escape(report['snapshot'][:16])}</code>",
        f"{records} held-out records (test split)",
    ]
    banner = ""
    if synthetic:
        share = "All" if synthetic == records else f"{synthetic} of {records}"
        banner = (
            f'<div class="banner"><b>Synthetic data.</b> {share} records come from a procedural '
            "world with known truth. The figures say what the model reads from conditions of that "
            "world, not how it does on filmed footage.</div>"
        )
    return f'<h1>Evaluation report</h1><p class="dim">{" · ".join(lines)}</p>{banner}'


def _verdict(verdict: Values, policy: Values) -> str:
    state = "passed" if verdict["passed"] else "refused"
    release = "" if verdict["for_release"] else ' <span class="pill fail">not for release</span>'
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict["reasons"])
    return (
        f'<div class="card verdict {state}"><strong>{state.capitalize()}</strong>{release}'
        f'<p class="dim">Policy <code>{escape(policy["name"])}</code>: '
        f"{escape(policy['summary'])}</p><ul>{reasons}</ul></div>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, first_text: int = 1) -> str:
    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{'' if i < first_text else ' class=num'}>{value}</{tag}>"
            for i, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="card"><table><tr>{cells("th", head)}</tr>{body}</table></div>'


def _checks(checks: Sequence[Values]) -> str:
    rows = [
        (
            (
                f'<span class="pill {"pass" if c["passed"] else "fail"}">'
                f"{'holds' if c['passed'] else 'refused'}</span>"
            ),
            escape(c["name"]),
            escape(c["reason"].removeprefix(f"{c['name']}: ")),
        )
        for c in checks
    ]
    return "<h2>Checks</h2>" + _table(["", "check", "measured"], rows, first_text=3)


def _comparisons(comparisons: Sequence[Values], champion: str | None) -> str:
    if champion is None:
        return '<h2>Against the champion</h2><p class="dim">There is no champion yet.</p>'
    rows = [
        (
            escape(c["slice"]),
            f"{c['records']} / {c['questions']}",
            f"{c['champion']:.3f}",
            f"{c['challenger']:.3f}",
            f"{c['difference']:+.3f}",
            f"{c['p_worse']:.4f}",
            "none" if c["smallest"] is None else f"{c['smallest']:.3f}",
        )
        for c in comparisons
    ]
    head = ["slice", "records / questions", "champion", "challenger", "difference"]
    head += ["p (worse)", "smallest drop that could show"]
    note = (
        f"<p class=dim>Champion <code>{escape(champion[:16])}</code>, same records. Exact "
        "sign-flip test with records as units; significant below 0.05 over all slices.</p>"
    )
    return "<h2>Against the champion</h2>" + note + _table(head, rows)


def _cell(rate: Values | None) -> str:
    if rate is None or rate["value"] is None:
        return '<span class="dim">–</span>'
    value = rate["value"]
    # Pale red at 0 over yellow to pale green at 1.
    return (
        f'<span class="cell" style="background:hsl({130 * value:.0f} 60% 91%)">'
        f"{value:.3f} <small>{rate['n']}</small></span>"
    )


def _by_slot(slices: Values, key: str, group: str) -> str:
    tables = {name: s[key][group] for name, s in slices.items() if group in s[key]}
    slots = sorted({slot for table in tables.values() for slot in table["slots"]})
    if not tables:
        return ""
    rows = [
        [
            f"<b>{escape(name)}</b>",
            _cell(table),
            *(_cell(table["slots"].get(slot)) for slot in slots),
        ]
        for name, table in tables.items()
    ]
    return _table(["slice", "all slots", *map(escape, slots)], rows)


def _accuracy(slices: Values) -> str:
    sections = "".join(
        f"<h3>{escape(title.capitalize())}</h3>{_by_slot(slices, 'accuracy', group)}"
        for group, title in _GROUP_NAMES.items()
    )
    structure = _table(
        ["slice", "records", "six parts"],
        [
            [f"<b>{escape(name)}</b>", str(s["records"]), _cell(s["structure"])]
            for name, s in slices.items()
        ],
    )
    return (
        "<h2>Intent accuracy by slice and slot</h2>"
        '<p class="dim">Share of right answers; the small number is how many were asked.</p>'
        f"{sections}<h2>Structure</h2>{structure}"
    )


def _camera_geometry(slices: Values) -> str:
    found = {name: s["camera_geometry"] for name, s in slices.items() if s.get("camera_geometry")}
    if not found:
        return ""
    rows = [
        [f"<b>{escape(name)}</b>", _cell(rates["agrees"]), _cell(rates["main"])]
        for name, rates in found.items()
    ]
    return (
        "<h2>Camera part and the path's geometry</h2>"
        '<p class="dim">Share of written camera parts that name movements which the path shows, '
        "and no others; and of those that name its largest one. Not part of the gate.</p>"
        + _table(["slice", "only what is shown", "the main movement"], rows)
    )


def _shuffled(slices: Values) -> str:
    table = _by_slot(slices, "shuffled", "only_condition")
    if not table:
        return ""
    return (
        "<h2>Control: conditions shuffled between records</h2>"
        '<p class="dim">Slots stated by a condition only, with another record\'s conditions: a '
        "model that reads its conditions falls to chance here.</p>" + table
    )


def _overlap(overlap: Values, records: int) -> str:
    rows = [
        [
            escape(PARTS.get(part, "Entire caption")),
            *(f"{row[m]:.2f}" for m in ("bleu2", "rouge_l", "meteor")),
            f"{row['words']:.0f}",
            f"{row['gold_words']:.0f}",
        ]
        for part, row in overlap.items()
    ]
    head = ["part", "BLEU-2", "ROUGE-L", "METEOR", "words", "words in gold"]
    title = f"<h2>Overlap with the gold captions</h2><p class=dim>{records} captions, 0…100.</p>"
    return title + _table(head, rows)


def _samples(samples: Sequence[Values]) -> str:
    return "<h2>Sample captions</h2>" + "".join(_sample(sample) for sample in samples)


def _sample(sample: Values) -> str:
    figures = "".join(
        f"<figure>{c['picture']}<figcaption>{escape(c['label'])}</figcaption></figure>"
        for c in sample["conditions"]
    )
    if sample["parts"]:
        parts = "".join(
            f"<dt>{escape(PARTS[name])}</dt><dd>{escape(text)}</dd>"
            for name, text in sample["parts"].items()
        )
    else:
        parts = (
            f"<dt>No six parts: {escape(sample['problem'])}</dt><dd>{escape(sample['text'])}</dd>"
        )
    questions = "".join(
        f'<li><span class="pill {"pass" if q["correct"] else "fail"}">'
        f"{'right' if q['correct'] else 'wrong'}</span> {escape(q['slot'])}: "
        f"{escape(q['answer'])} <span class=dim>({escape(', '.join(q['sources']))})</span></li>"
        for q in sample["questions"]
    )
    prompt = escape(sample["prompt"]) or "<i>no prompt</i>"
    return (
        f'<div class="card sample"><div><p class="dim">{escape(sample["slice"])} · '
        f"{escape(sample['record'])}</p><p>“{prompt}”</p>{figures}"
        f'<ul class="qa">{questions}</ul></div><dl>{parts}</dl></div>'
    )


def _not_measured(report: Values) -> str:
    rows = [
        [escape(e["metric"]), "not measured", escape(e["reason"])] for e in report["not_measured"]
    ]
    notes = "".join(f"<li>{escape(note)}</li>" for note in report["notes"])
    return (
        "<h2>Not measured</h2>"
        + _table(["metric", "", "why"], rows, first_text=3)
        + f'<h2>Notes</h2><div class="card"><ul>{notes}</ul></div>'
    )
