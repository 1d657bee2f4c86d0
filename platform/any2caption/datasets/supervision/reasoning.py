"""Rule-made reasoning traces, from what a record knows of itself. Pure.

ReaDe's chain of four steps (arXiv 2511.20563): what the text wants, what the other conditions show,
how both fit together, what is added. Their traces come from a large model; these come from the
record's own questions, each of which says which inputs state its answer. So a trace says nothing
that the record does not, and the same record always gives the same trace.
"""

from collections.abc import Sequence

from any2caption.captions import lexicon
from any2caption.datasets.records import QA, Record

_NAMES = {"kind": "subject", "count": "number"}


def rule_trace(record: Record) -> str:
    """Return four lines: text, conditions, alignment, additions."""
    return "\n".join((_text(record), _conditions(record), _alignment(record), _additions(record)))


def _text(record: Record) -> str:
    if not record.prompt.strip():
        return "1. The text is empty: the conditions alone say what is wanted."
    stated = [qa for qa in record.qa if "text" in qa.sources]
    return f"1. The text asks for a new video{_said(stated) or ', without details'}."


def _conditions(record: Record) -> str:
    kinds = list(dict.fromkeys(condition.kind for condition in record.conditions))
    if not kinds:
        return "2. There are no other conditions."
    parts = []
    for kind in kinds:
        shown = [qa for qa in record.qa if kind in qa.sources]
        parts.append(f"the {kind.replace('_', ' ')} shows{_said(shown)[1:] or ' the scene'}")
    return f"2. {'; '.join(parts).capitalize()}."


def _alignment(record: Record) -> str:
    both = [qa for qa in record.qa if "text" in qa.sources and len(qa.sources) > 1]
    only = [qa for qa in record.qa if "text" not in qa.sources]
    agreed = f"text and conditions agree on the {_listed(both)}" if both else ""
    taken = f"the {_listed(only)} must come from the conditions" if only else ""
    found = "; ".join(filter(None, (agreed, taken))) or "nothing is stated twice"
    return f"3. {found[0].upper()}{found[1:]}."


def _additions(record: Record) -> str:
    asked = {qa.slot for qa in record.qa}
    added = [
        f"{_NAMES.get(slot, slot)} {answer}"
        for slot in lexicon.SLOTS
        if slot not in asked and (answer := lexicon.answer(slot, record.caption))
    ]
    return f"4. Not stated and added: {', '.join(added)}." if added else "4. Nothing is missing."


def _said(questions: Sequence[QA]) -> str:
    """`: colour red, camera pans left`, or nothing."""
    found = [f"{_NAMES.get(qa.slot, qa.slot)} {qa.answer}" for qa in questions]
    return f": {', '.join(found)}" if found else ""


def _listed(questions: Sequence[QA]) -> str:
    return ", ".join(_NAMES.get(qa.slot, qa.slot) for qa in questions)
