import stat

import pytest

from any2caption.storage import atomic
from any2caption.storage.atomic import fresh_file, fresh_folder, write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half_and_fail(path):
    path.write_text("half")
    path.with_name("missing").read_text()


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path):
    file = tmp_path / "a.json"
    write_atomically(file, "old")
    with pytest.raises(FileNotFoundError), fresh_file(file) as fresh:
        write_half_and_fail(fresh)
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


def test_content_may_be_bytes_text_or_a_file(tmp_path):
    for at, content in enumerate((b"\xc3\xa9", "é")):
        write_atomically(tmp_path / str(at), content)
    write_atomically(tmp_path / "2", tmp_path / "0")
    assert {file.read_bytes() for file in tmp_path.iterdir()} == {b"\xc3\xa9"}


def test_a_private_file_is_never_readable_by_others(tmp_path):
    with fresh_file(tmp_path / "key", mode=0o600) as fresh:
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    write_atomically(tmp_path / "open", "")
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


def test_without_replace_the_first_writer_counts(tmp_path):
    write_atomically(tmp_path / "a", "first")
    with pytest.raises(FileExistsError), fresh_file(tmp_path / "a", replace=False) as fresh:
        fresh.write_text("second")
    assert (tmp_path / "a").read_text() == "first"
    assert names(tmp_path) == ["a"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    for content in ("1", "2"):
        with fresh_folder(tmp_path / "f") as work:
            (work / content).write_text(content)
    assert names(tmp_path / "f") == ["2"]
    monkeypatch.setattr(atomic, "sync_path", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError), fresh_folder(tmp_path / "f") as work:
        (work / "3").write_text("3")
    assert names(tmp_path) == ["f"]
    assert names(tmp_path / "f") == ["2"]


def test_long_names_can_be_written(tmp_path):
    write_atomically(tmp_path / ("n" * 255), "x")
    assert len(names(tmp_path)[0]) == 255
