"""Reading runs back: tables, histories, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..services.rows import RUN_COLUMNS, run_row
from ..workspace import current
from .histories import history

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


def runs(
    filter: str = "", *, order_by: str = "started desc", limit: int = 100, archived: bool = False
) -> pd.DataFrame:
    """Runs as a DataFrame, one a row.

    Columns: ``id name experiment status started duration_s notebook``, then ``params.*``,
    ``metrics.*`` (last values) and ``tags.*``. ``started`` is a UTC timestamp, durations are seconds.
    ``filter`` is like ``"metrics.acc > 0.9 and (params.lr < 0.01 or tags.team = 'a')"``; FilterError
    says where it does not parse.
    """
    import pandas as pd

    page = current().runs.search(filter, order_by=order_by, limit=limit, archived=archived, total=False)
    rows = [run_row(each) for each in page.runs]
    names = sorted({name for row in rows for name in row if name not in RUN_COLUMNS}, key=_column_order)
    table = pd.DataFrame(rows, columns=[*RUN_COLUMNS, *names])
    table["started"] = pd.to_datetime(table["started"], utc=True)
    return table


def run(run_id: str) -> Run:
    """One run, by its id or a unique end of it. Raises NotFound or Ambiguous."""
    return Run(current().runs.get(run_id).id)


def edit_run(
    run_id: str | Run,
    *,
    name: str | None = None,
    note: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    archived: bool | None = None,
) -> Run:
    """Change what people say of a run; a tag of None is removed."""
    current().runs.edit(id_of(run_id), name=name, note=note, tags=tags, archived=archived)
    return Run(id_of(run_id))


class Run:
    """A run to read from; every property shows its present state."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id

    @property
    def detail(self) -> entities.RunDetail:
        """Everything that is known of it: source, outputs, artifacts, context, lineage."""
        return current().runs.detail(self.id)

    @property
    def entity(self) -> entities.Run:
        return current().runs.get(self.id)

    @property
    def name(self) -> str:
        return self.entity.name

    @property
    def status(self) -> str:
        return self.entity.status.value

    @property
    def params(self) -> dict[str, Any]:
        return self.entity.params

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {name: summary.last for name, summary in self.entity.metrics.items()}

    @property
    def tags(self) -> dict[str, str]:
        return self.entity.tags

    def history(self, name: str, *, max_points: int | None = None) -> pd.DataFrame:
        """The points of one metric: ``step``, ``time``, ``value``."""
        return history(self.id, name, max_points=max_points)

    def artifact(self, name: str) -> bytes:
        """The content of an artifact. Raises NotFound when the run has none of that name."""
        return current().runs.artifact(self.id, name)

    def __repr__(self) -> str:
        run = self.entity
        metrics = ", ".join(f"{name}={value:.4g}" for name, value in self.metrics.items())
        return f"Run({run.id!r}, {run.name!r}, {run.status.value}{', ' + metrics if metrics else ''})"


def id_of(run: str | Run) -> str:
    """The id, or the end of one, that was given."""
    return run.id if isinstance(run, Run) else run


def _column_order(name: str) -> tuple[int, str]:
    return ("params", "metrics", "tags").index(name.split(".", 1)[0]), name
