"""What lineage asks of the databases, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from jupyter_mlops.entities import Materialization, VersionRef
from jupyter_mlops.errors import NotFound
from jupyter_mlops.protocols.lineage import JobPlace, Made, Named, Read, RegistryLinks, RunLinks, RunPlace
from jupyter_mlops.protocols.registry import IMPORTED_KEY
from jupyter_mlops.store import index_tables as tables
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.index import SqlRunIndex
from jupyter_mlops.store.index_rows import put
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.lineage_registry import SqlRegistryLinks
from jupyter_mlops.store.lineage_runs import SqlRunLinks
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.store.registry_tables import materializations
from jupyter_mlops.testing.jobs import queued_job
from jupyter_mlops.testing.registry import dataset_version, model_version
from jupyter_mlops.wire import to_json

RUN, CHILD, FAR, JOB = (f"01hzzzzzzzzzzzzzzzzzzzzzz{digit}" for digit in "1234")
NAME = 'trä_in%"1"'
"""Everything in it means something in SQL or JSON."""
TRAIN = VersionRef(kind="dataset", name=NAME, version=1, digest="a" * 64)
CLEAN = VersionRef(kind="dataset", name="clean", version=1, digest="c" * 64)
DIGITS = VersionRef(kind="model", name="digits", version=1, digest="b" * 64)
SPEND = VersionRef(kind="view", name="spend", version=1, digest="e" * 64)


def _proof(registry: SqlRegistryLinks, runs: SqlRunLinks) -> tuple[RegistryLinks, RunLinks]:
    return registry, runs


class RegistryLinksContract:
    @pytest.fixture
    def links(self, database: Database) -> SqlRegistryLinks:
        """train -> clean; a run that read train made digits@champion; a job of that run."""
        store = SqlRegistryStore(database)
        store.register_dataset(dataset_version(NAME, run_id=None))
        store.register_dataset(
            replace(dataset_version("clean", "c" * 64, run_id=None), inputs=[TRAIN], view=SPEND)
        )
        store.register_model(replace(model_version("digits", run_id=RUN), datasets=[TRAIN]), key=f"{RUN}/w/1")
        store.register_dataset(dataset_version(NAME, run_id=FAR), key=f"{FAR}/w/1")
        store.move_alias("model", "digits", "champion", 1, user="ada")
        SqlJobStore(database).add(queued_job(id=JOB, parent_run_id=RUN, notebook="/d/a.ipynb"))
        SqlJobStore(database).add(queued_job(id=JOB[:-1] + "5", notebook="/d/a.ipynb"))
        return SqlRegistryLinks(lambda: database)

    def test_versions_are_found(self, links: SqlRegistryLinks) -> None:
        assert links.find("model", "digits") == DIGITS
        assert links.find("model", "digits", "champion") == DIGITS
        assert links.find("dataset", NAME, 1) == TRAIN
        for selector in (2, "gold"):
            with pytest.raises(NotFound):
                links.find("dataset", NAME, selector)

    def test_versions_say_what_they_were_made_from_and_are_found_by_it(self, links: SqlRegistryLinks) -> None:
        digits, clean = links.origins([DIGITS, CLEAN])
        assert (digits.version, digits.run_id, digits.inputs, digits.view) == (DIGITS, RUN, [TRAIN], None)
        assert (clean.version, clean.run_id, clean.inputs, clean.view) == (CLEAN, None, [TRAIN], SPEND)
        made = links.made_from([TRAIN, SPEND])
        assert [(each, origin.version) for each, origin in made] == [
            (TRAIN, CLEAN),
            (SPEND, CLEAN),
            (TRAIN, DIGITS),
        ]
        many = [replace(TRAIN, name=f"n{number}") for number in range(30)]
        assert len(links.made_from([*many, TRAIN])) == 2
        assert links.made_from([replace(TRAIN, version=2)]) == []

    def test_runs_and_versions_are_linked_both_ways(self, links: SqlRegistryLinks) -> None:
        assert links.registered_by([RUN, FAR]) == [Made(RUN, DIGITS), Made(FAR, TRAIN)]
        assert len(links.registered_by([RUN, *(f"{number:026}" for number in range(600))])) == 1
        assert links.registering([DIGITS, TRAIN]) == [Made(RUN, DIGITS), Made(FAR, TRAIN)]
        assert links.registering([replace(TRAIN, version=2), replace(TRAIN, name="none")]) == []
        assert links.of_contents(["a" * 64, "f" * 64]) == [("a" * 64, TRAIN)]
        assert links.aliases([DIGITS, TRAIN]) == [Named(DIGITS, "champion")]

    def test_an_import_is_no_run(self, links: SqlRegistryLinks, database: Database) -> None:
        store = SqlRegistryStore(database)
        store.register_model(model_version("far"), key=f"{IMPORTED_KEY}0f")
        assert links.registering([links.find("model", "far")]) == []

    def test_jobs_are_found_by_what_submitted_them(self, links: SqlRegistryLinks) -> None:
        assert links.jobs([JOB, "nothing"]) == [JobPlace(JOB, RUN, None, "/d/a.ipynb")]
        assert links.jobs_of_runs([RUN, FAR]) == [(RUN, JOB)]
        assert links.jobs_of_notebooks(["/d/a.ipynb", "/d/b.ipynb"]) == [("/d/a.ipynb", JOB[:-1] + "5")]

    def test_what_was_computed_is_found_from_each_of_its_ends(
        self, links: SqlRegistryLinks, database: Database
    ) -> None:
        made = Materialization(view=SPEND, source=TRAIN, dataset=CLEAN, rows=1, at=1.0, user="ada")
        with database.write() as connection:
            connection.execute(
                insert(materializations).values(
                    view="spend",
                    view_version=1,
                    source=NAME,
                    source_version=1,
                    dataset="clean",
                    dataset_version=1,
                    at=1.0,
                    entity=to_json(made),
                )
            )
        for end in (SPEND, TRAIN, CLEAN):
            assert links.computed([end]) == [made]
        assert links.computed([replace(SPEND, version=2), DIGITS]) == []


class RunLinksContract:
    @pytest.fixture
    def runs(self, index: Database) -> SqlRunLinks:
        """A run of a notebook that read train and has a child; a job's run that read its content."""
        common = ("run", "e", "cell", "finished", 1.0, 2.0, False, 1.0, 0, "ada", "here")
        rows = [
            (1, RUN, *common, "/d/a.ipynb", None, None, None, "", None),
            (2, CHILD, *common, "/d/a.ipynb", RUN, None, None, "", None),
            (3, FAR, *common, "/d/a.ipynb", None, JOB, None, "", None),
        ]
        reads = [
            (1, "w", 1, 1.0, "dataset", NAME, 1, "a" * 64),
            (2, "w", 1, 1.0, "dataset", NAME, None, "a" * 64),
            (3, "w", 1, 1.0, "model", "digits", 1, "b" * 64),
        ]
        with index.write() as connection:
            put(connection, tables.runs, rows)
            put(connection, tables.inputs, reads)
            put(connection, tables.data, [("a" * 64, 3)])
            made = (2, "w", 1, 1.0, "model", "next", "f" * 64, "ada", "{}", None, "")
            put(connection, tables.registrations, [made])
        return SqlRunLinks(index)

    def test_runs_say_where_they_belong(self, runs: SqlRunLinks) -> None:
        assert runs.places([RUN, CHILD, FAR, "nothing"]) == [
            RunPlace(RUN, None, None, "/d/a.ipynb"),
            RunPlace(CHILD, RUN, None, "/d/a.ipynb"),
            RunPlace(FAR, None, JOB, "/d/a.ipynb"),
        ]
        assert runs.children([RUN, FAR]) == [(RUN, CHILD)]
        assert runs.of_jobs([JOB]) == [(JOB, FAR)]
        assert runs.of_notebooks(["/d/a.ipynb"]) == [("/d/a.ipynb", RUN)]

    def test_what_was_read_is_found_from_both_ends(self, runs: SqlRunLinks) -> None:
        assert runs.read_by([RUN, CHILD]) == [Read(RUN, TRAIN), Read(CHILD, replace(TRAIN, version=None))]
        assert runs.contents_read_by([FAR]) == [(FAR, "a" * 64)]
        # by its name, as it was pending, and by its content
        assert runs.readers([TRAIN]) == [Read(RUN, TRAIN), Read(CHILD, TRAIN), Read(FAR, TRAIN)]
        assert runs.readers([DIGITS]) == [Read(FAR, DIGITS)]
        many = [replace(DIGITS, version=number) for number in range(1, 301)]
        assert runs.readers(many) == [Read(FAR, DIGITS)]
        pending = VersionRef(kind="model", name="next", version=None, digest="f" * 64)
        assert runs.pending([CHILD, RUN]) == [Made(CHILD, pending)]


class TestOnSQLite(RegistryLinksContract, RunLinksContract):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite_url(tmp_path / "registry.sqlite"))
        yield database
        database.close()

    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[Database]:
        index = Database(sqlite_url(tmp_path / "index.sqlite"))
        SqlRunIndex(index)
        yield index
        index.close()


class TestOnPostgreSQL(RegistryLinksContract, RunLinksContract):
    @pytest.fixture
    def database(self, emptied: Database) -> Database:
        return emptied

    @pytest.fixture
    def index(self, emptied: Database) -> Database:
        SqlRunIndex(emptied)
        with emptied.write() as connection:
            for table in tables.FACTS:
                connection.execute(table.delete())
        return emptied
