"""Where things come from, and what breaks if one of them is bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..entities import DatasetVersion, FeatureViewVersion, ModelVersion, VersionRef, reference_text
from ..errors import InvalidInput
from ..services.lineage.nodes import version_node
from ..services.showing.lineage_html import impact_html, lineage_html
from ..services.showing.lineage_text import impact_text, lineage_text
from ..wire import to_json
from ..workspace import current
from .jobs import Job

if TYPE_CHECKING:
    from .. import entities

KIND_OF_VERSION: dict[type[Any], str] = {
    DatasetVersion: "dataset",
    ModelVersion: "model",
    FeatureViewVersion: "view",
}

Something = Any
"""What people write, or have at hand: a run's or a job's handle, a version that was registered."""


def lineage(node: Something, *, direction: str = "both") -> Lineage:
    """Where something comes from and what it led to: ``"train@2"``, ``"digits@champion"``, a run, a job.

    Shows itself as a tree of text, in a notebook as a picture. ``direction`` is ``"up"`` for what led to it,
    ``"down"`` for what it led to. Where a name alone says too little, its kind goes before it:
    ``"dataset:train@2"``, ``"model:digits@1"``, ``"view:spend@1"``, ``"alias:digits@champion"``,
    ``"run:7xk2qp"``, ``"job:m4t9ab"``, ``"notebook:train.ipynb"``. Raises NotFound, Ambiguous.
    """
    return Lineage(current().lineage.graph(_node(node), direction))


def impact(ref: Something) -> Impact:
    """All that would have to be looked at again if something were bad, such as a dataset's version.

    Datasets, feature views, runs, jobs and models made from it, however many, and the aliases that stand for
    such a version now. Raises NotFound, Ambiguous.
    """
    return Impact(current().lineage.impact(_node(ref)))


class Lineage:
    """The graph around one node."""

    def __init__(self, entity: entities.Lineage) -> None:
        self.entity = entity

    @property
    def focus(self) -> str:
        """The node that it is about, by its whole id."""
        return self.entity.focus

    @property
    def nodes(self) -> list[entities.Node]:
        return self.entity.nodes

    @property
    def edges(self) -> list[entities.Edge]:
        """What led to what."""
        return self.entity.edges

    @property
    def truncated(self) -> bool:
        """Whether there is more than a picture can show."""
        return self.entity.truncated

    def to_dict(self) -> dict[str, Any]:
        """The whole of it, as the command line's ``--json`` prints it."""
        return _dict(self.entity)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __repr__(self) -> str:
        return lineage_text(self.entity)

    def _repr_html_(self) -> str:
        return lineage_html(self.entity)


class Impact:
    """What may be bad if its focus is."""

    def __init__(self, entity: entities.Impact) -> None:
        self.entity = entity

    @property
    def focus(self) -> str:
        """The node that it is about, by its whole id."""
        return self.entity.focus

    @property
    def aliases(self) -> list[str]:
        """Names that stand for one of the versions now: ``digits@champion``, ``dataset:train@gold``."""
        return self.entity.aliases

    @property
    def models(self) -> list[VersionRef]:
        return self.entity.models

    @property
    def datasets(self) -> list[VersionRef]:
        return self.entity.datasets

    @property
    def views(self) -> list[VersionRef]:
        return self.entity.views

    @property
    def runs(self) -> list[str]:
        """Whole ids."""
        return self.entity.runs

    @property
    def jobs(self) -> list[str]:
        """Whole ids."""
        return self.entity.jobs

    @property
    def lineage(self) -> Lineage | None:
        """As much of it as a picture can show."""
        return None if self.entity.lineage is None else Lineage(self.entity.lineage)

    def to_dict(self) -> dict[str, Any]:
        """The whole of it, as the command line's ``--json`` prints it."""
        return _dict(self.entity)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __repr__(self) -> str:
        return impact_text(self.entity)

    def _repr_html_(self) -> str:
        return impact_html(self.entity)


def _node(given: Something) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, VersionRef):
        return version_node(given)
    if kind := KIND_OF_VERSION.get(type(given)):
        return f"{kind}:{reference_text(given)}"
    if not hasattr(given, "id"):
        raise InvalidInput(
            "Say of what: a reference such as 'train@2' or 'digits@champion', an id, or a run, a job or a "
            f"version that you have at hand, not {given!r}."
        )
    return f"{'job' if isinstance(given, Job) else 'run'}:{given.id}"


def _dict(entity: Any) -> dict[str, Any]:
    found: dict[str, Any] = to_json(entity)
    return found
