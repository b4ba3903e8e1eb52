"""Feature views: registered, computed, joined to labels, and served."""

from __future__ import annotations

import logging
import operator
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...config import Settings
from ...entities import (
    DatasetVersion,
    FeatureView,
    FeatureViewVersion,
    Materialization,
    VersionRef,
    VersionStatus,
)
from ...errors import Conflict, InvalidInput, NotFound, Unavailable
from ...protocols.clock import Clock
from ...protocols.features import FeatureStore, OnlineStore
from ..registry.deciding import Access, EverythingAllowed
from ..registry.names import Reference, checked_name, parse_reference, pinned
from ..registry.trust import is_vouched_for, proof_of, untrusted
from .ageing import age_note
from .definition import Definition
from .loading import function_of
from .results import checked, features_of
from .serving import OnlineFeatures
from .training import TrainingSets

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

KIND = "view"


class Datasets(Protocol):
    """What is needed of the registry."""

    def register_dataset(
        self,
        data: Any,
        *,
        name: str,
        description: str = "",
        inputs: Sequence[VersionRef] = (),
        view: VersionRef | None = None,
    ) -> DatasetVersion: ...

    def load_dataset(self, ref: str, *, as_path: bool = False) -> Any: ...

    def dataset_version(self, ref: str) -> DatasetVersion: ...


class FeatureService:
    """Named, versioned transformations of datasets, and what they gave."""

    def __init__(
        self,
        store: FeatureStore,
        online_store: OnlineStore,
        registry: Datasets,
        settings: Settings,
        *,
        run_id: Callable[[], str | None] = lambda: None,
        replaying: Callable[[], bool] = lambda: False,
        access: Access | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._run_id = run_id
        self._replaying = replaying
        self._access = access or EverythingAllowed()
        self._clock = clock
        self.serving = OnlineFeatures(
            online_store,
            lambda reference: store.version(reference.name, reference.selector).version,
            clock=clock,
        )

    # ------------------------------------------------------------------ definitions
    def define(self, definition: Definition) -> FeatureViewVersion:
        """The version of a definition as it stands now: the one that is there, or the next.

        It stays pending while cells are replayed for a job and the registry does not know it, and where no
        registry can be reached: the function can be called all the same. Raises InvalidInput, Forbidden.
        """
        pending = definition.version(self._settings, now=self._clock(), run_id=self._run_id())
        try:
            known = self._store.of_digest(pending.name, pending.digest)
            if self._replaying():
                return known or pending
            if known is not None:
                self._prove(known, pending)
                return known
            self._access.require(self._settings.user, "register", f"{KIND}:{pending.name}")
            return self._store.register(pending, proof=proof_of(pending, self._settings.home))
        except Unavailable:
            return pending

    def _prove(self, known: FeatureViewVersion, defined: FeatureViewVersion) -> None:
        """Prove a row that says that it is this user's of this home: he has just defined the same here."""
        if (known.created_by, known.origin) != (defined.created_by, defined.origin):
            return
        if not self._is_vouched_for(known):
            self._store.prove(defined.name, defined.digest, proof_of(defined, self._settings.home))

    def _is_vouched_for(self, version: FeatureViewVersion) -> bool:
        return is_vouched_for(version, self._store.proof(version.name, version.version), self._settings)

    def function(self, version: FeatureViewVersion, *, trust: bool = False) -> Callable[..., Any]:
        """The function of a registered definition, whose code is run.

        Raises Untrusted for what this user has not registered in this home, unless its author is trusted or
        ``trust`` is given, and otherwise as ``loading.function_of``.
        """
        if not trust and not self._is_vouched_for(version):
            raise untrusted(version, self._settings)
        return function_of(version)

    def all(self) -> list[FeatureView]:
        """Every view, by name."""
        return self._store.views()

    def named(self, name: str) -> FeatureView:
        """A view with its versions and what they gave. Raises NotFound."""
        return self._store.view(checked_name(name))

    def version(self, ref: str) -> FeatureViewVersion:
        """A version of a view by a reference such as ``driver_stats@2``. Raises NotFound."""
        wanted = parse_reference(ref)
        return self._store.version(wanted.name, wanted.selector)

    # ------------------------------------------------------------------ computing
    def materialize(
        self,
        view: str | FeatureViewVersion,
        function: Callable[..., Any] | None = None,
        *,
        source_version: int | None = None,
        force: bool = False,
        online: bool = False,
        trust: bool = False,
    ) -> Materialization:
        """Compute a view from a version of its source, the newest by default, and register the result.

        ``function`` is the view's own where it is at hand; else the registered code is run: Untrusted unless
        its author is trusted. The result is the dataset of the view's name; what was computed already is not
        computed again, unless ``force``d. That rows are older than the view's ttl is told by a warning in the
        log. In a run the source is its input and the result what it registers.
        With ``online`` it is put into the online table as well: Conflict when a newer one is there.
        """
        version = self.version(view) if isinstance(view, str) else view
        if version.version is None and not self._replaying():
            raise Unavailable(
                f"{version.name!r} cannot be materialised here: the registry cannot be reached. Its function "
                "can be called with a DataFrame."
            )
        source = self._source_of(version, source_version)
        found = None if version.version is None else self._store.materialization(_ref(version), _ref(source))
        if computed := (found is None or force):
            found = self._computed(version, function, source, replace_it=force, trust=trust)
        assert found is not None
        if online and found.dataset.version is not None and not self._replaying():
            return self._put_online(version, found, note_age=not computed)
        return found

    def _source_of(self, version: FeatureViewVersion, number: int | None) -> DatasetVersion:
        if number is None:
            return self._registry.dataset_version(version.source)
        try:
            wanted = operator.index(number)
        except TypeError:
            raise InvalidInput(f"A version of {version.source!r} is a number, not {number!r}.") from None
        return self._registry.dataset_version(f"{parse_reference(version.source).name}@{wanted}")

    def _computed(
        self,
        version: FeatureViewVersion,
        function: Callable[..., Any] | None,
        source: DatasetVersion,
        *,
        replace_it: bool,
        trust: bool,
    ) -> Materialization:
        self._access.require(self._settings.user, "register", f"{KIND}:{version.name}")
        function = function or self.function(version, trust=trust)
        self._require_own_name(version)
        began, place = time.perf_counter(), f"{source.name}@{source.version}"
        data = self._registry.load_dataset(place)
        if not hasattr(data, "iloc"):
            raise InvalidInput(
                f"{place} is no table, and the feature view {version.name!r} wants a DataFrame of it."
            )
        table = checked(function(data), version, of=place)
        took = time.perf_counter() - began
        self._note_age(version, table)
        dataset = self._registry.register_dataset(
            table,
            name=version.name,
            description=version.description,
            inputs=[_ref(source)],
            view=_ref(version),
        )
        found = Materialization(
            view=_ref(version),
            source=_ref(source),
            dataset=_ref(dataset),
            rows=table.num_rows,
            at=self._clock(),
            user=self._settings.user,
            run_id=self._run_id(),
            duration_s=took,
        )
        if dataset.status is VersionStatus.PENDING or version.version is None or self._replaying():
            return found
        return self._store.materialized(found, features=features_of(table, version), replace=replace_it)

    def _note_age(self, version: FeatureViewVersion, table: Any) -> None:
        if note := age_note(version, table, now=self._clock()):
            logger.warning("%s", note)

    def _require_own_name(self, version: FeatureViewVersion) -> None:
        """Raises Conflict where the dataset of the view's name is somebody's own data."""
        try:
            there = self._registry.dataset_version(version.name)
        except NotFound:
            return
        if there.view is None:
            raise Conflict(
                f"There is a dataset {version.name!r} that no feature view made, and what this view computes "
                "becomes a dataset of its name. Give the view another one: feature_view(..., name=...)."
            )

    # ------------------------------------------------------------------ reading
    def newest(self, reference: Reference) -> tuple[FeatureViewVersion, Materialization]:
        """A version of a view, and what it gave from the newest version of its source. Raises NotFound.

        A job that reproduces a run has what that run had read.
        """
        version = self._store.version(reference.name, reference.selector)
        found = self._store.materializations(version.name, version.version)
        if not found:
            raise self._not_computed(version)
        pin = pinned(Reference(version.name), "dataset", self._settings.pins).selector
        return version, next((each for each in found if each.dataset.version == pin), found[0])

    def _not_computed(self, version: FeatureViewVersion) -> NotFound:
        others = dict.fromkeys(
            f"{each.view.name}@{each.view.version}" for each in self._store.materializations(version.name)
        )
        hint = f" Materialised are: {', '.join(others)}." if others else ""
        return NotFound(
            f"{version.name}@{version.version} was not materialised yet.{hint} Do it with "
            f"{version.function}.materialize(), or: jupyter mlops materialize {version.name}"
        )

    def training_set(
        self,
        labels: Any,
        features: str | Iterable[str],
        *,
        timestamp: str = "event_timestamp",
        full_names: bool = False,
        save_as: str | None = None,
        description: str = "",
    ) -> pd.DataFrame:
        """The labels with features as they were known at each label's time; see ``api.training_set``."""
        sets = TrainingSets(self._registry, self.newest, self.stored)
        found = sets.joined(labels, features, timestamp=timestamp, full_names=full_names)
        if save_as is not None:
            self._registry.register_dataset(
                found.frame, name=save_as, description=description, inputs=found.inputs
            )
        return found.frame

    # ------------------------------------------------------------------ online
    def push_online(self, ref: str) -> Materialization:
        """Serve what a version of a view gave from the newest version of its source.

        Raises NotFound when it was not materialised, Conflict when something newer is online.
        """
        version, computed = self.newest(parse_reference(ref))
        return computed if self._replaying() else self._put_online(version, computed)

    def _put_online(
        self, version: FeatureViewVersion, computed: Materialization, *, note_age: bool = True
    ) -> Materialization:
        self._access.require(self._settings.user, "register", f"{KIND}:{version.name}")
        stored = self.stored(computed)
        if note_age:
            self._note_age(version, stored)
        keys = self.serving.put(version, computed, stored)
        return self._store.online(computed.view, computed.source, keys, user=self._settings.user)

    def export_feast(
        self, path: Path, views: Sequence[str] | None = None, *, project: str | None = None
    ) -> Path:
        """Write a Feast repository of these views, or of all that were materialised; see ``feast.export``."""
        from .feast import export

        if views is None:
            views = [each.name for each in self.all() if _newest_is_computed(each)]
        parts = [self.newest(parse_reference(each)) for each in views]
        return export(path, parts, self.stored, project=project)

    def stored(self, computed: Materialization) -> Any:
        """The Arrow table of a materialization; in a run it becomes an input."""
        import pyarrow.parquet

        reference = f"{computed.dataset.name}@{computed.dataset.version}"
        return pyarrow.parquet.read_table(self._registry.load_dataset(reference, as_path=True))


def _newest_is_computed(view: FeatureView) -> bool:
    return any(each.view.version == view.versions[0].version for each in view.materializations)


def _ref(version: DatasetVersion | FeatureViewVersion) -> VersionRef:
    kind = "dataset" if isinstance(version, DatasetVersion) else KIND
    return VersionRef(kind=kind, name=version.name, version=version.version, digest=version.digest)
