"""What a hostile client can do to a served stack: one round of everything in `bench/attack.py`."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import attack
import attack_kinds
import attack_stack

from any2caption.serving import contract

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]


@pytest.fixture
def environment_kept():
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.slow
def test_a_stack_under_attack_gives_right_answers_and_nothing_else(environment_kept, tmp_path):
    with attack_stack.own(tmp_path) as settings:
        figures = attack.run(settings, 1, 4.0, calm_seconds=4.0, settle_seconds=30.0)
    assert figures["forbidden things done"] == 0
    assert figures["crashed"] == []
    good = figures["good clients"]
    assert all(phase["answers"] and not phase["wrong"] for phase in good.values()), good
    assert good["after"]["failed"] == {}
    tried = figures["tried"]
    assert len(tried) > 40
    for name, outcomes in tried.items():
        if name.startswith("file: "):  # how long it took is the bench's to say
            said = {one for one in outcomes if not one.startswith("took longer")}
            assert said <= {"refused", "answered"}, (name, outcomes)
        if name.startswith("server: "):
            assert set(outcomes) == {"refused: PERMISSION_DENIED"}, (name, outcomes)
    own = figures["of these their own alone (before, after)"]
    grown = {
        name: after - before for name, (before, after) in own.items() if name.startswith("step ")
    }
    assert len(grown) == len(contract.steps())
    assert max(grown.values()) < 300, grown
    resident = figures["memory MB (before, peak, after)"]
    assert resident["tritonserver"][1] < 1000, resident["tritonserver"]


def test_every_kind_of_attack_has_a_name_of_its_own(tmp_path):
    from any2caption.settings import Settings

    names = [kind.name for kind in attack_kinds.kinds(Settings(home=tmp_path))]
    assert len(set(names)) == len(names)
