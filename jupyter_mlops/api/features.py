"""Feature views: defined by a decorator, computed as dataset versions, joined to labels, served online."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..errors import InvalidInput
from ..services.features.rows import VIEW_COLUMNS, view_rows
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities
    from ..services.features.definition import Definition


class FeatureView:
    """A function with a name, versions and a registry: call it like the function that it is.

    ``materialize()`` computes it from its source; ``version`` is its number, None while it has none.
    """

    __mlops_feature_view__ = True

    def __init__(
        self, definition: Definition | None = None, registered: entities.FeatureViewVersion | None = None
    ) -> None:
        self._definition = definition
        self._registered = registered
        if definition is not None:
            functools.update_wrapper(self, definition.function)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the function gives. That of somebody else's view has to be trusted: see ``function``."""
        return self.function()(*arguments, **named)

    def function(self, *, trust: bool = False) -> Callable[..., Any]:
        """The plain function. Raises Untrusted for a registered one of somebody else, without ``trust``."""
        if self._definition is not None:
            return self._definition.function
        return current().features.function(self.registered, trust=trust)

    @property
    def name(self) -> str:
        return self._definition.name if self._definition is not None else self.registered.name

    @property
    def registered(self) -> entities.FeatureViewVersion:
        """The definition as it stands now: what it uses may have changed, which makes another version."""
        if self._definition is not None:
            self._registered = current().features.define(self._definition)
        assert self._registered is not None
        return self._registered

    @property
    def version(self) -> int | None:
        """The number that it has had last; None while it is not registered."""
        return None if self._registered is None else self._registered.version

    @property
    def code(self) -> str:
        """All that it is made of: the function, and what it uses of its notebook or module."""
        return self.registered.code

    def materialize(
        self,
        version_of_source: int | None = None,
        *,
        online: bool = False,
        force: bool = False,
        trust: bool = False,
    ) -> entities.Materialization:
        """Compute it from a version of its source, the newest by default, as a dataset of its name.

        ``load_dataset(view.name)`` gives the result: keys, timestamp (in UTC; a time without a zone is taken
        as UTC) and features, sorted by time. The same version of the view on the same version of the source
        is not computed again unless ``force``d. ``online`` also puts the newest row of each key into the
        online table. Raises InvalidInput for a result without keys or times, with nulls among them, with two
        rows of one key and time, or with other types than before.
        """
        function = None if self._definition is None else self._definition.function
        return current().features.materialize(
            self.registered,
            function,
            source_version=version_of_source,
            online=online,
            force=force,
            trust=trust,
        )

    def __repr__(self) -> str:
        number = "not registered" if self.version is None else f"version {self.version}"
        of: Any = self._definition or self._registered
        at = f" at {of.timestamp}" if of.timestamp else ""
        return f"<FeatureView {of.name}, {number}: {of.source} by {', '.join(of.keys)}{at}>"


@overload
def feature_view(view: str, /) -> FeatureView: ...


@overload
def feature_view(
    *,
    source: str,
    keys: str | Sequence[str],
    timestamp: str | None = None,
    ttl: str | float | timedelta | None = None,
    name: str | None = None,
    description: str = "",
) -> Callable[[Callable[..., Any]], FeatureView]: ...


def feature_view(
    view: str | None = None,
    /,
    *,
    source: str | None = None,
    keys: str | Sequence[str] = (),
    timestamp: str | None = None,
    ttl: str | float | timedelta | None = None,
    name: str | None = None,
    description: str = "",
) -> FeatureView | Callable[[Callable[..., Any]], FeatureView]:
    """Make a feature view of a function that turns a DataFrame of ``source`` into features.

    ``@feature_view(source="rides", keys="driver_id", timestamp="ended_at", ttl="30d")`` above a function in a
    notebook cell or a module. What it returns has the columns ``keys``, ``timestamp`` (when the row became
    known; left out, rows always hold) and features. ``ttl`` is how old a row may be when it is used: by
    ``online_features`` as of now, by ``training_set`` as of the label; of an older one all is null. Its
    definition is the function with all that it uses of its notebook or module, the source, keys, timestamp
    and ttl: the same is the same version, a changed one the next. In a notebook it is registered at once, in
    a module when it is first used: an import decides nothing.

    ``feature_view("driver_stats@2")`` is one that is registered already.
    """
    if view is not None and not isinstance(view, str):
        said = f" {view.__name__!r}" if hasattr(view, "__name__") else ""
        raise InvalidInput(
            f"Say above the function{said} of which dataset its features are, and which columns tell rows "
            'apart: @feature_view(source="rides", keys="driver_id", timestamp="ended_at"), with brackets.'
        )
    if view is not None:
        return FeatureView(registered=current().features.version(view))
    if source is None or not keys:
        raise InvalidInput(
            'A feature view has a source and keys: @feature_view(source="rides", keys="driver_id", '
            'timestamp="ended_at"). One that is registered is feature_view("name").'
        )
    return _decorator(
        {"source": source, "keys": keys, "timestamp": timestamp, "ttl": ttl, "name": name},
        description=description,
    )


class _decorator:
    """Makes a feature view of a function; known as what it is, also under another name."""

    __mlops_feature_view__ = True

    def __init__(self, words: Mapping[str, Any], *, description: str) -> None:
        self._words = {**words, "description": description}

    def __call__(self, function: Callable[..., Any]) -> FeatureView:
        from ..services.features.capturing import NotThereYet
        from ..services.features.definition import defined

        made = FeatureView(defined(function, **self._words))
        if function.__module__ == "__main__":
            with suppress(NotThereYet):  # a later cell defines it: it is registered with its first use
                _ = made.registered
        return made


def feature_views() -> pd.DataFrame:
    """All versions of feature views, by name, of each name the newest first, each with what it gave last."""
    import pandas as pd

    rows = [row for each in current().features.all() for row in view_rows(each)]
    return pd.DataFrame(rows, columns=list(VIEW_COLUMNS))


def training_set(
    labels: pd.DataFrame | str,
    features: str | FeatureView | Iterable[str | FeatureView],
    *,
    timestamp: str = "event_timestamp",
    full_names: bool = False,
    save_as: str | None = None,
    description: str = "",
) -> pd.DataFrame:
    """Labels with features as they were known at each label's time: nothing of the future gets in.

    ``labels`` are a DataFrame, or the name of a dataset, with the views' keys and a column ``timestamp``,
    which is ``event_timestamp`` unless another one is named (no other is guessed);
    ``features`` name views or their features: ``["driver_stats", "customer@2:age"]``. Each label gets the
    newest row of its keys whose time is not after its own (one of the same instant counts) and that is not
    older than the view's ttl; where there is none, nulls. Times are compared in UTC, and one without a zone
    is taken as UTC. A view stands for what it gave from the newest version of its source.

    The labels keep their columns, order and index. Whole numbers and booleans with nulls are ``Int64`` and
    ``boolean``. Two columns of one name are refused; with ``full_names`` features are ``view__feature``.
    ``save_as`` registers the table as a dataset, whose inputs are those of the join. In a run all that was
    read is linked to it. Raises NotFound for a view that was not materialised, InvalidInput.
    """
    return current().features.training_set(
        labels,
        _references(features),
        timestamp=timestamp,
        full_names=full_names,
        save_as=save_as,
        description=description,
    )


def push_online(view: str | FeatureView) -> entities.Materialization:
    """Serve what a view gave last: the newest row of each key, all at once in the place of what was there.

    Raises NotFound when it was not materialised, Conflict when something newer is online.
    """
    return current().features.push_online(_reference(view))


@overload
def online_features(
    features: str | FeatureView | Iterable[str | FeatureView],
    keys: Sequence[Mapping[str, Any]] | pd.DataFrame,
    *,
    full_names: bool = ...,
) -> pd.DataFrame: ...


@overload
def online_features(
    features: str | FeatureView | Iterable[str | FeatureView],
    keys: Sequence[Mapping[str, Any]] | pd.DataFrame,
    *,
    full_names: bool = ...,
    as_dicts: bool,
) -> pd.DataFrame | list[dict[str, Any]]: ...


def online_features(
    features: str | FeatureView | Iterable[str | FeatureView],
    keys: Sequence[Mapping[str, Any]] | pd.DataFrame,
    *,
    full_names: bool = False,
    as_dicts: bool = False,
) -> pd.DataFrame | list[dict[str, Any]]:
    """The features of keys as they are known now: ``online_features("driver_stats", [{"driver_id": 5}])``.

    A row a key, in their order; nulls for a key that is unknown or whose row is older than the ttl. Values
    and dtypes are those of ``training_set``; ``as_dicts`` gives a list of dicts instead, for a service.
    Raises NotFound for a view that is not online, InvalidInput for a key of another kind.
    """
    from ..services.features.keys import asked_for

    asked, serving = asked_for(keys), current().features.serving
    if as_dicts:
        return serving.rows(_references(features), asked, full=full_names)
    from ..services.features.frames import frame_of

    return frame_of(serving.columns(_references(features), asked, full=full_names))


def export_feast(
    path: str | os.PathLike[str],
    views: Sequence[str | FeatureView] | None = None,
    *,
    project: str | None = None,
) -> Path:
    """Write these views, or all that were materialised, as a Feast repository into a new folder.

    ``feast apply`` in it takes them in. Names become letters, digits and underscores. Raises Conflict when
    there is something at ``path``, InvalidInput for what Feast cannot have.
    """
    wanted = None if views is None else _references(views)
    return current().features.export_feast(Path(path), wanted, project=project)


def _references(features: str | FeatureView | Iterable[str | FeatureView]) -> list[str]:
    if not isinstance(features, Iterable) or isinstance(features, str):
        return [_reference(features)]
    return [_reference(each) for each in features]


def _reference(view: str | FeatureView) -> str:
    if not isinstance(view, FeatureView):
        if not isinstance(view, str):
            raise InvalidInput(
                "A view is named by a text such as 'driver_stats', 'driver_stats@2' or "
                f"'driver_stats:rating', or is the view itself, not {view!r}."
            )
        return view
    number = view.registered.version
    return view.name if number is None else f"{view.name}@{number}"
