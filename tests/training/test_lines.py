"""Files that are written and read row by row hold what the whole would."""

import json

import numpy as np
import pytest

from any2caption.training.data.lines import chosen, concatenated, json_lines
from any2caption.training.prepare.npy_writer import NpyWriter


@pytest.mark.parametrize("counts", [[], [0], [1], [3, 0, 1_000_000]])
@pytest.mark.parametrize(("dtype", "row"), [(np.uint8, ()), (np.float32, (2, 3))])
def test_rows_one_after_the_other_are_the_file_of_the_whole_array(tmp_path, counts, dtype, row):
    parts = [np.arange(count * int(np.prod(row))).astype(dtype).reshape(-1, *row)
             for count in counts]  # fmt: skip
    with NpyWriter(tmp_path / "rows.npy", dtype, row) as rows:
        places = [rows.append(part) for part in parts]
    np.save(tmp_path / "whole.npy", np.concatenate([np.zeros((0, *row), dtype), *parts]))
    assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert places == [(sum(counts[:n]), sum(counts[: n + 1])) for n in range(len(counts))]


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_lines_are_found_wherever_a_block_ends(tmp_path, monkeypatch, block):
    monkeypatch.setattr("any2caption.training.data.lines._BLOCK", block)
    rows = [{"n": number, "text": "ä" * number} for number in range(9)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    found = json_lines(path)
    assert list(found) == rows
    assert (found[-1], found[2:4], len(found)) == (rows[-1], rows[2:4], 9)
    with pytest.raises(IndexError):
        found[9]


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "none.jsonl").touch()
    assert list(json_lines(tmp_path / "none.jsonl")) == []


def test_views_choose_and_join_without_copying():
    odd = chosen(range(7), lambda number: number % 2 == 1)
    both = concatenated(odd, [8, 9])
    assert list(both) == [1, 3, 5, 8, 9]
    assert (both[-1], both[1:4]) == (9, [3, 5, 8])
