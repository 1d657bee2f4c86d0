"""Captions are answered before all of the stack is up, and whoever waits for that is told once."""

from any2caption.stack import local, supervisor
from any2caption.stack.services import Service


def test_who_waits_for_captions_is_told_once_before_the_rest_is_up(tmp_path, monkeypatch):
    rounds = iter([("door",), ("door", "triton"), ("door", "triton"), ("door", "triton", "mlflow")])
    seen, said = [], []

    def states(_home):
        up = next(rounds)
        seen.append(up)
        return {name: {"statename": "RUNNING", "start": 0} for name in up}

    monkeypatch.setattr(supervisor, "states", states)
    monkeypatch.setattr(local, "_POLL_SECONDS", 0.0)
    wanted = [Service(name, (), check=str) for name in ("triton", "door", "mlflow")]
    told = []
    local._await_health(tmp_path, wanted, float("inf"), said.append, lambda: told.append(len(seen)))
    assert told == [2]
    assert len(said) == 3
