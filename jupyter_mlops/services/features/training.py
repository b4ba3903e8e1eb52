"""Training sets: labels, and the features that were known when each of them was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ...entities import DatasetVersion, FeatureViewVersion, Materialization, VersionRef
from ...errors import InvalidInput, MlopsError
from ..registry.arrow_tables import arrow_table, is_table
from ..registry.identity import origin_of
from ..registry.names import Reference
from . import selection
from .frames import frame_of, taken
from .joining import rows_as_of

if TYPE_CHECKING:
    import pandas as pd


class Loader(Protocol):
    """What is needed of the registry."""

    def load_dataset(self, ref: str, *, as_path: bool = False) -> Any: ...

    def dataset_version(self, ref: str) -> DatasetVersion: ...


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The table, and the dataset versions that it was made from."""

    frame: pd.DataFrame
    inputs: list[VersionRef] = field(default_factory=list)


class TrainingSets:
    """Joins labels with what views gave."""

    def __init__(
        self,
        registry: Loader,
        newest: Callable[[Reference], tuple[FeatureViewVersion, Materialization]],
        stored: Callable[[Materialization], Any],
    ) -> None:
        """``newest`` is what a view gave last, and ``stored`` its Arrow table."""
        self._registry = registry
        self._newest = newest
        self._stored = stored

    def joined(
        self, labels: Any, features: str | Iterable[str], *, timestamp: str, full_names: bool
    ) -> TrainingSet:
        """Raises NotFound for a view that was not materialised, InvalidInput for what does not fit."""
        parts = selection.selected(features, self._newest)
        frame, inputs = self._labels(labels)
        names = selection.names(parts, list(frame.columns), full=full_names)
        made = frame.copy(deep=False)
        made.attrs = {}  # it is not the dataset any more that the labels may have been
        columns: dict[str, Any] = {}
        for part, titles in zip(parts, names, strict=True):
            stored = self._stored(part.computed)
            rows = rows_as_of(frame, stored, part.view, timestamp)
            for feature, title in zip(part.features, titles, strict=True):
                columns[title] = taken(stored.column(feature), rows)
            inputs.append(part.computed.dataset)
        import pandas as pd

        # all at once: one by one would part the frame's memory into a piece a column
        found = pd.concat([made, frame_of(columns).set_axis(frame.index)], axis=1)
        return TrainingSet(found, list(dict.fromkeys(inputs)))

    def _labels(self, labels: Any) -> tuple[pd.DataFrame, list[VersionRef]]:
        """The labels, and the dataset that they are, or were made from."""
        if isinstance(labels, str):
            labels = self._registry.load_dataset(labels)
        if not hasattr(labels, "iloc") and is_table(labels):
            labels = arrow_table(labels).to_pandas()
        if not hasattr(labels, "columns") or not hasattr(labels, "iloc"):
            raise InvalidInput(
                f"Labels are a DataFrame, or the name of a dataset, not a {type(labels).__qualname__}."
            )
        if not labels.columns.is_unique:
            twice = labels.columns[labels.columns.duplicated()][0]
            raise InvalidInput(f"The labels have two columns {twice!r}. Rename one of them.")
        return labels, self._origin(labels)

    def _origin(self, labels: pd.DataFrame) -> list[VersionRef]:
        said = origin_of(labels)
        if said is None:
            return []
        try:
            known = self._registry.dataset_version(f"{said.name}@{said.version}")
        except MlopsError:  # of another registry
            return []
        return [said] if known.digest == said.digest else []
