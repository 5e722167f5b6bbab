"""What is learnt about a clip lies in a file without a name."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from client.errors import OutputError
from orchestrator.pipeline.spool import Rows, Spool


def test_arrays_of_any_shape_come_back_as_they_were() -> None:
    spool = Spool()
    arrays: list[NDArray[Any]] = [
        np.arange(12, dtype=np.uint16).reshape(3, 4)[:, ::2],
        np.zeros((0, 3), np.float32),
        np.full((2, 2, 2), 1.5),
    ]
    kept = [spool.keep(array) for array in arrays]
    for array, place in zip(arrays, kept, strict=True):
        read = spool.read(place)
        assert read.dtype == array.dtype
        assert np.array_equal(read, array)


def test_rows_are_read_in_any_order() -> None:
    rows = Rows((2,))
    rows.append(np.array([[0, 0], [1, 1]], np.float32))
    rows.append(np.array([[2, 2]], np.float32))
    assert len(rows) == 3
    assert rows[1].tolist() == [1, 1]
    assert rows.take(np.array([2, 0, 2])).tolist() == [[2, 2], [0, 0], [2, 2]]


def test_rows_that_were_cut_off_are_there_no_more() -> None:
    rows = Rows((1,))
    rows.append(np.arange(4, dtype=np.float32)[:, None])
    rows.cut(2)
    assert len(rows) == 2
    with pytest.raises(IndexError):
        rows[2]


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_that_is_not_there_is_an_error(row: int) -> None:
    rows = Rows((2,))
    rows.append(np.zeros((3, 2), np.float32))
    with pytest.raises(IndexError):
        rows[row]


def test_nothing_of_a_spool_is_to_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Spool().keep(np.zeros(1000))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(OutputError, match=r"cannot be kept in /nowhere .* set TMPDIR"):
        Spool()
