"""Arrays as files: the same numbers have the same bytes, and come back as they were."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.entities import Column
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.registry.arrays import is_array, is_dict_of_arrays, read, write
from jupyter_mlops.services.registry.tables import Shape

from ..optional import optional

GRID = np.arange(12, dtype="float32").reshape(3, 4)

ARRAYS = {
    "grid": GRID,
    "scalar": np.array(3.5),
    "empty": np.empty((0, 2)),
    "texts": np.array(["a", "bcd"]),
    "dates": np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"),
    "complex": np.array([1 + 2j, np.nan]),
    "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "big-endian": np.arange(3, dtype=">i4"),
    "bool": np.array([True, False]),
}


def written(data: Any, tmp_path: Path, name: str = "x") -> tuple[bytes, Shape, str]:
    path = tmp_path / name
    shape, ending = write(data, path)
    content = path.read_bytes()
    path.unlink()
    return content, shape, ending


@pytest.mark.parametrize("name", ARRAYS)
def test_array_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    array = ARRAYS[name]
    content, _, ending = written(array, tmp_path)
    assert content == written(array.copy(), tmp_path)[0]
    assert ending == ".npy"
    (tmp_path / "a.npy").write_bytes(content)
    back = read(tmp_path / "a.npy", "a.npy")
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("other", [np.asfortranarray(GRID), np.repeat(GRID, 2, axis=1)[:, ::2]])
def test_same_numbers_in_another_layout_have_the_same_bytes(tmp_path: Path, other: Any) -> None:
    assert written(other, tmp_path)[0] == written(GRID, tmp_path)[0]


def test_other_numbers_types_and_shapes_have_other_bytes(tmp_path: Path) -> None:
    variants = [GRID, GRID + 1, GRID.astype("float64"), GRID.reshape(4, 3), GRID.ravel(), {"x": GRID}]
    assert len({written(each, tmp_path)[0] for each in variants}) == len(variants)


def test_dict_comes_back_whatever_its_order_and_when_it_was_stored(tmp_path: Path) -> None:
    data = {"y": np.array([0, 1, 0]), "x": GRID, "a/b ü": np.array(1)}
    content, shape, ending = written(data, tmp_path)
    assert content == written(dict(reversed(data.items())), tmp_path)[0]
    assert ending == ".npz"
    assert shape == Shape(
        None,
        [
            Column(name="a/b ü", type="int64[]"),
            Column(name="x", type="float32[3,4]"),
            Column(name="y", type="int64[3]"),
        ],
    )
    (tmp_path / "d.npz").write_bytes(content)
    back = read(tmp_path / "d.npz", "d.npz")
    assert sorted(back) == sorted(data)
    for key, array in data.items():
        np.testing.assert_array_equal(back[key], array)


def test_rows_are_those_of_all_arrays(tmp_path: Path) -> None:
    assert written({"x": GRID, "y": np.zeros(3)}, tmp_path)[1].rows == 3
    assert written(GRID, tmp_path)[1] == Shape(3, [Column(name="values", type="float32[3,4]")])


def test_tensors_are_the_same_as_their_arrays(tmp_path: Path) -> None:
    torch = optional("torch")
    tensor = torch.from_numpy(GRID.copy()).requires_grad_()
    assert is_array(tensor)
    assert written(tensor, tmp_path)[0] == written(GRID, tmp_path)[0]
    assert written({"x": tensor.T.T}, tmp_path)[0] == written({"x": GRID}, tmp_path)[0]
    with pytest.raises(InvalidInput, match=r"tensor\.float\(\)"):
        written(tensor.bfloat16(), tmp_path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (np.array([{}, None], dtype=object), "Python objects"),
        ({"x": GRID, "y": np.array([object()])}, "'y'.*Python objects"),
        (np.ma.masked_array([1, 2], mask=[True, False]), "mask"),
        ({1: GRID}, "names of arrays"),
        ({"": GRID}, "names of arrays"),
    ],
)
def test_what_cannot_be_stored_is_refused_saying_why(tmp_path: Path, data: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        write(data, tmp_path / "x")


@pytest.mark.parametrize("data", [[1, 2], {}, {"x": [1]}, "text", 3, None, {"x": GRID, "y": 1}])
def test_what_is_no_array_is_none(data: Any) -> None:
    assert not is_array(data)
    assert not is_dict_of_arrays(data)


def test_file_with_python_objects_is_left_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert read(tmp_path / "o.npy", "o.npy") is None
    assert read(tmp_path / "o.npy", "o.bin") is None


def test_damaged_file_says_so(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, GRID)
    for name, content in (("a.npy", buffer.getvalue()[:-4]), ("a.npz", b"no zip"), ("b.npy", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match="as_path=True"):
            read(tmp_path / name, name)
