"""Metrics as curves: DataFrames that wrap the index's own columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import InvalidInput
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from ..protocols.points import Points


class RunLike(Protocol):
    """What knows which run it is: an ``mlops.Run``, or what ``with mlops.track()`` gave."""

    id: str


def history(
    run: str | RunLike | Iterable[str | RunLike] | pd.DataFrame,
    name: str,
    *,
    max_points: int | None = None,
) -> pd.DataFrame:
    """A metric's points as a DataFrame with the columns ``step``, ``time`` (UTC) and ``value``.

    Of several runs (ids, or a table that :func:`runs` gave) the points of one run follow those of another
    and a first column, the categorical ``run``, says whose they are; runs without such a metric are left
    out. With ``max_points`` each curve has at most so many points (but at least 5), thinned without losing
    its extremes or gaps. Raises NotFound for an unknown run, and where no run has the metric.
    """
    ids, several = _ids_of(run)
    curves = current().runs.curves(ids, name, max_points=max_points)
    return _table(curves) if several else _columns(next(iter(curves.values())))


def _ids_of(run: Any) -> tuple[list[str], bool]:
    """The ids that are meant, and whether they may be several."""
    if isinstance(run, str) or isinstance(getattr(run, "id", None), str):
        return [_id_of(run)], False
    if "id" in getattr(run, "columns", ()):
        run = run["id"]
    return list(dict.fromkeys(_id_of(each) for each in run)), True


def _id_of(run: Any) -> str:
    run_id = run if isinstance(run, str) else getattr(run, "id", None)
    if not isinstance(run_id, str):
        raise InvalidInput(f"Not a run: {run!r}. Give its id, or what mlops.run() or mlops.runs() returned.")
    return run_id


def _columns(points: Points) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from ..protocols.points import NO_STEP

    steps = np.asarray(points.steps)
    times = np.asarray(points.times) * 1e6
    microseconds = np.rint(times, out=times).astype(np.int64)
    return pd.DataFrame(
        {
            "step": pd.arrays.IntegerArray(steps, steps == NO_STEP),
            "time": pd.DatetimeIndex(microseconds.view("M8[us]")).tz_localize("UTC"),
            "value": np.asarray(points.values),
        },
        copy=False,
    )


def _table(curves: Mapping[str, Points]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from ..protocols.points import Points

    together = Points()
    for points in curves.values():
        together.extend(points)
    table = _columns(together)
    places = np.repeat(np.arange(len(curves)), [len(points) for points in curves.values()])
    runs = pd.Categorical.from_codes(places, categories=pd.Index(list(curves)))
    table.insert(0, "run", pd.Series(runs))
    return table
