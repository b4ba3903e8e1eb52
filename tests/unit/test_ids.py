"""Identifiers sort by time and are told from other text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.entities import is_id, new_id, short_id

times = st.floats(min_value=0, max_value=2**47 / 1000)


@given(times, times)
def test_ids_sort_by_time(a: float, b: float) -> None:
    if int(a * 1000) != int(b * 1000):
        assert (new_id(a) < new_id(b)) == (a < b)


def test_ids_of_one_instant_differ() -> None:
    assert len({new_id(1.0) for _ in range(1000)}) == 1000


def test_an_id_is_recognised() -> None:
    whole = new_id(1.7e9)
    assert is_id(whole)
    assert whole.endswith(short_id(whole))
    assert not is_id(short_id(whole))
    assert not is_id(whole[:-1] + "U")
