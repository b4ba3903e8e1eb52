"""What datasets are like, and what differs between their versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..services.showing.diffs_html import diff_html
from ..services.showing.diffs_text import diff_text
from ..services.showing.profiles_html import profile_html
from ..services.showing.profiles_text import profile_text
from ..wire import to_json
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


def profile(ref: str) -> DatasetProfile:
    """What a dataset version is like: ``mlops.profile("train")``, ``mlops.profile("train@2")``.

    Of tables the columns (nulls, distinct values, ends, quantiles, histograms, common values), of folders the
    files, images and texts. It was computed in the background when the version was registered, else it is
    now. Of more than a million rows some numbers are estimates, and marked. Raises NotFound.
    """
    return DatasetProfile(current().profiles.of(ref), ref)


def diff(before: str, after: str, keys: str | Sequence[str] | None = None) -> DatasetDiff:
    """What differs between two dataset versions: ``mlops.diff("train@1", "train@2")``.

    Columns, rows, how far the values of each column have moved (PSI and Kolmogorov-Smirnov), and for folders
    their files. With ``keys=["id"]`` rows are matched by these columns: which were added, removed or changed.
    Raises NotFound, and InvalidInput where the keys do not tell rows apart.
    """
    return DatasetDiff(current().diffs.diff(before, after, keys=keys or ()))


class DatasetProfile:
    """A profile that shows itself; ``columns`` are by name."""

    def __init__(self, entity: entities.Profile, ref: str = "") -> None:
        self.entity = entity
        self.ref = ref

    @property
    def rows(self) -> int | None:
        return self.entity.rows

    @property
    def status(self) -> str:
        """pending, ready, failed or unsupported."""
        return self.entity.status.value

    @property
    def columns(self) -> dict[str, entities.ColumnProfile]:
        return {each.name: each for each in self.entity.columns}

    def to_dict(self) -> dict[str, Any]:
        """The whole of it, as the command line's ``--json`` prints it."""
        found: dict[str, Any] = to_json(self.entity)
        return found

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_frame(self) -> pd.DataFrame:
        """A row for each column."""
        import pandas as pd

        names = ("type", "nulls", "distinct", "min", "mean", "std", "max")
        rows = [[getattr(each, name) for name in names] for each in self.entity.columns]
        index = pd.Index([each.name for each in self.entity.columns], name="column")
        return pd.DataFrame(rows, index=index, columns=list(names))

    def __repr__(self) -> str:
        return profile_text(self.entity, self.ref)

    def _repr_html_(self) -> str:
        return profile_html(self.entity, self.ref or "Profile")


class DatasetDiff:
    """What differs between two versions; it shows itself."""

    def __init__(self, entity: entities.DatasetDiff) -> None:
        self.entity = entity

    @property
    def same(self) -> bool:
        """Whether the contents are the same."""
        return self.entity.same

    @property
    def drift(self) -> dict[str, entities.ColumnDrift]:
        """How far each column has moved, by name."""
        return {each.name: each for each in self.entity.drift}

    @property
    def rows(self) -> entities.RowDiff | None:
        """What became of rows, where keys were given."""
        return self.entity.rows

    def to_dict(self) -> dict[str, Any]:
        """The whole of it, as the command line's ``--json`` prints it."""
        found: dict[str, Any] = to_json(self.entity)
        return found

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __repr__(self) -> str:
        return diff_text(self.entity)

    def _repr_html_(self) -> str:
        return diff_html(self.entity)
