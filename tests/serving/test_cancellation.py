"""Flags of cancelled requests: private, bounded, and no name comes from a client."""

import os
import time

import pytest

from any2caption.serving.steps import cancellation
from any2caption.serving.steps.cancellation import CancelFlags, is_token, new_token


@pytest.fixture
def flags(tmp_path):
    one = CancelFlags(tmp_path / "flags")
    one.prepare()
    return one


def test_a_flag_is_seen_and_goes_with_time(flags):
    token = new_token()
    assert not flags.is_set(token)
    flags.set(token)
    assert flags.is_set(token)
    flags.sweep(60)
    assert flags.is_set(token)
    os.utime(flags.folder / token, (0, time.time() - 61))
    flags.sweep(60)
    assert not flags.is_set(token)


def test_the_folder_is_its_owners_alone_and_starts_empty(flags):
    flags.set(new_token())
    flags.folder.chmod(0o777)
    flags.prepare()
    assert flags.folder.stat().st_mode & 0o077 == 0
    assert not list(flags.folder.iterdir())


def test_flags_are_bounded(flags, monkeypatch):
    monkeypatch.setattr(cancellation, "_MOST_FLAGS", 3)
    tokens = [new_token() for _ in range(5)]
    for age, token in enumerate(reversed(tokens)):
        flags.set(token)
        when = time.time() - age
        os.utime(flags.folder / token, (when, when))
    flags.sweep(60)
    assert [flags.is_set(token) for token in tokens] == [False, False, True, True, True]


@pytest.mark.parametrize("name", ["../x", "", "A" * 32, "0" * 33, "0" * 31 + "\n", 7, None])
def test_only_tokens_become_file_names(flags, name):
    assert not is_token(name)
    with pytest.raises((ValueError, TypeError)):
        flags.set(name)
