"""A home with journals, the index over it, and its readers: real files and tables, a fake clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.config import Settings, load_settings
from jupyter_mlops.entities import Process, RunStatus, new_id
from jupyter_mlops.errors import InvalidInput, Unavailable
from jupyter_mlops.journal.records import Register
from jupyter_mlops.services.runs.ingest import Ingestor
from jupyter_mlops.services.runs.liveness import Liveness, Witness
from jupyter_mlops.services.runs.service import RunService
from jupyter_mlops.store import index_tables
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.index import SqlRunIndex
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.journals import RUN, Scribe

HERE = Process(host="here", boot_id="boot-1", pid_namespace=1, pid=10, start_ticks=100)


@dataclass
class FakeHost:
    """What can be seen of processes from one place: those of its own boot and namespace."""

    here: Process = HERE
    dead: set[int] = field(default_factory=set)
    booted_at: float = 1_000_000_000.0

    def is_alive(self, process: Process) -> bool | None:
        seen = (process.boot_id, process.pid_namespace) == (self.here.boot_id, self.here.pid_namespace)
        return process.pid not in self.dead if seen else None

    def witness(self) -> Witness:
        return Witness(is_alive=self.is_alive, here=lambda: self.here, boot_time=lambda: self.booted_at)


@dataclass
class FakeRegistry:
    """Numbers registrations once each, as the registry does."""

    reachable: bool = True
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def apply(self, key: str, record: Register, run_id: str, user: str) -> int:
        self.calls.append((key, run_id, user))
        if not self.reachable:
            raise Unavailable("no registry")
        if " " in record.version["name"]:
            raise InvalidInput(f"no such name: {record.version['name']}")
        return self.numbers.setdefault(key, len(self.numbers) + 1)


class World:
    """A reader over a home. ``again`` is another one, as another process would be."""

    def __init__(
        self,
        home: Path,
        *,
        clock: FakeClock | None = None,
        host: FakeHost | None = None,
        registry: FakeRegistry | None = None,
        index: Path | None = None,
        several_indexes: bool = False,
    ) -> None:
        self.home = home
        self.clock = clock or FakeClock()
        self.host = host or FakeHost()
        self.registry = registry or FakeRegistry()
        self.settings: Settings = replace(load_settings({"home": home}, environ={}), user="ada")
        self.database = Database(sqlite_url(index or home / "index.sqlite"))
        self.index = SqlRunIndex(self.database)
        self.blobs = LocalBlobStore(home / "blobs")
        self.ingestor = Ingestor(
            self.settings,
            self.index,
            apply_registration=self.registry.apply,
            witness=self.host.witness(),
            several_indexes=several_indexes,
            clock=self.clock,
        )
        liveness = Liveness(self.index, self.settings, witness=self.host.witness(), clock=self.clock)
        self.runs = RunService(
            self.index, self.ingestor, self.blobs, self.settings, liveness=liveness, clock=self.clock
        )

    def again(self, **changes: Any) -> World:
        same = {"clock": self.clock, "host": self.host, "registry": self.registry}
        return World(self.home, **{**same, **changes})

    def scribe(self, run_id: str = RUN, **options: Any) -> Scribe:
        return Scribe(self.home, self.clock, run_id=run_id, **options)

    def new_run(self, name: str = "a run", *, pid: int = 10, **fields: Any) -> Scribe:
        """The owner's journal of a new run, by a process of this host."""
        self.clock.sleep(1)
        process = replace(self.host.here, pid=pid)
        return self.scribe(new_id(self.clock())).start(name, process=process, **fields)

    def child_of(self, run_id: str, *, pid: int, role: str = "child") -> Scribe:
        return self.scribe(run_id).join(process=replace(self.host.here, pid=pid), role=role)

    def status(self, run_id: str = RUN) -> RunStatus:
        return self.runs.get(run_id).status

    def active(self) -> list[str]:
        return sorted(path.name for path in (self.home / "active").iterdir())

    def facts(self) -> dict[str, list[str]]:
        """Every row of every table that holds what journals say, with what integer keys stand for."""
        with self.database.read() as connection:
            rows = {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in index_tables.FACTS
            }
        names = {row["key"]: row["id"] for row in rows["runs"]}
        writers = {row["key"]: row["writer"] for row in rows["run_journals"]}
        texts = {row["key"]: row["body"] for row in rows.pop("run_texts")}
        found = {}
        for table, those in rows.items():
            for row in those:
                row.pop("key", None)
                for column, meaning in (("run", names), ("journal", writers), ("code", texts)):
                    if row.get(column) is not None:
                        row[column] = meaning[row[column]]
            found[table] = sorted(json.dumps(row, default=repr) for row in those)
        return found

    def close(self) -> None:
        self.database.close()


Make = Callable[..., World]
