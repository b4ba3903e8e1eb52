"""Feature views as a Feast repository: definitions and Parquet files that ``feast apply`` takes as they are.

Proved against Feast 0.67: ``feast apply``, ``get_historical_features``, ``materialize`` and
``get_online_features`` on what is written here give what ``training_set`` and ``online_features`` give. But
for one thing: Feast's local store leaves a label out whose key has rows that are all too old, or of the
future (``_filter_ttl`` of its ``offline_stores/dask.py``); ``training_set`` keeps it, with nulls.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from ...entities import FeatureViewVersion, Materialization
from ...errors import Conflict, InvalidInput, NotFound

ALWAYS = "event_timestamp"
"""The column of times that a view without a timestamp gets: Feast wants one."""
RESERVED = frozenset({ALWAYS, "created_timestamp"})
STORE = """\
project: {project}
registry: data/registry.db
provider: local
online_store:
    type: sqlite
    path: data/online_store.db
entity_key_serialization_version: 3
"""
HEADER = '''\
"""Feature views, exported by jupyter-mlops. Take them in with `feast apply`, in this folder."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp
'''
ENTITY = "{variable} = Entity(name={name!r}, join_keys=[{name!r}], value_type=ValueType.{kind})\n"
VIEW = """
{variable} = FeatureView(
    name={name!r},
    entities=[{entities}],
    ttl=timedelta(seconds={ttl_s!r}),
    schema=[
{fields}
    ],
    source=FileSource(name={source!r}, path={path!r}, timestamp_field={timestamp!r}),
    online=True,
    description={description!r},
    tags={tags!r},
)
"""
FIELD = "        Field(name={name!r}, dtype={dtype}),"


@dataclass
class _Repository:
    """What goes into the files, as it is collected."""

    entities: dict[str, str] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)


def export(
    path: Path,
    parts: Iterable[tuple[FeatureViewVersion, Materialization]],
    stored: Callable[[Materialization], Any],
    *,
    project: str | None = None,
) -> Path:
    """Write a new folder with a Feast repository of these views; returns it.

    Names are made of letters, digits and underscores, as Feast and Python want them; each view says in its
    tags which version it is. Raises Conflict when there is something at ``path``, NotFound for no views, and
    InvalidInput for what Feast cannot have.
    """
    path = path.expanduser().absolute()
    if path.exists():
        raise Conflict(f"There is something at {str(path)!r} already. Give a path where nothing is.")
    found = _Repository()
    for view, computed in parts:
        _add(found, view, computed, stored(computed))
    if not found.views:
        raise NotFound("No feature view was materialised, so there is nothing to export.")
    files = {
        "feature_store.yaml": STORE.format(project=_identifier(project or path.name)),
        "definitions.py": "\n".join([HEADER, "".join(found.entities.values()), *found.views.values()]),
    }
    with _whole(path) as folder:
        _write(folder, files, found.tables)
    return path


def _add(found: _Repository, view: FeatureViewVersion, computed: Materialization, table: Any) -> None:
    name = _identifier(view.name)
    if name in found.views:
        raise InvalidInput(
            f"Two feature views would be called {name!r} in Feast, one of them is {view.name!r}. Export them "
            "apart, with views=[...]."
        )
    names = _columns(view, table)
    table = table.rename_columns([names[each] for each in table.column_names])
    timestamp = ALWAYS if view.timestamp is None else names[view.timestamp]
    table, dtypes = _converted(table, view, timestamp)
    for key in view.keys:
        _add_entity(found, names[key], dtypes[names[key]], view)
    fields = [FIELD.format(name=each, dtype=dtype) for each, dtype in dtypes.items()]
    found.tables[f"{name}.parquet"] = table
    found.views[name] = VIEW.format(
        variable=f"{name}_view",
        name=name,
        entities=", ".join(f"{names[key]}_entity" for key in view.keys),
        ttl_s=view.ttl_s or 0,  # which means for ever
        fields="\n".join(fields),
        source=f"{name}_source",
        path=f"data/{name}.parquet",
        timestamp=timestamp,
        description=view.description,
        tags={
            "jupyter_mlops_view": f"{view.name}@{view.version}",
            "jupyter_mlops_dataset": f"{computed.dataset.name}@{computed.dataset.version}",
            "jupyter_mlops_digest": computed.dataset.digest,
        },
    )


def _columns(view: FeatureViewVersion, table: Any) -> dict[str, str]:
    """Column -> its name in Feast."""
    names = {each: _identifier(each) for each in table.column_names}
    features = [each for each in table.column_names if each not in (*view.keys, view.timestamp)]
    if taken := [each for each in (*view.keys, *features) if names[each] in RESERVED]:
        raise InvalidInput(
            f"{view.name!r} has a column {taken[0]!r}, a name that Feast keeps for itself. Rename it there."
        )
    for name in names.values():
        same = [each for each in names if names[each] == name]
        if len(same) > 1:
            raise InvalidInput(
                f"The columns {', '.join(map(repr, same))} of {view.name!r} would both be called {name!r} in "
                "Feast. Rename one of them in the view."
            )
    return names


def _converted(table: Any, view: FeatureViewVersion, timestamp: str) -> tuple[Any, dict[str, str]]:
    """The table in Feast's types, with a column of times; and Feast's words for those of the others."""
    import pyarrow as pa

    dtypes: dict[str, str] = {}
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name == timestamp:
            columns[name] = column
            continue
        kind, dtypes[name] = _feast_type(column.type, name, view)
        try:
            columns[name] = column.cast(kind)
        except pa.ArrowInvalid as error:
            raise InvalidInput(
                f"{name!r} of {view.name!r} cannot be {kind}, as Feast has it: {error}."
            ) from error
    if timestamp not in columns:
        columns[timestamp] = pa.array([0] * table.num_rows, pa.timestamp("us", "UTC"))
    return pa.table(columns), dtypes


def _feast_type(kind: Any, name: str, view: FeatureViewVersion) -> tuple[Any, str]:
    """The Arrow type to write, and Feast's word for it."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        inner, word = _feast_type(kind.value_type, name, view)
        return pa.list_(inner), f"Array({word})"
    of = pa.types
    small = of.is_integer(kind) and (kind.bit_width < 32 or kind == pa.int32())
    choices = (
        (of.is_boolean, pa.bool_(), "Bool"),
        (lambda each: small, pa.int32(), "Int32"),
        (of.is_integer, pa.int64(), "Int64"),
        (lambda each: of.is_float16(each) or of.is_float32(each), pa.float32(), "Float32"),
        (lambda each: of.is_floating(each) or of.is_decimal(each), pa.float64(), "Float64"),
        (of.is_string, pa.string(), "String"),
        (lambda each: of.is_binary(each) or of.is_fixed_size_binary(each), pa.binary(), "Bytes"),
        (lambda each: of.is_timestamp(each) or of.is_date(each), pa.timestamp("us", "UTC"), "UnixTimestamp"),
    )
    for fits, arrow, word in choices:
        if fits(kind):
            return arrow, word
    raise InvalidInput(
        f"{name!r} of {view.name!r} is {kind}, which Feast does not have. Give it as a number there, or "
        "leave the view out with views=[...]."
    )


def _add_entity(found: _Repository, name: str, dtype: str, view: FeatureViewVersion) -> None:
    kinds = {"Int32": "INT64", "Int64": "INT64", "String": "STRING", "Bool": "BOOL"}
    if dtype not in kinds:
        raise InvalidInput(
            f"The key {name!r} of {view.name!r} is a date, and Feast has no such keys. Make it a text there."
        )
    text = ENTITY.format(variable=f"{name}_entity", name=name, kind=kinds[dtype])
    if found.entities.setdefault(name, text) != text:
        raise InvalidInput(
            f"The key {name!r} has another type in {view.name!r} than in another view: for Feast an entity "
            "has one. Export them apart, with views=[...]."
        )


def _identifier(name: str) -> str:
    """Letters, digits and underscores; neither a digit nor an underscore is first."""
    made = re.sub(r"[^0-9a-zA-Z_]+", "_", name).lstrip("_") or "view"
    return f"n{made}" if made[0].isdigit() else made


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A folder beside ``path`` that takes its place when it is done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}-{uuid4().hex[:8]}")
    building.mkdir()
    try:
        yield building
        os.rename(building, path)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write(folder: Path, files: dict[str, str], tables: dict[str, Any]) -> None:
    import pyarrow.parquet

    (folder / "data").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, table in tables.items():
        pyarrow.parquet.write_table(table, folder / "data" / name)
