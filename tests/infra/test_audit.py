"""A known vulnerability fails the audit; silence of the index is said and is not a pass."""

import importlib.util
from datetime import date
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / "requirements" / "audit.py"
FOUND = {
    "name": "some",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
}
SILENT = {"name": "other", "skip_reason": "Dependency not found"}
ENTRY = '[[accepted]]\nid = "CVE-1"\nreason = "not reached"\nuntil = 2026-12-31\n'


@pytest.fixture
def audit():
    spec = importlib.util.spec_from_file_location("audit", AUDIT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_vulnerability_fails_and_says_what_fixes_it(audit, monkeypatch, capsys):
    monkeypatch.setattr(audit, "ask", lambda _: ([FOUND, SILENT], ""))
    assert audit.main(["some.lock"]) == 1
    out = capsys.readouterr().out
    assert "some.lock: 1 packages audited, 1 vulnerabilities" in out
    assert "some 1.0: PYSEC-1, fixed in 1.1" in out
    assert "not audited: 1 packages" in out


def test_an_accepted_one_passes_until_its_date(audit):
    known = audit.accepted(ENTRY, date(2026, 12, 31))
    assert audit.judge([FOUND], known) == ([], 0)
    late = audit.accepted(ENTRY, date(2027, 1, 1))
    assert audit.judge([FOUND], late)[0] == ["some 1.0: PYSEC-1, fixed in 1.1"]


def test_an_index_that_says_nothing_is_said_and_fails_nothing(audit, monkeypatch, capsys):
    monkeypatch.setattr(audit, "ask", lambda _: ([SILENT], ""))
    assert audit.main(["some.lock"]) == 0
    assert capsys.readouterr().out == (
        "some.lock: not audited: 1 packages, the index says nothing of them\n"
    )
    monkeypatch.setattr(audit, "ask", lambda _: ([], "connection refused"))
    assert audit.main(["some.lock"]) == 0
    assert "some.lock: not audited: connection refused" in capsys.readouterr().out


def test_every_acceptance_has_a_reason_and_a_date(audit):
    import tomllib

    entries = tomllib.loads(AUDIT.with_name("accepted.toml").read_text()).get("accepted", [])
    assert all(entry["reason"] and isinstance(entry["until"], date) for entry in entries)
