"""`a2c doctor` names what is unsafe, one line each, and says whether something must change."""

import json

import pytest
from typer.testing import CliRunner

from any2caption.cli.main import app
from any2caption.conditions.isolation import sandbox
from any2caption.serving import server_version
from any2caption.settings import Settings
from any2caption.stack import doctor

pytestmark = pytest.mark.usefixtures("own_ports")


def test_what_is_published_against_the_wheels_server_is_named_with_what_closes_it(tmp_path):
    done = CliRunner().invoke(app, ["doctor", "--home", str(tmp_path)])
    assert done.exit_code in {0, 3}  # 3 where this machine lacks something else
    assert "Triton 2.51.0: shared memory" in done.stdout
    assert "CVE-2025-23319" in done.stdout
    assert "closed here: HTTP is off" in done.stdout


def test_a_triton_that_listens_for_others_must_be_fenced(tmp_path, monkeypatch):
    monkeypatch.setenv("A2C_TRITON_INNER_URL", "10.0.0.7:8003")
    done = CliRunner().invoke(app, ["doctor", "--json", "--home", str(tmp_path)])
    assert done.exit_code == 3
    warned = [one for one in json.loads(done.stdout) if one["level"] == "warning"]
    assert "A2C_TRITON_INNER_URL=10.0.0.7" in [one["what"].partition(":")[0] for one in warned]


def test_the_stacks_own_address_is_fine(tmp_path):
    assert list(doctor.triton_address(Settings(home=tmp_path))) == []


def test_a_current_server_has_no_published_holes_and_takes_numpy_2():
    container = server_version.version({"TRITON_SERVER_VERSION": "2.74.0"})
    assert server_version.holes(container) == ()
    assert server_version.takes_numpy_2(container)
    wheel = server_version.version({})
    assert wheel == "2.51.0"
    assert not server_version.takes_numpy_2(wheel)
    named = [cve for hole in server_version.holes(wheel) for cve in hole.cves]
    assert len(named) == len(set(named)) > 40


def test_a_missing_layer_of_the_sandbox_is_named_with_what_to_install(tmp_path, monkeypatch):
    report = [("own user", False, "only root can change it"), ("seccomp", False, "no library")]
    monkeypatch.setattr(sandbox, "sandbox_report", lambda: [*report, ("Landlock", True, "ABI 7")])
    found = list(doctor.parse_sandbox(Settings(home=tmp_path)))
    assert [finding.level for finding in found] == ["note", "warning"]
    assert "no library" in found[1].what
    assert "libseccomp2" in found[1].fix
