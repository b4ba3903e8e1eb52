"""Comparing runs: two in depth, or any number in a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from ..errors import InvalidInput
from ..services.showing.comparison_html import comparison_html, run_table_html
from ..services.showing.comparison_text import comparison_rows, comparison_text, run_table_text, title
from ..wire import to_json
from ..workspace import current
from .reading import Run, id_of

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


@overload
def compare(a: str | Run, b: str | Run, /) -> Comparison: ...
@overload
def compare(*runs: str | Run) -> Comparison | RunTable: ...
def compare(*runs: str | Run) -> Comparison | RunTable:
    """What differs among runs, given by their ids, unique ends of them, or as ``mlops.run(...)``.

    Of two: params, metrics, tags, data (which columns changed), packages, environment, and the code side by
    side. Of more: a table with a column for each run. Both show themselves in a notebook and as text, and
    have ``to_frame()`` and ``to_json()``.

    Raises NotFound, Ambiguous, and InvalidInput for fewer than two.
    """
    ids = [id_of(run) for run in runs]
    if len(ids) < 2:
        raise InvalidInput(f"compare() takes two runs or more, not {len(ids)}: mlops.compare(a, b)")
    if len(ids) == 2:
        return Comparison(current().runs.compare(ids[0], ids[1]))
    return RunTable(current().runs.table(ids))


class Comparison:
    """Two runs side by side: only what differs. The lists hold entities with ``key``, ``a`` and ``b``."""

    def __init__(self, entity: entities.Comparison) -> None:
        self.entity = entity

    @property
    def a(self) -> entities.Run:
        return self.entity.a

    @property
    def b(self) -> entities.Run:
        return self.entity.b

    @property
    def params(self) -> list[entities.Difference]:
        return self.entity.params

    @property
    def metrics(self) -> list[entities.Difference]:
        """By last values."""
        return self.entity.metrics

    @property
    def tags(self) -> list[entities.Difference]:
        return self.entity.tags

    @property
    def inputs(self) -> list[entities.Difference]:
        """Registered versions that the runs read."""
        return self.entity.inputs

    @property
    def data(self) -> list[entities.DataDifference]:
        """Files and URLs that the runs read, with the columns that changed."""
        return self.entity.data

    @property
    def packages(self) -> list[entities.Difference]:
        return self.entity.packages

    @property
    def environment(self) -> list[entities.Difference]:
        """Python, platform, git commit, GPUs and their driver, the user's own modules."""
        return self.entity.environment

    @property
    def source_diff(self) -> str:
        """The code as a unified diff; empty when it is the same."""
        return self.entity.source_diff

    def to_frame(self) -> pd.DataFrame:
        """A row for each thing that differs (``params.lr``), a column for each run."""
        import pandas as pd

        rows = comparison_rows(self.entity)
        index = pd.Index([row[0].strip() for row in rows], name="what")
        values = [row[1:] for row in rows]
        columns = [title(self.a), title(self.b)]
        return pd.DataFrame(values, index=index, columns=columns, dtype=object)

    def to_json(self) -> str:
        """The whole of it, as the command line's ``--json`` prints it."""
        return _json(self.entity)

    def __repr__(self) -> str:
        return comparison_text(self.entity)

    def _repr_html_(self) -> str:
        return comparison_html(self.entity)


class RunTable:
    """Any number of runs side by side: only what differs among them."""

    def __init__(self, entity: entities.RunTable) -> None:
        self.entity = entity

    @property
    def runs(self) -> list[entities.Run]:
        return self.entity.runs

    @property
    def rows(self) -> Sequence[entities.RunTableRow]:
        return self.entity.rows

    def to_frame(self) -> pd.DataFrame:
        """A row for each thing that differs (``params.lr``), a column for each run."""
        import pandas as pd

        index = pd.Index([f"{row.kind}.{row.key}" for row in self.rows], name="what")
        values = [row.values for row in self.rows]
        return pd.DataFrame(values, index=index, columns=[*map(title, self.runs)], dtype=object)

    def to_json(self) -> str:
        """The whole of it, as the command line's ``--json`` prints it."""
        return _json(self.entity)

    def __repr__(self) -> str:
        return run_table_text(self.entity)

    def _repr_html_(self) -> str:
        return run_table_html(self.entity)


def _json(value: Any) -> str:
    return json.dumps(to_json(value), ensure_ascii=False)
