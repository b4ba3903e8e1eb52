"""Datasets by name and version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..services.rows import DATASET_COLUMNS, dataset_row
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities
    from ..services.registry.sources.sql import Query


def register_dataset(
    data: Any,
    name: str,
    *,
    description: str = "",
    copy: bool | None = None,
    alias: str | None = None,
    tags: Mapping[str, str] | None = None,
    owner: str | None = None,
    licence: str | None = None,
) -> entities.DatasetVersion:
    """Register data under ``name``: ``register_dataset(data, "train")``, or ``name="train"``.

    ``data`` is the path of a file or folder, a glob (``"data/*.parquet"``), an fsspec URL of any of these
    (``"s3://bucket/train/"``), a DataFrame (pandas, polars, Arrow), a NumPy array or torch tensor or a dict
    of them, or ``mlops.sql(query, connection)``.

    A version is a content: the BLAKE3 digest of all of it decides, and registering the same content
    again gives the version that is there. Inside a run the two are linked. A table in memory is kept as
    Parquet, and comes back as a pandas DataFrame unless ``load_dataset`` is told otherwise.

    Files and folders of more than 100 MB (``JUPYTER_MLOPS_COPY_DATASET_BYTES``) stay where they are, and are
    verified whenever they are loaded; smaller ones are copied. ``copy=True`` copies always (without copying
    bytes where the file system can share them), ``copy=False`` never. ``alias`` and ``tags`` are the
    version's, ``owner`` and ``licence`` those of the name.
    """
    return current().registry.register_dataset(
        data,
        name=name,
        description=description,
        copy=copy,
        alias=alias,
        tags=tags,
        owner=owner,
        licence=licence,
    )


def sql(query: str, connection: Any) -> Query:
    """The result of a query, to be registered: ``register_dataset(mlops.sql(...), name="orders")``.

    ``connection`` is an SQLAlchemy URL (``"postgresql+psycopg://host/shop"``), an Engine or a Connection. The
    result is kept as Parquet, with the text of the query and the URL without its password. Use ORDER BY:
    the same rows in another order are another version.
    """
    from ..services.registry.sources.sql import Query

    return Query(query, connection)


def load_dataset(
    ref: str, *, as_path: bool = False, as_: Literal["pandas", "arrow", "polars", "path"] | None = None
) -> Any:
    """A registered dataset: ``"train"`` (the newest), ``"train@2"``, ``"train@golden"``.

    Tables (also CSV, Parquet, Feather and JSON-lines files) come as a pandas DataFrame, whatever they were
    registered as; ``as_="arrow"`` and ``as_="polars"`` give a table of these. ``.npy`` and ``.npz`` come as
    an array or a dict of arrays; other files, folders and globs (the folder of their files) as a read-only
    Path; ``as_path`` always gives the Path. Of a dataset that stayed where it was that is the original.
    Inside a run it becomes its input. The newest of a name is never one that only an import brought, if there
    are others.
    Raises NotFound, Corrupt when the content is not what was registered, and ContentChanged (which is one)
    when the original is not any more.
    """
    return current().registry.load_dataset(ref, as_path=as_path, as_=as_)


def dataset_of(frame: Any) -> entities.VersionRef | None:
    """Which dataset version a DataFrame is: one that was loaded and still has exactly its values.

    None for any other frame. The values are compared, which takes as long as loading the dataset again. What
    a changed or derived frame was made from stands in ``frame.attrs["jupyter_mlops"]``, and is kept in
    ``inputs`` of the version that it is registered as.
    """
    return current().registry.dataset_of(frame)


def datasets() -> pd.DataFrame:
    """All dataset versions, by name; of each name the newest first."""
    import pandas as pd

    rows = [dataset_row(version) for each in current().registry.datasets() for version in each.versions]
    return pd.DataFrame(rows, columns=list(DATASET_COLUMNS))


def edit_dataset(
    ref: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    owner: str | None = None,
    licence: str | None = None,
) -> entities.Dataset:
    """Change what is said of a dataset (``"train"``) or of one version (``"train@2"``, ``"train@golden"``).

    What is not given stays, and a tag of None goes. Contents never change; the audit trail says who said
    what. Raises NotFound, Forbidden, and InvalidInput, also where nothing is given.
    """
    registry = current().registry
    registry.edit("dataset", ref, description=description, tags=tags, owner=owner, licence=licence)
    return registry.dataset(ref.partition("@")[0])
