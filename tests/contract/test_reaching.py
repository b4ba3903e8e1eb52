"""Every store of the registry says in the same way that its database cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.entities import Expectation
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.audit import AuditQuery
from jupyter_mlops.protocols.sealing import RUN
from jupyter_mlops.store.audit import SqlAuditStore
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.expectations import SqlExpectationStore
from jupyter_mlops.store.features import SqlFeatureStore
from jupyter_mlops.store.lineage_registry import SqlRegistryLinks
from jupyter_mlops.store.online import SqlOnlineStore
from jupyter_mlops.store.profiles import SqlProfileStore
from jupyter_mlops.store.promotion import SqlPromotionStore
from jupyter_mlops.store.reaching import LazyDatabase
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.store.sealing import SqlSealStore
from jupyter_mlops.testing.registry import dataset_version

Open = Callable[[], Database]

USES: list[Callable[[Open], Any]] = [
    lambda database: SqlRegistryStore(database).models(),
    lambda database: SqlRegistryStore(database).register_dataset(dataset_version()),
    lambda database: SqlFeatureStore(database).views(),
    lambda database: SqlFeatureStore(database).prove("view", "digest", "proof"),
    lambda database: SqlPromotionStore(database).gates("digits"),
    lambda database: SqlPromotionStore(database).withdraw("digits", 1, "champion", user="ada"),
    lambda database: SqlProfileStore(database).get("digest", format=1),
    lambda database: SqlExpectationStore(database).all("train"),
    lambda database: SqlExpectationStore(database).set(list[Expectation](), user="ada"),
    lambda database: SqlSealStore(database).of(RUN, "run"),
    lambda database: SqlRegistryLinks(database).find("dataset", "train"),
    lambda database: SqlAuditStore(database).newest(AuditQuery(), limit=1),
    lambda database: SqlAuditStore(database).verify(),
    lambda database: SqlOnlineStore(database).tables(),
]


@pytest.mark.parametrize("use", USES)
def test_a_database_below_a_file_is_unavailable(use: Callable[[Open], Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        use(lambda: Database(sqlite_url(tmp_path / "file" / "registry.sqlite")))


@pytest.mark.parametrize("use", USES)
def test_a_file_that_is_no_database_is_unavailable(use: Callable[[Open], Any], tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(Unavailable):
        use(lambda: Database(sqlite_url(path)))


@pytest.mark.parametrize("use", USES)
def test_a_database_without_its_driver_is_unavailable(use: Callable[[Open], Any]) -> None:
    with pytest.raises(Unavailable, match=r"(?i)oracle"):
        use(lambda: Database("oracle://nowhere/x"))


def test_a_database_is_opened_by_its_first_use_and_kept(tmp_path: Path) -> None:
    opened: list[Database] = []

    def open_one() -> Database:
        opened.append(Database(sqlite_url(tmp_path / "registry.sqlite")))
        return opened[-1]

    lazy = LazyDatabase(open_one)
    assert opened == []
    for use in (lazy.read, lazy.write, lazy.read):
        with use() as connection:
            assert connection.engine is opened[0].engine
    assert len(opened) == 1


def test_a_database_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    store = SqlRegistryStore(lambda: Database(sqlite_url(place / "registry.sqlite")))
    with pytest.raises(Unavailable):
        store.datasets()
    place.unlink()
    assert store.datasets() == []
